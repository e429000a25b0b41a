"""What the kit sees of a provider that would stop everything, and where it looks for files."""

from __future__ import annotations

import inspect
import logging
import urllib.request
from pathlib import Path

import pytest

from charimg.addresses import join
from charimg.http import Answer
from charimg.model import ImageRequest
from charimg.testing import Reply, Trouble
from charimg.testing.at_import import environment_read_at_import
from charimg.testing.watch import Watch
from tests.testing.sample_generator import Sketch, Wrong


class AsksLikeAScript(Sketch):
    """Waits for the service on the event loop, as a script does."""

    async def send(self, request: ImageRequest) -> Answer:
        url = join(str(self.context.settings["base_url"]), "/v1/hello")
        with urllib.request.urlopen(url):
            return await super().send(request)


class AsksInAThread(Sketch):
    """The same beside the event loop, where nobody has to wait."""

    async def open(self) -> None:
        import asyncio

        await asyncio.to_thread(self.hello_by_hand)

    def hello_by_hand(self) -> None:
        with urllib.request.urlopen(join(str(self.context.settings["base_url"]), "/v1/hello")):
            return


class OfAScript(Wrong):
    """Not collected by its name."""

    provider = AsksLikeAScript


class OfAThread(Wrong):
    """Likewise."""

    provider = AsksInAThread


@pytest.mark.timeout(60)
@pytest.mark.parametrize("test", ["test_gives_the_picture", "test_never_sleeps", "test_never_retries"])
def test_a_blocking_connection_is_one_line_and_no_hang(test: str, tmp_path: Path) -> None:
    """The played service could never answer: the line of the provider is named at once, in whichever test it comes."""
    arguments = [Reply(500)] if test == "test_never_retries" else []
    lines, first = inspect.getsourcelines(AsksLikeAScript)
    line = first + next(number for number, text in enumerate(lines) if "urlopen" in text)

    with pytest.raises(pytest.fail.Exception) as caught:
        getattr(OfAScript(), test)(tmp_path, *arguments)

    assert str(caught.value) == (
        f"it blocks everything while it waits for a connection in test_kit_watch.py:{line} (send); await"
        " self.context.http"
    )


@pytest.mark.timeout(60)
def test_a_connection_made_in_a_thread_is_its_own_business(tmp_path: Path) -> None:
    """Beside the event loop a library that blocks may be used."""
    OfAThread().test_gives_the_picture(tmp_path)


def test_a_home_below_the_temporary_folder_is_the_users_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container HOME may lie in the temporary folder; a file of another there is still nobody's."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    watch = Watch((__name__,))

    watch.opened(str(tmp_path / "home" / ".sketchrc"), inspect.currentframe())
    watch.opened(str(tmp_path / "elsewhere" / "cache"), inspect.currentframe())

    assert [line.partition(",")[0] for line in watch.files] == ["it opens .sketchrc"]


MODULE = """
import os
from os import getenv
import charimg

{line}

class Sketch(charimg.ImageGenerator):
    async def generate(self, request):
        return os.environ["LATER"]

if __name__ == "__main__":
    print(os.environ)
"""


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("KEY = os.getenv('SKETCH_KEY')", "os.getenv"),
        ("KEY = getenv('SKETCH_KEY')", "getenv"),
        ("KEY = os.environ['SKETCH_KEY']", "os.environ"),
        ("if 'SKETCH_KEY' in os.environ: pass", "os.environ"),
        ("def key(name=os.environ.get('SKETCH_KEY')): ...", "os.environ"),
        ("os.environ['QUIET'] = '1'", None),
        ("def key(): return os.environ['SKETCH_KEY']", None),
        ("key = lambda: os.environ['SKETCH_KEY']", None),
    ],
)
def test_what_a_module_reads_when_it_is_imported(
    line: str, found: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What runs with the import counts, and what a function does later is seen when it does it."""
    import sys

    name = f"kit_sketch_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(MODULE.format(line=line), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("SKETCH_KEY", "1")
    monkeypatch.setenv("QUIET", "0")
    module = __import__(name)
    monkeypatch.delitem(sys.modules, name, raising=False)
    sys.modules[name] = module
    told = environment_read_at_import(module.Sketch)
    del sys.modules[name]

    assert told == (
        [] if found is None else [f"it reads the environment ({found}) when it is imported, in {name}.py:6"]
    )


def test_a_failing_test_shows_no_log_of_the_kits_own(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One line tells what is wrong; what the session logs for whoever debugs is not shown below it."""
    with pytest.raises(pytest.fail.Exception):
        OfAScript().test_trouble_keeps_the_wait(tmp_path, Trouble("500", 500))
    OfAThread().test_gives_the_picture(tmp_path)

    assert caplog.records == []


def test_a_log_that_was_asked_for_is_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With ``--log-level=DEBUG`` all of it is there."""
    with caplog.at_level(logging.DEBUG):
        OfAThread().test_gives_the_picture(tmp_path)

    assert [record for record in caplog.records if record.name == "charimg.http"]
