"""``charimg providers show NAME --models``: what a service offers now, and what is known where it cannot be asked."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from charimg.contracts import Declaration, ImageGenerator, Model
from charimg.credentials import Credentials
from charimg.errors import ExitCode
from charimg.model_lists import offered_models
from charimg.settings import Settings
from charimg.testing import PlayedService, Reply, Route, Service
from tests.cli.command_line import Run
from tests.emulators.threaded import serve_in_thread

STUDIO = """
from datetime import date

import charimg
from charimg.contracts import Model
from charimg.verdicts import error_of, read_answer

DAY = date(2026, 11, 22)


class Studio(charimg.ImageGenerator):
    declaration = charimg.Declaration(
        name="studio",
        summary="Paints in a studio.",
        settings=(
            charimg.Setting("base_url", "The address.", str, "https://studio.example"),
            charimg.Setting("model", "The model.", str, "oil-2", checked=DAY),
            charimg.Setting("size", "small or large", str, "small", choices=("small", "large")),
        ),
        credentials=(charimg.Credential("key", "Made on studio.example/keys."),),
        models=(
            Model("oil-2", "thick paint", charimg.Price(0.04)),
            Model("water-1", "thin paint"),
            Model("oil-1", "as it was", retired=date(2026, 3, 1), successor="oil-2"),
        ),
    )

    @classmethod
    def price(cls, settings):
        known = super().price(settings)
        return known or charimg.Price(0.02 if settings["size"] == "large" else 0.01)

    async def generate(self, request):
        raise charimg.FatalError("nobody paints in these tests")

    async def models(self):
        headers = {"Authorization": self.context.credentials["key"].reveal()}
        answer = await self.context.http.request("GET", f"{self.context.settings['base_url']}/models", headers=headers)
        if not answer.ok:
            raise error_of(read_answer(answer.status, answer.headers, answer.body))
        if answer.json() == "careless":
            raise ValueError(headers["Authorization"])
        return None if answer.json() is None else tuple(Model(id) for id in answer.json())


@charimg.hookimpl
def register_generators(register):
    register(Studio)
"""


@pytest.fixture(autouse=True)
def studio(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A generator with models, in a file of the project, and its key."""
    folder = project / "plugins"
    folder.mkdir()
    (folder / "studio.py").write_text(STUDIO)
    monkeypatch.setenv("CHARIMG_STUDIO_KEY", "a-secret-key")
    return folder / "studio.py"


def asked(charimg: Run, monkeypatch: pytest.MonkeyPatch, answer: object, *arguments: str) -> tuple[int, str, str]:
    """Ask for the models of a service that answers so."""
    service = Service(Route("POST", "/none"), Route("GET", "/models", answer))  # type: ignore[arg-type]  # any JSON
    with serve_in_thread(lambda: PlayedService(service)) as played:
        monkeypatch.setenv("CHARIMG_STUDIO_BASE_URL", played.address)
        result = charimg("providers", "show", "studio", "--models", *arguments)
    return result.code, result.out, result.err


def lines(out: str) -> list[list[str]]:
    """The cells of a table printed into a pipe, without its title and heads."""
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in out.splitlines()[2:]]


def test_the_service_is_asked(charimg: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it offers, in its order, with what the plugin knows of each; then what it has retired."""
    code, out, err = asked(charimg, monkeypatch, ["pastel-1", "oil-2", "water-1"])

    assert (code, err) == (0, "")
    assert out.startswith("Models that studio offers now")
    assert lines(out) == [
        ["pastel-1", "unknown"],
        ["oil-2", "default", "0.04 USD", "thick paint"],
        ["water-1", "0.01 USD", "thin paint"],
        ["oil-1", "retired 2026-03-01; use oil-2", "unknown", "as it was"],
    ]


def test_the_project_s_own_choice_is_marked(charimg: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model of charimg.yaml is in use, prices follow the project's settings, and a model that is gone is told."""
    (project / "charimg.yaml").write_text("providers:\n  studio: {model: water-1, size: large}\n")
    _, there, _ = asked(charimg, monkeypatch, ["oil-2", "water-1"])
    _, gone, _ = asked(charimg, monkeypatch, ["oil-2"])

    assert ["water-1", "in use", "0.02 USD", "thin paint"] in lines(there)
    assert "is not among them" not in there
    assert "The model in use, water-1, is not among them." in gone


def test_the_list_as_data(charimg: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """For scripts: whether the service was asked, the default, and every model."""
    code, out, _ = asked(charimg, monkeypatch, ["oil-2"], "--json")
    (one,) = json.loads(out)

    assert (code, one["asked"], one["default"], one["trouble"]) == (0, True, "oil-2", None)
    assert one["models"][0] == {
        "id": "oil-2",
        "summary": "thick paint",
        "price": {"amount": 0.04, "currency": "USD", "checked": None},
        "retired": None,
        "successor": None,
        "default": True,
    }


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (Reply(401, {"error": "invalid api key"}), 4, "invalid api key"),
        (Reply(503, {"error": "overloaded"}), 3, "overloaded"),
        ({"oil": 2}, 0, ""),
        (3, 5, "its plugin failed: TypeError"),
        ('"careless"', 5, "its plugin failed: ValueError"),
        (None, 0, "studio cannot be asked which models it offers"),
    ],
)
def test_what_is_known_is_shown_where_it_cannot_be_asked(
    answer: object, code: int, words: str, charimg: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason stands on standard error; the list is the plugin's own, with the day it was checked."""
    got, out, err = asked(charimg, monkeypatch, answer)

    assert got == code
    assert words in err
    assert ("Models that studio's plugin knows on 2026-11-22" in out) == bool(words)
    assert "oil-1" in out
    assert "a-secret-key" not in out + err


def test_a_missing_key_is_told(charimg: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the service is not asked; what is known is shown, and the exit code is that of logins."""
    monkeypatch.delenv("CHARIMG_STUDIO_KEY")
    result = charimg("providers", "show", "studio", "--models")

    assert result.code == 4
    assert "charimg keys set studio" in result.err
    assert "oil-2" in result.out


def test_known_models_are_shown_without_asking(charimg: Run) -> None:
    """``show`` alone sends nothing: the models of the declaration, and how to ask."""
    result = charimg("providers", "show", "studio")
    (data,) = json.loads(charimg("providers", "show", "studio", "--json").out)

    assert result.code == 0
    assert "Models that studio's plugin knows on 2026-11-22" in result.out
    assert "charimg providers show studio --models" in result.out
    assert [one["id"] for one in data["models"]] == ["oil-2", "water-1", "oil-1"]


def test_only_generators_have_models(charimg: Run) -> None:
    """An uploader is refused in a line."""
    result = charimg("providers", "show", "folder", "--models")

    assert (result.code, result.out) == (5, "")
    assert "'folder' makes no pictures" in result.err


async def test_a_service_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    """After its time the known models are returned with the reason, and the provider is closed."""
    closed = []

    class Silent(ImageGenerator):
        declaration = Declaration("silent", "Says nothing.", models=(Model("one"),))

        async def generate(self, request: object) -> None:  # type: ignore[override]  # never called
            raise AssertionError

        async def models(self) -> None:
            await asyncio.Event().wait()

        async def close(self) -> None:
            closed.append(True)

    settings = Settings.load(tmp_path, {}, tmp_path / "home", lambda _account: ())
    credentials = Credentials.load({}, tmp_path / "home")
    found = await offered_models(Silent, tmp_path, settings, credentials, seconds=0.01)

    assert (found.asked, found.exit_code, closed) == (False, ExitCode.FAILED, [True])
    assert "no answer within 0.01 seconds" in found.trouble
    assert [one.id for one in found.models] == ["one"]
