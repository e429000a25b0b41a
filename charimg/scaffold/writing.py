"""The files of a new plugin, and the writing of them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from string import Template

from charimg._version import __version__
from charimg.claims import Kind
from charimg.errors import InputError, StorageError
from charimg.scaffold.naming import Names

_MODULES = {
    Kind.GENERATOR: ("generator.py",),
    Kind.UPLOADER: ("uploader.py",),
    Kind.STORE: ("store.py", "ledger.py", "lines.py"),
}
_SUMMARIES = {
    Kind.GENERATOR: "Pictures through {}",
    Kind.UPLOADER: "Media ids at {}",
    Kind.STORE: "The ledger of a project as the text file of {}",
}
_KIT_DOES = {
    Kind.GENERATOR: "play a hostile service",
    Kind.UPLOADER: "play a hostile service",
    Kind.STORE: "pull the plug at any moment",
}
_CLASSES = {Kind.GENERATOR: "Generator", Kind.UPLOADER: "Uploader", Kind.STORE: "Store"}


def contents(names: Names, kind: Kind) -> dict[str, str]:
    """Every file of the new distribution: its path with ``/``, and its text."""
    words = {
        "name": names.name,
        "distribution": names.distribution,
        "package": names.package,
        "NAME": names.variable,
        "host": names.host,
        "Class": f"{names.class_name}{_CLASSES[kind]}",
        "Contract": kind.contract.__name__,
        "kind": kind.value,
        "kind_with_article": f"{'an' if kind is Kind.UPLOADER else 'a'} {kind}",
        "kit_does": _KIT_DOES[kind],
        "summary": _SUMMARIES[kind].format(names.name),
        "core": __version__,
    }

    def filled(template: str) -> str:
        place = files("charimg.scaffold").joinpath(f"templates/{template}.template")
        return Template(place.read_text(encoding="utf-8")).substitute(words)

    return {
        "README.md": filled(f"{kind}/README.md") + filled("every_kind/readme_end"),
        "setup.cfg": filled("every_kind/setup.cfg"),
        "pyproject.toml": filled("every_kind/pyproject.toml"),
        ".gitignore": filled("every_kind/gitignore"),
        ".github/workflows/test.yml": filled("every_kind/test.yml"),
        f"{names.package}/__init__.py": filled("every_kind/init.py"),
        f"{names.package}/py.typed": "",
        **{f"{names.package}/{module}": filled(f"{kind}/{module}") for module in _MODULES[kind]},
        f"tests/test_{names.package}.py": filled(f"{kind}/tests.py"),
    }


def write(texts: dict[str, str], folder: Path) -> None:
    """Write the files into a folder, which is made. What is there already is left alone.

    :raises InputError: one of the files is there already; then none is written.
    :raises StorageError: the folder cannot be written.
    """
    for name in texts:
        if (folder / name).exists():
            raise InputError(f"{folder / name} exists and is left as it is; choose another place with --folder")
    try:
        for name, text in texts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as out:
                out.write(text)
    except FileExistsError as error:
        raise InputError(f"{error.filename} is in the way; choose another place with --folder") from None
    except OSError as error:
        raise StorageError(f"cannot write {folder}: {error.strerror or error}; choose another place") from error
