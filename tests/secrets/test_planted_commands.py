"""Every command, with a provider that leaks wherever it can: what it knows comes out nowhere."""

from __future__ import annotations

import os
import pty
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from charimg.cli import COMMANDS
from tests.secrets.driving import UNREDACTED, Desk, Step
from tests.secrets.leaking import PLUGIN
from tests.secrets.planting import ROSTER, found_below, found_in, secret_of

KEY = secret_of("leaky", "api_key")
LOGIN = secret_of("leaky", "login")
TYPED = secret_of("leaky", "typed")
SECRETS = {"the key": KEY, "the login of the address": LOGIN, "what was typed": TYPED}
ADDRESS = f"http://me:{quote(LOGIN, safe='')}@127.0.0.1:9"
ENVIRON = {"CHARIMG_LEAKY_API_KEY": KEY, "CHARIMG_LEAKY_BASE_URL": ADDRESS}
RUN = ("run", "--provider", "leaky", "--uploader", "leaky")
SHORT = ("--cooldown", "0", "--quota-wait", "0", "--max-retries", "1")
MOODS = (
    "well",
    *("throttled", "exhausted", "rejected", "flaky", "invalid", "fatal"),
    *("crash", "exit", "ticket", "upload", "broken", "sulky"),
)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A project whose folder of plugins holds the leaking provider."""
    made = Desk.at(tmp_path, ROSTER)
    (made.project / "plugins").mkdir()
    (made.project / "plugins" / "leaky.py").write_text(PLUGIN, encoding="utf-8")
    return made


def step(*arguments: str, **environ: str) -> Step:
    return {**ENVIRON, **environ}, arguments


def moods() -> list[Step]:
    """A run of every end there is: as JSON lines with --debug, and as people see it."""
    return [
        one
        for mood in MOODS
        for one in (
            step(*RUN, *SHORT, "--force", "--json", "--debug", CHARIMG_LEAKY_MOOD=mood),
            step(*RUN, *SHORT, "--force", "--progress", "plain", CHARIMG_LEAKY_MOOD=mood, LEAKY_LISTENER="1"),
        )
    ]


def everything_else(keyfile: Path) -> list[Step]:
    """Every command and its main options, on what the runs have left."""
    lines = """
        status; status --json; status --only Ana; log Ana; log Ana --json; redo Ana --provider leaky --json
        redo Bo --count 2 --provider leaky --cooldown 0; pick Ana 1; undo Ana; undo
        check; check --json; check --repair; adopt pictures; gallery; gallery --png
        run --provider leaky --dry-run; run --provider leaky --dry-run --json; run --provider leaky --stale --quiet
        providers; providers --json; providers show leaky; providers show leaky --models --json
        providers show leaky --models --debug; keys list; keys list --json; config path; config
        config show --json; config show leaky --json; doctor; doctor --debug; doctor --json; plugin new leaky-two
        install charimg-nobody-has-this; uninstall charimg-nobody-has-this; init
    """
    steps = [step(*shlex.split(line)) for part in lines.splitlines() for line in part.split(";") if line.strip()]
    words = f"charimg {' '.join(RUN)} --only A"
    complete = {"_CHARIMG_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    return [
        *steps,
        step("run", **complete),
        # Where no secret belongs, it is refused, and not repeated.
        step(*RUN, "-o", f"api_key={TYPED}"),
        step("keys", "set", "leaky", TYPED),
        step("keys", "set", "leaky", "api_key", TYPED),
        step(*RUN, "--json", "--debug", CHARIMG_LEAKY_API_KEY=f"{TYPED}\x01"),
        step(*RUN, "--debug", CHARIMG_LEAKY_API_KEY="", CHARIMG_LEAKY_API_KEY_FILE=str(keyfile)),
        # An address with a password on the command line is the user's own doing; it is not repeated either.
        step(
            *RUN, *SHORT, "--force", "-o", f"base_url={ADDRESS}", "--progress", "plain", CHARIMG_LEAKY_MOOD="throttled"
        ),
        step(*RUN, *SHORT, "--force", "-o", f"base_url={ADDRESS}", "--json", CHARIMG_LEAKY_MOOD="fatal"),
        step("status"),
        # Kept, listed and forgotten.
        step("keys", "set", "leaky", "api_key", "--from-file", str(keyfile), CHARIMG_LEAKY_API_KEY=""),
        step("keys", "list", CHARIMG_LEAKY_API_KEY=""),
        step(*RUN, "--force", "--json", "--debug", CHARIMG_LEAKY_API_KEY="", CHARIMG_LEAKY_MOOD="crash"),
        step("doctor", "--debug", CHARIMG_LEAKY_API_KEY=""),
        step("config", "show", "leaky", CHARIMG_LEAKY_API_KEY=""),
    ]


def test_no_run_repeats_what_its_provider_knows(desk: Desk) -> None:
    """However it ends: nothing in what is said, nothing in ledger, pictures, their metadata, or anywhere else."""
    told = desk.drive(moods())

    assert (told.count(b"# ended with"), b"ended with a traceback" in told) == (2 * len(MOODS), False)
    assert found_in(told, SECRETS) == []
    assert found_below(desk.folders, SECRETS) == []


def test_no_command_repeats_what_a_provider_knows(desk: Desk, tmp_path: Path) -> None:
    """Every command there is, and every place where a secret is refused; the keys file alone holds one."""
    keyfile = tmp_path / "given.txt"
    keyfile.write_text(KEY)
    keyfile.chmod(0o600)
    steps = everything_else(keyfile)
    told = desk.drive([step(*RUN, *SHORT, CHARIMG_LEAKY_MOOD="well"), *steps])
    kept = desk.home / "keys.json"

    assert set(COMMANDS) - {arguments[0] for _, arguments in steps} == set()
    assert (told.count(b"# ended with"), b"ended with a traceback" in told) == (len(steps) + 1, False)
    assert b"No such command" not in told
    assert found_in(_without_the_arguments(told), SECRETS) == []
    assert found_in(kept.read_bytes(), SECRETS) != []
    assert found_below(desk.folders, SECRETS, besides=[kept]) == []


def _without_the_arguments(told: bytes) -> bytes:
    """The driver tells what it calls, and sometimes that is a secret."""
    return b"\n".join(line for line in told.splitlines() if not line.startswith(b"# "))


@pytest.mark.parametrize("mood", ["well", "crash"])
def test_without_the_eraser_the_leaks_are_found(desk: Desk, mood: str) -> None:
    """The same run with redaction switched off: the search finds both secrets, in what is said and in the ledger."""
    told = desk.drive([step(*RUN, *SHORT, "--json", "--debug", CHARIMG_LEAKY_MOOD=mood)], UNREDACTED)
    found = [*found_in(told, SECRETS), *found_below(desk.folders, SECRETS)]

    assert {secret for secret in SECRETS if any(f"{secret} " in one for one in found)} == {*SECRETS} - {
        "what was typed"
    }
    assert any("state.sqlite" in one for one in found)


# -- a terminal, and ends that nobody chose --------------------------------------------------------------------------


@contextmanager
def on_a_terminal(desk: Desk, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The command with a terminal of its own, and what it shows there."""
    ours, theirs = pty.openpty()
    environ = {**desk.environ, **ENVIRON, "CHARIMG_LEAKY_MOOD": "slow", "TERM": "xterm-256color"}
    process = subprocess.Popen(
        [sys.executable, "-m", "charimg", *arguments],
        cwd=desk.project,
        env={name: value for name, value in environ.items() if name != "CI"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield process, ours
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read_until(ours: int, words: bytes) -> bytes:
    """What the terminal shows until these words, or the end."""
    shown = b""
    while words not in shown:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other side is gone
            break
        if not piece:
            break
        shown += piece
    return shown


def processes_below(process: subprocess.Popen[bytes]) -> Sequence[bytes]:
    """The command lines of a process and its children, as everybody on the machine can read them."""
    told = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.getsid(int(entry.name)) == process.pid:
                told.append((entry / "cmdline").read_bytes())
        except OSError:  # it has ended
            continue
    return told


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="reads /proc")
@pytest.mark.parametrize("end", ["once", "twice", "kill"])
def test_a_live_view_that_is_broken_off_leaves_nothing(desk: Desk, end: str) -> None:
    """In the middle of the work: Ctrl-C once and again, or kill -9; and whatever looks at the project afterwards."""
    with on_a_terminal(desk, *RUN, "--progress", "live", "--debug") as (process, ours):
        shown = read_until(ours, b"at work with")
        lines = processes_below(process)
        if end == "kill":
            process.kill()
        else:
            process.send_signal(signal.SIGINT)
            shown += read_until(ours, b"Stopping")
            if end == "twice":
                process.send_signal(signal.SIGINT)
            else:
                process.terminate()
        shown += read_until(ours, b"no such words")
    told = desk.drive([step("status"), step("log", "Ana"), step("check"), step(*RUN, "--force", "--json")])

    assert b"at work with" in shown
    assert any(b"charimg" in line for line in lines)
    assert found_in(b"\n".join(lines), SECRETS) == []
    assert found_in(shown + told, SECRETS) == []
    assert found_below(desk.folders, SECRETS) == []
