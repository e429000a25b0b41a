"""Several accounts and servers in one run: who does what, who takes over, and that nothing is made twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charimg.contracts import Abilities, Credential, JobState, Price, Setting
from charimg.errors import (
    CharimgError,
    ExhaustedError,
    ExitCode,
    FatalError,
    InputError,
    InvalidRequestError,
    RejectedError,
    ThrottledError,
)
from charimg.events import (
    BatchStarted,
    JobDone,
    JobFailed,
    JobGenerating,
    JobRejected,
    JobSaved,
    JobUploaded,
    LaneClosed,
    LaneFacts,
    LaneSummary,
    QuotaWait,
    RunFinished,
    RunStarted,
    Stopping,
)
from charimg.model import Cost, Verdict
from charimg.run import Run
from tests.run.workshop import Workshop

TWO = {"provider": "scripted@a,scripted@b"}


@pytest.fixture
def twelve(workshop: Workshop) -> Workshop:
    """A roster of twelve."""
    workshop.cast(*(f"C{number}" for number in range(1, 13)))
    return workshop


# -- one queue --------------------------------------------------------------------------------------------------------


def test_two_accounts_share_the_roster(twelve: Workshop) -> None:
    """Each takes batches of five from the one queue, with a key of its own, and nobody's picture is made twice."""
    twelve.environ |= {"CHARIMG_SCRIPTED_A_KEY": "key of the first", "CHARIMG_SCRIPTED_B_KEY": "key of the second"}
    first, second = twelve.books("scripted@a", "scripted@b")
    told = twelve.run(flags=TWO)

    keys = [[context.credentials["key"].reveal() for context in one.contexts] for one in (first, second)]
    assert (told.counts, set((first.asked + second.asked).values())) == ((12, 0, 0, 0, 0), {1})
    assert sorted([first.asked.total(), second.asked.total()]) == [5, 7]
    assert (first.most_in_flight, second.most_in_flight, told.seconds) == (5, 5, 10.0)
    assert keys == [["key of the first"], ["key of the second"]]


def test_the_ledger_and_every_event_know_the_lane(twelve: Workshop) -> None:
    """The lane that drew a picture stands in the ledger and in each event of the job."""
    told = twelve.run(flags=TWO)

    drew = {event.key: event.lane for event in told.of(JobGenerating)}
    assert set(drew.values()) == {"scripted@a", "scripted@b"}
    assert drew == {key: record.lane for key, record in twelve.ledger().items()}
    for kind in (JobSaved, JobUploaded, JobDone):
        assert {event.key: event.lane for event in told.of(kind)} == drew


def test_a_reference_is_valid_for_the_account_that_has_the_picture(twelve: Workshop) -> None:
    """The id an account gave is of use to that account; a run with another one uploads anew, and draws nothing."""
    twelve.run(flags=TWO)
    ledger = twelve.ledger()
    again = twelve.run(flags=TWO)
    other = twelve.run(flags={"provider": "scripted@c"})

    assert {record.media.lane: record.lane for record in ledger.values() if record.media} == {
        "scripted@a": "scripted@a",
        "scripted@b": "scripted@b",
    }
    assert (again.counts, other.counts, other.of(JobSaved)) == ((0, 0, 0, 0, 0), (12, 0, 0, 0, 0), [])


def test_a_lane_waits_for_itself_alone(twelve: Workshop) -> None:
    """A quota answer, its wait and its retry concern the account that got it; the other goes on."""
    first, second = twelve.books("scripted@a", "scripted@b")
    first.will(c1=[ThrottledError("slow down")])
    twelve.uploader.seconds = 0
    told = twelve.run(flags=TWO)

    waits = [(event.lane, event.wait, event.unfinished) for event in told.of(QuotaWait)]
    assert waits == [("scripted@a", 15.0, 1)]
    assert (second.asked.total(), first.asked["c1"], told.seconds, told.counts[0]) == (7, 2, 21.0, 12)


def test_each_lane_keeps_its_own_numbers(twelve: Workshop) -> None:
    """A lane of the file has its own batch; of it, no more are sent at once than the lane's generator can take."""
    narrow = twelve.add_generator("narrow", abilities=Abilities(parallel=1))
    twelve.write(
        """
        uploader: none
        lanes:
          - {provider: scripted, batch_size: 3}
          - {provider: narrow, batch_size: 4}
        """
    )
    told = twelve.run(flags={"provider": None})

    sizes = {(event.lane, len(event.jobs)) for event in told.of(BatchStarted)}
    assert (twelve.generator.most_in_flight, narrow.most_in_flight, told.counts[0]) == (3, 1, 12)
    assert ("scripted", 3) in sizes
    assert ("narrow", 4) in sizes


def test_a_flag_for_the_batch_holds_for_every_lane(twelve: Workshop) -> None:
    """The command line is above the file, for a lane's own entry too."""
    twelve.write("lanes:\n  - {provider: scripted, batch_size: 3}")
    told = twelve.run(flags={"provider": None, "batch_size": "2"})

    assert {len(event.jobs) for event in told.of(BatchStarted)} == {2}


# -- what is told -----------------------------------------------------------------------------------------------------


def test_the_run_says_which_lanes_it_has_and_what_each_did(twelve: Workshop) -> None:
    """Facts at the beginning, the fallback among them; at the end what each did, waited and cost."""
    twelve.add_generator("spare", price=Price(0))
    twelve.write(
        """
        lanes:
          - {provider: scripted@a, weight: 2}
          - {provider: scripted@b, name: second, weight: 1, batch_size: 2, price: 0.5}
          - {provider: spare, fallback: yes, uploader: none}
        """
    )
    twelve.generator.account("scripted@a").will(c1=[ThrottledError("busy")], c2=[RejectedError("no")])
    told = twelve.run(flags={"provider": None})

    started, finished = told.of(RunStarted)[0], told.of(RunFinished)[0]
    assert (started.lanes, started.generator, started.uploader) == (("scripted@a", "second"), "scripted", "scripted")
    assert started.lane_facts == (
        LaneFacts("scripted@a", "scripted", "scripted@a", "scripted", 5, None, 2.0, Cost(0.25)),
        LaneFacts("second", "scripted", "scripted@b", "scripted", 2, None, 1.0, Cost(0.5)),
        LaneFacts("spare", "spare", "spare", "none", 5, None, None, None, free=True, fallback=True),
    )
    a, b, spare = finished.lanes
    assert (a.name, a.rejected, a.waits, a.spent) == ("scripted@a", 1, 1, (Cost(0.25 * a.succeeded),))
    assert (b.name, b.waits, b.spent) == ("second", 0, (Cost(0.5 * b.succeeded),))
    assert (a.succeeded + b.succeeded, spare) == (11, LaneSummary("spare", not_needed=True))


def test_weights_share_the_roster(workshop: Workshop) -> None:
    """Three to one, however fast the second is."""
    workshop.cast(*(f"C{number}" for number in range(1, 41)))
    quick = workshop.add_generator("quick")
    quick.seconds = 0.1
    workshop.write("uploader: none\nlanes:\n  - {provider: scripted, weight: 3}\n  - {provider: quick, weight: 1}\n")
    told = workshop.run(flags={"provider": None})

    assert (told.counts[0], workshop.generator.asked.total(), quick.asked.total()) == (40, 30, 10)


# -- refused before anything begins -----------------------------------------------------------------------------------


def test_a_missing_key_of_any_lane_creates_nothing(workshop: Workshop) -> None:
    """Also of a fallback: who finds out at midnight that it has no key has waited in vain."""
    workshop.add_generator("vault", credentials=(Credential("token", "From the vault."),))
    told = workshop.run(flags={"fallback": "vault@work"})

    assert isinstance(told.error, CharimgError)
    assert "charimg keys set vault@work" in str(told.error)
    assert (told.events, (workshop.folder / ".charimg").exists()) == ([], False)


# -- a lane's own settings --------------------------------------------------------------------------------------------

SETTINGS = (
    Setting("base_url", "The address.", str, "http://default:1"),
    Setting("steps", "How many.", int, 20, minimum=1),
)


def steps(shop: Workshop, **order: Any) -> dict[str, object]:
    """What each lane's generator was given as steps, by lane name."""
    made = shop.order(flags={"provider": None}, **order)
    return {name: given.generator["steps"] for name, given in made.settings.items()}


def test_a_lanes_own_settings_stand_between_its_labelled_variables_and_the_rest(workshop: Workshop) -> None:
    """``-o``, the account's own variable, the lane, the provider's variable, the file, the default: the first wins."""
    workshop.add_generator("comfy", settings=SETTINGS)
    lanes = "lanes:\n  - {provider: comfy@x, settings: {steps: 3}}\n  - {provider: comfy}\n"
    default = steps_after(workshop, lanes)
    file = steps_after(workshop, f"providers:\n  comfy:\n    steps: 1\n{lanes}")
    workshop.environ["CHARIMG_COMFY_STEPS"] = "2"
    variable = steps_after(workshop, f"providers:\n  comfy:\n    steps: 1\n{lanes}")
    workshop.environ["CHARIMG_COMFY_X_STEPS"] = "4"
    labelled = steps_after(workshop, f"providers:\n  comfy:\n    steps: 1\n{lanes}")

    assert (default, file, variable, labelled, steps(workshop, options=("steps=5",))) == (
        {"comfy@x": 3, "comfy": 20},
        {"comfy@x": 3, "comfy": 1},
        {"comfy@x": 3, "comfy": 2},
        {"comfy@x": 4, "comfy": 2},
        {"comfy@x": 5, "comfy": 5},
    )


def steps_after(shop: Workshop, settings: str) -> dict[str, object]:
    shop.write(settings)
    return steps(shop)


def test_servers_are_lanes_of_one_provider(workshop: Workshop) -> None:
    """Each gets its own address, has its own place for references, and is called by it."""
    comfy = workshop.add_generator("comfy", settings=SETTINGS)
    workshop.write(
        "lanes:\n  - {provider: comfy, server: 'http://one:8188'}\n  - {provider: comfy, server: 'http://two:8188'}\n"
    )
    told = workshop.run(flags={"provider": None})

    seen = {context.lane: context.settings["base_url"] for context in comfy.contexts}
    assert seen == {"comfy@http://one:8188": "http://one:8188", "comfy@http://two:8188": "http://two:8188"}
    assert (told.counts[0], told.of(RunStarted)[0].lanes) == (5, ("comfy@one:8188", "comfy@two:8188"))


def test_a_wrong_setting_of_a_lane_is_told_with_its_line(workshop: Workshop) -> None:
    """Before anything is created."""
    workshop.add_generator("comfy", settings=SETTINGS)
    workshop.write("lanes:\n  - provider: comfy\n    settings:\n      steps: none\n")
    told = workshop.run(flags={"provider": None})

    assert isinstance(told.error, InputError)
    assert str(told.error) == "charimg.yaml:4: lanes: steps: expected a whole number from 1 up, found 'none'"
    assert not (workshop.folder / ".charimg").exists()


# -- whatever happens -------------------------------------------------------------------------------------------------

troubles = st.sampled_from(
    [None, None, None, "throttled", "asked", "exhausted", "fatal", "rejected", "invalid", "throttled"]
)
ERRORS = {
    "throttled": lambda: ThrottledError("busy"),
    "asked": lambda: ThrottledError("busy", wait=33),
    "exhausted": lambda: ExhaustedError("no more"),
    "fatal": lambda: FatalError("logged out"),
    "rejected": lambda: RejectedError("no"),
    "invalid": lambda: InvalidRequestError("bad"),
}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    scripts=st.lists(
        st.dictionaries(st.sampled_from([f"c{n}" for n in range(1, 13)]), st.lists(troubles, max_size=3)),
        min_size=3,
        max_size=3,
    ),
    uploads=st.dictionaries(st.sampled_from([f"c{n}" for n in range(1, 13)]), st.lists(troubles, max_size=2)),
    seconds=st.lists(st.sampled_from([0.0, 1.0, 3.0, 50.0]), min_size=3, max_size=3),
    interrupts=st.sampled_from([(), (), (0.5,), (4.0,), (20.0,), (4.0, 4.5)]),
)
def test_nothing_is_made_twice_whatever_the_services_say(
    tmp_path_factory: pytest.TempPathFactory,
    scripts: list[dict[str, list[str | None]]],
    uploads: dict[str, list[str | None]],
    seconds: list[float],
    interrupts: tuple[float, ...],
) -> None:
    """Two lanes and a fallback, one uploader for all: the counts are exact, and each picture is paid for once, over
    as many runs as it takes, unless a second Ctrl-C lost an answer and said so."""
    shop = random_shop(tmp_path_factory, scripts, uploads, seconds)
    flags = {"provider": "scripted@a,scripted@b", "fallback": "scripted@c", "uploader": "attic", "max_retries": "1"}
    told = shop.run(flags=flags, interrupts=interrupts)
    again = shop.run(flags=flags)

    assert (told.error, again.error) == (None, None)
    for one in (told, again):
        end = one.of(RunFinished)[0]
        assert sum(one.counts[:4]) == end.total
        ended = Counter(event.key for event in one.events if isinstance(event, (JobDone, JobFailed, JobRejected)))
        assert max(ended.values(), default=0) <= 1
        assert sum(lane.succeeded + lane.failed + lane.rejected for lane in end.lanes) == end.total - end.pending
    saved = Counter(event.key for one in (told, again) for event in one.of(JobSaved))
    assert max(saved.values(), default=0) <= 1
    ledger = shop.ledger()
    assert not any(record.open_attempts for record in ledger.values())
    done = {event.key for one in (told, again) for event in one.of(JobDone)}
    assert {key for key, record in ledger.items() if record.state is JobState.DONE} == done
    assert {key for key, record in ledger.items() if record.picture} == set(saved)


def random_shop(
    folders: pytest.TempPathFactory,
    scripts: list[dict[str, list[str | None]]],
    uploads: dict[str, list[str | None]],
    seconds: list[float],
) -> Workshop:
    folder = folders.mktemp("lanes")
    for name in ("project", "home"):
        (folder / name).mkdir()
    shop = Workshop(folder / "project", folder / "home")
    shop.cast(*(f"C{number}" for number in range(1, 13)))
    attic = shop.add_uploader("attic")
    for name, script, pace in zip("abc", scripts, seconds, strict=True):
        service = shop.generator.account(f"scripted@{name}")
        service.seconds = pace
        service.will(**answers(script))
    attic.will(**answers(uploads))
    return shop


def answers(script: dict[str, list[str | None]]) -> dict[str, list[Any]]:
    return {key: [None if one is None else ERRORS[one] for one in said] for key, said in script.items()}


def test_ctrl_c_reaches_every_lane(twelve: Workshop) -> None:
    """What both have in flight finishes and is kept; neither starts anything."""
    told = twelve.run(flags=TWO, interrupts=[1.0])

    assert (told.of(Stopping)[0].in_flight, told.counts) == (10, (10, 0, 0, 2, ExitCode.INTERRUPTED))


def test_ctrl_c_while_the_lanes_log_in_sends_nothing(workshop: Workshop) -> None:
    """The logins are broken off, and nothing is sent by anybody."""
    runs: list[Run] = []

    def stop() -> None:
        runs[0].stop()

    first, second, third = workshop.books("scripted@a", "scripted@b", "scripted@c")
    first.opening = third.opening = 60
    second.opening = stop
    told = workshop.run(flags={"provider": "scripted@a,scripted@b,scripted@c"}, before=runs.append)

    assert (workshop.generator.asked_in_all.total(), told.counts[3], told.seconds) == (0, 5, 0.0)


def test_a_lane_that_is_slow_to_open_keeps_nobody_waiting(workshop: Workshop) -> None:
    """A server that is off is given its time, while the others do the work; then it is not needed any more."""
    first, second = workshop.books("scripted@a", "scripted@b")
    first.opening = 600
    told = workshop.run(flags={"provider": "scripted@a,scripted@b"})

    assert (told.counts[0], first.asked.total(), second.asked.total(), told.seconds) == (5, 0, 5, 4.0)


def test_a_service_too_busy_to_be_opened_is_waited_for(workshop: Workshop) -> None:
    """The policy's waits hold for the login too; after the last of them the lane closes."""
    answers = [ThrottledError("busy", wait=20), ThrottledError("busy"), None]

    def busy() -> None:
        if (answer := answers.pop(0)) is not None:
            raise answer

    workshop.generator.opening = busy
    told = workshop.run()
    workshop.generator.opening = ThrottledError("always busy")
    never = workshop.run(force=True)

    assert [(wait.wait, wait.retry) for wait in told.of(QuotaWait)] == [(21.0, 1), (15.0, 2)]
    assert told.counts[0] == 5
    assert [wait.retry for wait in never.of(QuotaWait)] == [1, 2, 3]
    assert [(event.verdict, event.message) for event in never.of(LaneClosed)] == [(Verdict.THROTTLED, "always busy")]
    assert never.counts == (0, 0, 0, 5, ExitCode.QUOTA)
