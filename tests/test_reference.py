"""The pages of docs/reference/ are what the code says, and leave nothing out."""

from __future__ import annotations

import importlib.util
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import charimg
import charimg.testing as kit
from charimg import events, hookspecs
from charimg.cli import COMMANDS
from charimg.errors import ExitCode
from charimg.plugins import Kind, Plugins
from charimg.settings import GENERAL

ROOT = Path(__file__).resolve().parent.parent


def _maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "docs/make_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _page(name: str) -> str:
    return (ROOT / "docs/reference" / name).read_text(encoding="utf-8")


PAGES = ("commands", "settings", "hooks", "events", "exit-codes", "contracts", "toolbox", "testing")


@pytest.mark.parametrize("name", [f"{page}.md" for page in PAGES])
def test_a_page_is_what_the_code_makes(name: str) -> None:
    """Run ``make docs`` when this fails. Line breaks are left out: they depend on click's version."""
    made = _maker().pages()[name]

    assert " ".join(_page(name).split()) == " ".join(made.split())


def test_every_hook_is_documented_with_its_parameters() -> None:
    """A hook without a description of what it is for and of every parameter does not ship."""
    hooks = [function for function in vars(hookspecs).values() if hasattr(function, "charimg_spec")]
    page = _page("hooks.md")

    missing = [
        f"{hook.__name__}({parameter})"
        for hook in hooks
        for parameter in inspect.signature(hook).parameters
        if f"## `{hook.__name__}(" not in page or f":param {parameter}:" not in (hook.__doc__ or "")
    ]

    assert hooks
    assert missing == []


def test_everything_a_plugin_may_import_is_documented_with_its_signature() -> None:
    """Every public class of the package's front door, and every method of the contracts with its parameters."""
    pages = _page("contracts.md") + _page("toolbox.md")
    classes = {thing for name in charimg.__all__ if isinstance(thing := getattr(charimg, name), type)} - {charimg.Event}
    kinds = (charimg.ImageGenerator, charimg.PolledGenerator, charimg.Uploader, charimg.Store, charimg.Observer)
    methods = [
        method
        for kind in kinds
        for name, method in vars(kind).items()
        if inspect.isfunction(method) and not name.startswith("_")
    ]

    assert [kind.__name__ for kind in classes if f"### `class {kind.__name__}" not in pages] == []
    assert [kind.__name__ for kind in classes if not inspect.getdoc(kind)] == []
    assert [one.__qualname__ for one in methods if f"{one.__name__}({', '.join(_written(one))}" not in pages] == []


def test_what_the_guide_and_the_templates_use_is_documented() -> None:
    """Every function and class of charimg that they import stands on a page."""
    places = [ROOT / "docs/write-a-provider.md", *(ROOT / "charimg/scaffold/templates").rglob("*.template")]
    pages = _page("contracts.md") + _page("toolbox.md") + _page("testing.md") + _page("hooks.md")
    lines = [line for place in places for line in place.read_text(encoding="utf-8").splitlines()]
    used = {
        name.strip()
        for line in lines
        if (found := re.match(r"from charimg[\w.]* import ([\w, ]+)$", line))
        for name in found[1].split(",")
    }

    assert "sync_folder" in used
    assert [name for name in sorted(used) if not re.search(rf"`[^`\n]*\b{name}\b", pages)] == []


def test_every_parameter_of_the_errors_is_explained() -> None:
    """What a provider may say besides the message."""
    page = _page("contracts.md")
    parameters = list(inspect.signature(charimg.ProviderError.__init__).parameters)[1:]

    assert [name for name in parameters if not re.search(rf"^\W*`?(:param )?{name}\b`?: \w", page, re.MULTILINE)] == []
    assert not re.search(r"^#### `__init__.*`\n\n\n", page, re.MULTILINE)


def _written(method: Callable[..., object]) -> list[str]:
    """The parameters as the source has them."""
    parameters = inspect.signature(method).parameters.values()
    return [one.name if one.annotation is one.empty else f"{one.name}: {one.annotation}" for one in parameters][:2]


def test_the_whole_kit_is_documented() -> None:
    """Every public name of ``charimg.testing``."""
    page = _page("testing.md")

    assert [name for name in kit.__all__ if not re.search(rf"`(class |async |@\w+ )?{name}\b", page)] == []


def test_every_event_and_field_is_documented() -> None:
    """JSON lines are an interface: what each name means stands in the reference."""
    kinds = [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, events.Event)]
    page = _page("events.md")

    assert [kind.event for kind in kinds if kind.event and f"## `{kind.event}`" not in page] == []
    assert re.findall(r"^- `\w+`: *$", page, re.MULTILINE) == []


def test_every_setting_of_every_provider_is_documented() -> None:
    """General settings and those of all installed providers, with their environment variables."""
    page = _page("settings.md")
    names = [setting.name for setting in GENERAL]
    for kind in Kind:
        for _, provider in Plugins().all(kind):
            assert isinstance(provider, type)
            names += [setting.name for setting in provider.declaration.settings]
            names += [credential.name for credential in provider.declaration.credentials]

    assert [name for name in names if f"`{name}`" not in page and f"*{name}*" not in page] == []


def test_every_command_and_exit_code_is_documented() -> None:
    """``charimg --help`` and the table of exit codes are whole."""
    commands, codes = _page("commands.md"), _page("exit-codes.md")

    assert [name for name in COMMANDS if f"## `charimg {name}`" not in commands] == []
    assert [code.name for code in ExitCode if f"| {code.value} | {code.name} |" not in codes] == []
