"""The names a plugin writes after ``charimg.``, and the example that shows how."""

from __future__ import annotations

import ast
import inspect
import io
import subprocess
import sys
import textwrap
import typing
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from PIL import Image

import charimg
from charimg.plugins import Kind, Plugins


@pytest.mark.parametrize("name", charimg.__all__)
def test_public_name_is_there(name: str) -> None:
    """Every public name can be had, is the thing of that name, and is documented."""
    thing = getattr(charimg, name)
    if inspect.isclass(thing):
        assert thing.__name__ == name
        assert inspect.getdoc(thing)

    assert thing is not None


def test_unknown_name_is_an_attribute_error() -> None:
    """A typing mistake is what Python users expect of one."""
    with pytest.raises(AttributeError, match="module 'charimg' has no attribute 'ImageGenrator'"):
        charimg.ImageGenrator  # noqa: B018 - reading it is the test


def test_type_checkers_see_the_same_names() -> None:
    """The names for type checkers, the lazy ones and the list of public ones do not drift apart."""
    tree = ast.parse(inspect.getsource(charimg))
    typed = {
        alias.name
        for node in tree.body
        if isinstance(node, ast.If)
        for line in node.body
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    }
    lazy = {name for names in charimg._MODULES.values() for name in names}

    assert typed == lazy == set(charimg.__all__) - {"__version__"}


def test_importing_the_package_loads_nothing() -> None:
    """``import charimg`` alone loads none of its modules but the version."""
    code = "import charimg, sys; print(sorted(name for name in sys.modules if name.startswith('charimg.')))"

    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "['charimg._version']"


@pytest.mark.parametrize(
    "contract", [charimg.ImageGenerator, charimg.Uploader, charimg.Store, charimg.Observer, charimg.ProviderContext]
)
def test_contract_needs_no_further_import(contract: type) -> None:
    """Every method of a contract is documented and annotated, so that a stranger needs nothing else."""
    methods = [
        thing
        for name, thing in vars(contract).items()
        if inspect.isfunction(thing) and thing.__name__ == name and name[0] != "_"
    ]

    assert [method.__name__ for method in methods if not (method.__doc__ and "return" in method.__annotations__)] == []


async def test_example_of_the_docstring_is_a_working_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example, as it stands, is found, loaded and makes a picture."""
    example = textwrap.dedent((charimg.__doc__ or "").split("::\n", 1)[1].rsplit("\n\nNames are", 1)[0])
    (tmp_path / "sketch_of_the_docstring.py").write_text(example, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    entry = EntryPoint("sketch", "sketch_of_the_docstring", "charimg.generators")
    drawn = io.BytesIO()
    Image.new("RGB", (16, 16)).save(drawn, "PNG")
    generator = Plugins([entry]).load(Kind.GENERATOR, "sketch")
    assert issubclass(generator, charimg.ImageGenerator)
    module = typing.cast(typing.Any, sys.modules.pop("sketch_of_the_docstring"))
    module.draw = lambda prompt: drawn.getvalue() if prompt == "a queen" else b""

    made = await generator(charimg.ProviderContext(tmp_path, tmp_path)).generate(
        charimg.ImageRequest(key="rani", name="Rani", prompt="a queen")
    )

    assert made == charimg.GeneratedImage(data=drawn.getvalue())
    assert generator.declaration.summary == "Draws a sketch."
