"""The summary at the end of a run, in words: how many, what to do about each failure, and what to type next."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence

from charimg.events import JobName, LaneClosed, Problem, RunFinished
from charimg.model import Verdict
from charimg.ui.wording import clean, clean_name, count, duration, moment, money, noun, shell_word, waits_told

RULE = "=" * 40

MOST_NAMED = 12
"""Problems of one kind that are named; `charimg status` has the rest."""

_OF_THE_CODE = re.compile(r"^[^:]*\.py, line \d+: |^\S+ returned \S+ where .* belongs$|^the provider's code ")
"""Words of a plugin's own mistake: where its code raised, or what it gave back."""

_HEADINGS = {
    Verdict.FATAL: "❌ The service did not let charimg in:",
    Verdict.EXHAUSTED: "⏳ The quota is used up:",
    Verdict.THROTTLED: "⏳ The service stayed too busy:",
    Verdict.FLAKY: "❌ No picture came back:",
    Verdict.INVALID: "❌ The service cannot fulfil these as they are:",
    Verdict.REJECTED: "🚫 Rejected by the service for their content:",
}
"""In the order they are shown: what stops everything first."""


Again = str | Callable[[RunFinished], str]
"""The command that continues a run, as the user would type it; or what tells it from what is left."""


def summary_lines(finished: RunFinished, *, again: Again = "charimg run", forced: str | None = None) -> list[str]:
    """The summary, computed from the last event alone; symbols and text, no escape codes.

    :param again: the command that continues the run, as the user would type it; or what tells it from what is left.
    :param forced: of a run with ``--force`` the command that makes pictures again, to which names are added: those
        still pending mostly have a picture already, and a plain run would leave them as they are.
    """
    if not finished.total and not finished.closed:
        lines = ["✅ Nothing to do: every character has its picture."]
    else:
        lines = _counts(finished)
    if not isinstance(again, str):
        again = again(finished)
    blocks = [
        *(_problem_block(finished, verdict, again, forced) for verdict in _HEADINGS),
        _standing_block(finished),
        _charged_block(finished),
        _lanes_block(finished),
        _closed_block(finished),
        _facts_block(finished),
        _next_block(finished, again, forced),
    ]
    for block in blocks:
        if block:
            lines += ["", *block]
    return lines


def closed_line(closed: LaneClosed) -> str:
    """Why a lane takes no more jobs, and until when."""
    lane = clean_name(closed.lane or "") or "The lane"
    until = f" Open again: {moment(closed.until, closed.time)}." if closed.until else ""
    return f"🔒 {lane} closed: {_sentence(clean(closed.message) or closed.verdict.value)}{until}"


def _counts(finished: RunFinished) -> list[str]:
    if finished.interrupted:
        end = "INTERRUPTED"
    elif finished.pending:
        end = "STOPPED EARLY"
    else:
        end = "COMPLETE"
    return [
        f"🎨 {RULE}",
        f"🎨 CHARACTER GENERATION {end}",
        f"✅ Success: {finished.succeeded}",
        f"❌ Failed: {finished.failed}",
        *([f"🚫 Rejected: {finished.rejected}"] if finished.rejected else []),
        *([f"⏸️  Pending: {finished.pending}"] if finished.pending else []),
        f"📊 Total: {finished.total}",
        f"🎨 {RULE}",
    ]


def _problem_block(finished: RunFinished, verdict: Verdict, again: str, forced: str | None) -> list[str]:
    problems = [problem for problem in finished.problems if problem.verdict is verdict]
    if not problems:
        return []
    unreachable = all(problem.unreachable for problem in problems)
    lines = [
        "⏳ The service could not be reached:" if unreachable else _HEADINGS[verdict],
        *(f"   {clean_name(p.name)}: {clean(p.message)}" for p in problems[:MOST_NAMED]),
    ]
    if len(problems) > MOST_NAMED:
        lines.append(f"   ... and {len(problems) - MOST_NAMED} more: charimg status")
    if all(problem.stage == "upload" for problem in problems):
        lines.append("   The picture is saved; only its upload is missing.")
    return [*lines, *(f"   👉 {remedy}" for remedy in _remedies(finished, verdict, problems, again, forced))]


def _remedies(
    finished: RunFinished, verdict: Verdict, problems: Sequence[Problem], again: str, forced: str | None
) -> list[str]:
    if verdict is Verdict.REJECTED:
        whose = "its description" if len(problems) == 1 else "their descriptions"
        change = f"Change {whose} in the roster, then: {again}"
        if " --only " in again:
            return [change]
        first = problems[0]
        others = "" if len(problems) == 1 else f"  (one --only for each; the first is {clean_name(first.name)})"
        return [f"{change} --only {shell_word(first.name, first.key)}{others}"]
    if all(problem.unreachable for problem in problems):
        return [f"Check the connection and the provider's address, then: {again}  (continues where it stopped)"]
    if verdict is Verdict.THROTTLED:
        return [f"Later: {again}  (continues where it stopped)"]
    if verdict is Verdict.EXHAUSTED:
        return [f"{_when_back(finished)}: {again}  (continues where it stopped)"]
    if verdict is Verdict.INVALID:
        return _change_remedy(finished, problems, again, forced)
    if verdict is Verdict.FATAL:
        return _login_remedy([problem.message for problem in problems])
    return [f"Often a second try helps: {again}"]


def _when_back(finished: RunFinished) -> str:
    resets = [lane.until for lane in finished.closed if lane.until and lane.verdict is Verdict.EXHAUSTED]
    return f"After {moment(min(resets), finished.time)}" if resets else "When the quota is back"


def _change_remedy(finished: RunFinished, problems: Sequence[Problem], again: str, forced: str | None) -> list[str]:
    faults = sum(bool(_OF_THE_CODE.search(problem.message)) for problem in problems)
    remedies = ["The fault is in the plugin's code, which its author can mend: --debug shows where."] if faults else []
    if faults < len(problems):
        then = "run it again"
        if forced is not None:  # the picture that was to be replaced stands, and a plain run is content with it
            all_of_the_roster = len(problems) == finished.total and " --only " not in again
            then += " with --force" if all_of_the_roster else f" with --force{_onlys(problems)}"
        remedies.append(f"The service's words say what to change, in the roster or the options; then {then}.")
    return remedies


def _login_remedy(messages: Sequence[str]) -> list[str]:
    remedy = "charimg doctor  checks every login"
    # Providers know their own name, and mostly say themselves how a new key is stored.
    if any("charimg keys" in message for message in messages):
        return [remedy]
    if any("charimg providers" in message for message in messages):
        return []  # the service is gone, and no login brings it back; what to use instead is said
    return [f"{remedy}; a new one: charimg keys set PROVIDER"]


def _standing_block(finished: RunFinished) -> list[str]:
    lines = []
    for lane in dict.fromkeys(job.lane for job in finished.standing):
        names = [clean_name(job.name) for job in finished.standing if job.lane == lane]
        lines.append(f"⏳ Still under way at {clean_name(lane)}: {_some(names)}")
    return [*lines, "   (accepted there; the next run fetches what is made)"] if lines else []


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}"


def _charged_block(finished: RunFinished) -> list[str]:
    names = [clean_name(job.name) for job in finished.possibly_charged]
    if not names:
        return []
    return [
        f"⚠️  May have been charged without leaving a picture: {_some(names)}",
        "   (the request was sent and its answer never came)",
    ]


def _lanes_block(finished: RunFinished) -> list[str]:
    if len(finished.lanes) < 2 or not finished.total:
        return []
    lines = ["🎨 Lanes:"]
    for lane in finished.lanes:
        if lane.not_needed:
            lines.append(f"   {clean_name(lane.name)}: not needed")
            continue
        parts = [f"{lane.succeeded} succeeded"]
        parts += [f"{lane.failed} failed"] if lane.failed else []
        parts += [f"{lane.rejected} rejected"] if lane.rejected else []
        parts += waits_told(lane.waits, lane.connection_waits)
        parts += [money(cost) for cost in lane.spent if cost.amount > 0]
        lines.append(f"   {clean_name(lane.name)}: {', '.join(parts)}")
    return lines


def _closed_block(finished: RunFinished) -> list[str]:
    lines = [closed_line(lane) for lane in finished.closed]
    fatal = [lane.message for lane in finished.closed if lane.verdict is Verdict.FATAL]
    if fatal and all(problem.verdict is not Verdict.FATAL for problem in finished.problems):
        lines += [f"   👉 {remedy}" for remedy in _login_remedy(fatal)]
    return lines


def _facts_block(finished: RunFinished) -> list[str]:
    lines = []
    if finished.succeeded and finished.out:
        pictures, took = count(finished.succeeded, "picture"), duration(finished.seconds)
        if not finished.uploads_only:
            lines.append(f"📁 {pictures} in {clean(finished.out)}, made in {took}")
        elif finished.uploads_only == finished.succeeded:
            lines.append(f"📁 {pictures} of {clean(finished.out)}, uploaded in {took}")
        else:
            made = finished.succeeded - finished.uploads_only
            lines.append(f"📁 {pictures} in {clean(finished.out)}, {made} of them made now, in {took}")
    spent = [clean_name(cost.with_source) for cost in finished.spent if cost.amount > 0]
    if spent:
        lines.append(f"💰 Spent: {' + '.join(spent)}")
    lines += [
        f"💰 {clean_name(lane.name)}: {count(lane.unpriced, 'picture')}, price not known"
        for lane in finished.lanes
        if lane.unpriced
    ]
    return lines


def _next_block(finished: RunFinished, again: str, forced: str | None) -> list[str]:
    lines = []
    if finished.pending:
        fatal = [lane.message for lane in finished.closed if lane.verdict is Verdict.FATAL]
        if not fatal or _login_remedy(fatal):
            command = again if forced is None else _forced_for(finished, again, forced)
            lines.append(f"👉 {_first_step(finished)}{command}  continues with {_whom(finished)}")
    if finished.succeeded or not finished.total:
        lines.append("👉 charimg gallery  shows the whole cast on one page")
    return lines


def _first_step(finished: RunFinished) -> str:
    """What has to be before the run can go on, where it ended because no lane was left."""
    if any(lane.verdict is Verdict.FATAL for lane in finished.closed):
        return "Then: "
    if finished.interrupted or not finished.closed:
        return ""
    if finished.over_budget:
        return "With a higher --budget: "
    if any(lane.verdict is Verdict.EXHAUSTED for lane in finished.closed):
        return f"{_when_back(finished)}: "
    return "Later: " if any(lane.verdict is Verdict.THROTTLED for lane in finished.closed) else ""


def _whom(finished: RunFinished) -> str:
    """Whom the next run takes up: the pending, and those that failed."""
    pending = f"the {count(finished.pending, noun(finished.left))} still pending"
    return f"{pending} and the {finished.failed} that failed" if finished.failed else pending


def _forced_for(finished: RunFinished, again: str, forced: str) -> str:
    failed = [problem for problem in finished.problems if problem.verdict is not Verdict.REJECTED]
    if len(finished.left) + len(failed) == finished.total:
        return f"{again} --force"
    # However many they are: nothing else tells them from those that were made.
    return f"{forced}{_onlys([*finished.left, *failed])}"


def _onlys(jobs: Sequence[JobName | Problem]) -> str:
    # Keys, for names may stand twice.
    return "".join(f" --only {shlex.quote(job.key)}" for job in jobs)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
