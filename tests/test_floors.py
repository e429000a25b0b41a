"""The floors of the house: imports run downwards only, so that nothing low knows anything high."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import charimg

PACKAGE = Path(charimg.__file__).parent

FLOORS = (
    ("__main__",),
    ("cli", "testing"),
    ("ui", "gallery", "diagnosis", "model_lists"),
    ("run", "logins"),
    ("earlier_runs",),
    ("recovery", "lane", "lane_words", "repair"),
    ("scheduler", "pipeline", "adoption", "stocktaking", "lane_choice", "summary"),
    ("picture_making",),
    ("bench",),
    ("choosing", "rebuilding", "audit", "survey", "work_reports", "budget", "shared_quotas", "job_queue", "lane_work"),
    ("workplace", "picture_folder", "found_pictures", "plan"),
    ("catalogue", "installer", "provider_context"),
    ("plugins", "credentials", "http", "providers", "provider_call"),
    ("websocket",),
    ("keyfile", "public_network", "transport_errors", "requested_addresses"),
    ("metadata", "polling", "reference_pictures", "uploads", "plugin_distributions", "scaffold"),
    ("settings", "roster", "project", "verdicts", "claims", "overlooked_files"),
    ("contracts", "images", "hook_check", "disk"),
    (
        "hookspecs",
        "hook_trace",
        "durable_files",
        "packages",
        "picture_parts",
        "one_file_plugins",
        "raised_where",
        "lettering",
        "policy",
        "events",
        "findings",
        "redaction",
        "addresses",
        "aspect_ratios",
        "seeds",
    ),
    ("errors",),
    ("model", "typefaces", "_version"),
)
"""From the roof down. A module may import those of lower floors; its neighbours know nothing of each other."""

LEVEL = {name: -number for number, floor in enumerate(FLOORS) for name in floor}


def test_every_module_has_its_floor() -> None:
    """A new module is given a place before it is used."""
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}

    assert there - {"__init__"} - set(LEVEL) == set()


def test_imports_run_downwards() -> None:
    """No module imports one of its own floor or of a higher one, inside a function neither."""
    climbing = [
        f"{path.relative_to(PACKAGE)}:{line} imports charimg.{target}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.parent != PACKAGE or path.stem != "__init__"  # the public door looks everything up by name
        for target, line in _imports(path)
        if target != (name := path.relative_to(PACKAGE).parts[0].removesuffix(".py")) and LEVEL[target] >= LEVEL[name]
    ]

    assert climbing == []


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    """The parts of charimg that a file imports, with the line; what only the type checker reads is left out."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        names = [one.name for one in node.names]
        if isinstance(node, ast.ImportFrom):
            names = [f"charimg.{name}" for name in names] if node.module == "charimg" else [str(node.module)]
        yield from ((name.split(".")[1], node.lineno) for name in names if name.startswith("charimg."))
