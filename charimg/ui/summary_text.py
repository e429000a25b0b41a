"""The summary at the end of a run, in words: how many, what to do about each failure, and what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from charimg.events import JobName, LaneClosed, Problem, RunFinished
from charimg.model import Verdict
from charimg.ui.wording import clean, clean_name, count, duration, moment, money, shell_word

RULE = "=" * 40

MOST_NAMED = 12
"""Problems of one kind that are named; `charimg status` has the rest."""

_HEADINGS = {
    Verdict.FATAL: "❌ The service did not let charimg in:",
    Verdict.EXHAUSTED: "⏳ The quota is used up:",
    Verdict.THROTTLED: "⏳ The service stayed too busy:",
    Verdict.FLAKY: "❌ No picture came back:",
    Verdict.INVALID: "❌ The service cannot fulfil these as they are:",
    Verdict.REJECTED: "🚫 Rejected by the service for their content:",
}
"""In the order they are shown: what stops everything first."""


def summary_lines(finished: RunFinished, *, again: str = "charimg run", forced: str | None = None) -> list[str]:
    """The summary, computed from the last event alone; symbols and text, no escape codes.

    :param again: the command that continues the run, as the user would type it.
    :param forced: of a run with ``--force`` the command that makes pictures again, to which names are added: those
        still pending mostly have a picture already, and a plain run would leave them as they are.
    """
    if not finished.total and not finished.closed:
        lines = ["✅ Nothing to do: every character has its picture."]
    else:
        lines = _counts(finished)
    blocks = [
        *(_problem_block(finished, verdict, again) for verdict in _HEADINGS),
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


def _problem_block(finished: RunFinished, verdict: Verdict, again: str) -> list[str]:
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
    return [*lines, *(f"   👉 {remedy}" for remedy in _remedies(finished, verdict, problems, again))]


def _remedies(finished: RunFinished, verdict: Verdict, problems: Sequence[Problem], again: str) -> list[str]:
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
        resets = [lane.until for lane in finished.closed if lane.until and lane.verdict is Verdict.EXHAUSTED]
        when = f"After {moment(min(resets), finished.time)}" if resets else "When the quota is back"
        return [f"{when}: {again}  (continues where it stopped)"]
    if verdict is Verdict.INVALID:
        return ["The service's words say what to change, in the roster or the options; then run it again."]
    if verdict is Verdict.FATAL:
        return _login_remedy([problem.message for problem in problems])
    return [f"Often a second try helps: {again}"]


def _login_remedy(messages: Sequence[str]) -> list[str]:
    remedy = "charimg doctor  checks every login"
    # Providers know their own name, and mostly say themselves how a new key is stored.
    if any("charimg keys" in message for message in messages):
        return [remedy]
    if any("charimg providers" in message for message in messages):
        return []  # the service is gone, and no login brings it back; what to use instead is said
    return [f"{remedy}; a new one: charimg keys set PROVIDER"]


def _charged_block(finished: RunFinished) -> list[str]:
    names = [clean_name(job.name) for job in finished.possibly_charged]
    if not names:
        return []
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return [
        f"⚠️  May have been charged without leaving a picture: {', '.join(names[:MOST_NAMED])}{more}",
        "   (the request was sent and its answer never came)",
    ]


def _lanes_block(finished: RunFinished) -> list[str]:
    if len(finished.lanes) < 2:
        return []
    lines = ["🎨 Lanes:"]
    for lane in finished.lanes:
        parts = [f"{lane.succeeded} succeeded"]
        parts += [f"{lane.failed} failed"] if lane.failed else []
        parts += [f"{lane.rejected} rejected"] if lane.rejected else []
        parts += [count(lane.waits, "quota wait")] if lane.waits else []
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
        lines.append(
            f"📁 {count(finished.succeeded, 'picture')} in {clean(finished.out)}, made in {duration(finished.seconds)}"
        )
    spent = [clean_name(cost.with_source) for cost in finished.spent if cost.amount > 0]
    if spent:
        lines.append(f"💰 Spent: {' + '.join(spent)}")
    return lines


def _next_block(finished: RunFinished, again: str, forced: str | None) -> list[str]:
    lines = []
    if finished.pending:
        fatal = [lane.message for lane in finished.closed if lane.verdict is Verdict.FATAL]
        then = "Then: " if fatal else ""
        if not fatal or _login_remedy(fatal):
            command = again if forced is None else _forced_for(finished.left, forced)
            lines.append(f"👉 {then}{command}  continues with the {count(finished.pending, 'character')} still pending")
    if finished.succeeded or not finished.total:
        lines.append("👉 charimg gallery  shows the whole cast on one page")
    return lines


def _forced_for(left: Sequence[JobName], forced: str) -> str:
    # All of them, however many: nothing else tells them from those that were made. Keys, for names may stand twice.
    return " ".join([forced, *(f"--only {shlex.quote(job.key)}" for job in left)])


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
