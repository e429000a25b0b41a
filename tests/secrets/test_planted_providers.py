"""Every provider, at a service that repeats what it is sent: no credential comes out anywhere, in any spelling."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulators.threaded import serve_in_thread
from tests.secrets.driving import UNREDACTED, Desk, Step
from tests.secrets.parrot import MOODS, Parrot
from tests.secrets.planting import ROSTER, Planting, address_settings, declarations, found_below, found_in

SHORT = ("--cooldown", "0", "--quota-wait", "0", "--max-retries", "0")

KINDS = {one.name: one for one in declarations() if address_settings(one) and one.credentials}


@pytest.fixture(scope="module")
def parrot() -> Iterator[Parrot]:
    with serve_in_thread(Parrot) as service:
        yield service


def visits(name: str, parrot: Parrot) -> tuple[Planting, list[Step]]:
    """A run in each of the service's moods, and what looks at the service besides."""
    steps: list[Step] = []
    planting = Planting()
    for mood, logins in [*((mood, False) for mood in MOODS), ("200", True), ("400", True), ("401", True)]:
        planting.everywhere(f"{parrot.url}/{mood}", logins=logins)
        run = ["run", "--provider", name, "--uploader", "none", *SHORT]
        steps.append((dict(planting.environ), [*run, "--json", "--debug"]))
        if mood in ("400", "429-page"):
            steps += [
                (dict(planting.environ), [*run, "--force", "--progress", "plain"]),
                (dict(planting.environ), ["providers", "show", name, "--models"]),
            ]
    steps += [(dict(planting.environ), ["config", "show", name]), (dict(planting.environ), ["status"])]
    return planting, steps


@pytest.mark.parametrize("name", KINDS)
def test_nothing_of_what_a_service_repeats_comes_out(name: str, parrot: Parrot, tmp_path: Path) -> None:
    """Statuses of every kind, JSON, text and pages, redirects; plain, as an address, in base64, in capitals, over two
    lines: neither output nor log, event, ledger or file has it."""
    desk = Desk.at(tmp_path, ROSTER)
    planting, steps = visits(name, parrot)
    before = len(parrot.heard)
    told = desk.drive(steps)
    sent = "\n".join(parrot.heard[before:])

    assert told.count(b"# ended with") == len(steps)
    assert b"Traceback" not in told
    assert found_in(sent.encode(), planting.secrets) != []  # they were sent
    assert found_in(told, planting.secrets) == []
    assert found_below(desk.folders, planting.secrets) == []


def test_the_doctor_repeats_no_service(parrot: Parrot, tmp_path: Path) -> None:
    """It asks every service there is with every key there is, and tells what they say."""
    desk = Desk.at(tmp_path, ROSTER)
    planting = Planting()
    steps: list[Step] = []
    for mood, logins in (("200", False), ("401", False), ("429-page", True)):
        planting.everywhere(f"{parrot.url}/{mood}", logins=logins)
        steps += [(dict(planting.environ), ["doctor", *words]) for words in ((), ("--debug",))]
    told = desk.drive(steps)

    assert told.count(b"# ended with") == len(steps)
    assert found_in(told, planting.secrets) == []
    assert found_below(desk.folders, planting.secrets) == []


def test_without_the_eraser_they_are_found(parrot: Parrot, tmp_path: Path) -> None:
    """The search can find: with redaction switched off, the same run leaves secrets in its output and its ledger."""
    desk = Desk.at(tmp_path, ROSTER)
    planting = Planting().everywhere(f"{parrot.url}/400")
    run = ["run", "--provider", "openai", "--uploader", "none", *SHORT, "--json", "--debug"]
    told = desk.drive([(planting.environ, run)], UNREDACTED)

    assert any("OPENAI_API_KEY" in one for one in found_in(told, planting.secrets))
    assert any("state.sqlite" in one for one in found_below(desk.folders, planting.secrets))
