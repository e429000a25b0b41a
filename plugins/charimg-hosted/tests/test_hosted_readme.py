"""The README tells every setting and every variable there is."""

from __future__ import annotations

from pathlib import Path

import pytest
from charimg_hosted.aihorde.generator import AiHordeGenerator
from charimg_hosted.bfl.generator import BflGenerator
from charimg_hosted.fal.generator import FalGenerator
from charimg_hosted.fal.uploader import FalUploader
from charimg_hosted.huggingface.generator import HuggingFaceGenerator
from charimg_hosted.replicate.generator import ReplicateGenerator
from charimg_hosted.replicate.uploader import ReplicateUploader
from charimg_hosted.stability.generator import StabilityGenerator

from charimg.contracts import Provider

KINDS = (
    AiHordeGenerator,
    BflGenerator,
    FalGenerator,
    FalUploader,
    HuggingFaceGenerator,
    ReplicateGenerator,
    ReplicateUploader,
    StabilityGenerator,
)


@pytest.mark.parametrize("kind", KINDS)
def test_the_readme_names_every_setting_and_variable(kind: type[Provider]) -> None:
    """A setting has a row that says whose it is; what is read from the environment is named somewhere."""
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    about = kind.declaration
    rows = [line for line in readme.splitlines() if line.startswith("| `")]

    def told(setting: str) -> bool:
        mine = [row.split("|")[2] for row in rows if row.startswith(f"| `{setting}` ")]
        return any(("all" in of and f"but `{about.name}`" not in of) or f"`{about.name}`" in of for of in mine)

    named = [variable for one in (*about.settings, *about.credentials) for variable in one.env]
    assert [one.name for one in about.settings if not told(one.name)] == []
    assert [variable for variable in named if f"`{variable}`" not in readme] == []
