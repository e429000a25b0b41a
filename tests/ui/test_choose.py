"""Which view a run gets, by the options and by where the output goes."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from charimg.ui import choose
from charimg.ui.jsonlines import JsonLines
from charimg.ui.live import LiveView
from charimg.ui.plain import PlainLog, TroubleLog


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("progress", "options", "stdout", "stderr", "environ", "chosen"),
    [
        pytest.param("auto", {}, "tty", "tty", {}, [LiveView], id="a terminal gets the live view"),
        pytest.param("auto", {}, "pipe", "tty", {}, [PlainLog], id="a pipe gets the plain log"),
        pytest.param("auto", {}, "tty", "pipe", {}, [PlainLog], id="so does a redirected stderr"),
        pytest.param("auto", {}, "tty", "tty", {"CI": "true"}, [PlainLog], id="CI gets the plain log"),
        pytest.param("auto", {}, "tty", "tty", {"CI": "false"}, [LiveView], id="CI=false is no CI"),
        pytest.param("auto", {}, "tty", "tty", {"TERM": "dumb"}, [PlainLog], id="a dumb terminal cannot be drawn on"),
        pytest.param("live", {}, "pipe", "pipe", {}, [PlainLog], id="live needs a terminal"),
        pytest.param("live", {}, "pipe", "tty", {"CI": "1"}, [LiveView], id="live is obeyed where it is possible"),
        pytest.param("plain", {}, "tty", "tty", {}, [PlainLog], id="plain is obeyed"),
        pytest.param("none", {}, "tty", "tty", {}, [], id="none is obeyed"),
        pytest.param("json", {}, "tty", "tty", {}, [JsonLines], id="json has no view"),
        pytest.param("auto", {"json_output": True}, "tty", "tty", {}, [JsonLines], id="JSON on the terminal alone"),
        pytest.param("auto", {"json_output": True}, "pipe", "tty", {}, [JsonLines], id="so does JSON in a pipe"),
        pytest.param("auto", {"json_output": True}, "file", "tty", {}, [JsonLines, LiveView], id="JSON in a file"),
        pytest.param("plain", {"json_output": True}, "pipe", "pipe", {}, [JsonLines, PlainLog], id="plain beside JSON"),
        pytest.param("none", {"json_output": True}, "pipe", "tty", {}, [JsonLines], id="JSON without a view"),
        pytest.param("auto", {"quiet": True}, "tty", "tty", {}, [TroubleLog], id="quiet tells trouble only"),
        pytest.param("auto", {"quiet": True, "json_output": True}, "pipe", "tty", {}, [JsonLines], id="quiet JSON"),
    ],
)  # fmt: skip
def test_view(
    progress: str,
    options: Any,
    stdout: str,
    stderr: str,
    environ: dict[str, str],
    chosen: list[type],
    tmp_path: Path,
) -> None:
    """Each combination of options and streams gives the observers its row names."""
    with (tmp_path / "out").open("w", encoding="utf-8") as file:
        streams: dict[str, Any] = {"tty": Terminal(), "pipe": io.StringIO(), "file": file}
        observers = choose(progress, **options, stdout=streams[stdout], stderr=streams[stderr], environ=environ)

    assert [type(observer) for observer in observers] == chosen


def test_plain_beside_json_goes_to_standard_error() -> None:
    """A person's lines never stand between a program's."""
    from tests.ui.story import JOBS, saved

    out, err = io.StringIO(), io.StringIO()
    for observer in choose("plain", json_output=True, stdout=out, stderr=err, environ={}):
        observer.hear(saved(JOBS[0]))

    assert (out.getvalue()[:10], err.getvalue()) == ('{"event": ', "✅ Gopal Bhar: Image saved\n")


def test_unknown_progress_is_refused() -> None:
    """A typing mistake does not silently become some other view."""
    with pytest.raises(ValueError, match="progress must be one of auto, live, plain, json, none"):
        choose("fancy")


def test_rich_is_loaded_only_to_draw() -> None:
    """A plain or JSON run does not pay for the renderer."""
    script = (
        "import sys; from charimg.ui import choose; choose('plain'); choose('json'); "
        "print([name for name in sys.modules if name.split('.')[0] in ('rich', 'aiohttp', 'PIL')])"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "[]"
