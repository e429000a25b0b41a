"""Write the pages of docs/reference/ from the code itself: commands, settings, hooks, events, exit codes.

Run by ``make docs``; a test fails when a page is not what this makes.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

from charimg.contracts import Declaration, Model

sys.path.insert(0, str(Path(__file__).resolve().parent))
from api_pages import contracts_page, testing_page, toolbox_page

REFERENCE = Path(__file__).resolve().parent / "reference"
NOTE = "<!-- Made by docs/make_reference.py from the code; edit there, then run: make docs -->\n"


def pages() -> dict[str, str]:
    """Every page by its file name."""
    return {
        "commands.md": _commands(),
        "settings.md": _settings(),
        "hooks.md": _hooks(),
        "events.md": _events(),
        "exit-codes.md": _exit_codes(),
        "contracts.md": contracts_page(NOTE, _plain),
        "toolbox.md": toolbox_page(NOTE, _plain),
        "testing.md": testing_page(NOTE, _plain),
    }


def main() -> None:
    """Write the pages that changed."""
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        path = REFERENCE / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {path.relative_to(Path.cwd())}\n")


def _commands() -> str:
    from charimg.cli import COMMANDS, cli

    parts = ["# Commands\n", NOTE]
    for words in _command_words(cli, list(COMMANDS)):
        shown = " ".join(["charimg", *words])
        help_text = CliRunner().invoke(cli, [*words, "--help"], prog_name="charimg", terminal_width=92).output
        parts.append(f"## `{shown}`\n\n```text\n{help_text.rstrip()}\n```\n")
    return "\n".join(parts)


def _command_words(cli: click.Group, names: list[str]) -> Iterator[list[str]]:
    context = click.Context(cli)
    yield []
    for name in names:
        command = cli.get_command(context, name)
        yield [name]
        if isinstance(command, click.Group):
            yield from ([name, inner] for inner in command.list_commands(context))


def _settings() -> str:
    from charimg.plugins import Kind, Plugins
    from charimg.settings import GENERAL
    from charimg.settings.lanes import KEYS

    parts = [
        "# Settings\n",
        NOTE,
        "How they are given, and which one wins: [settings](../settings.md).\n",
        "## General\n",
        "| setting | environment | default | meaning |\n| --- | --- | --- | --- |",
    ]
    parts += [
        f"| `{one.name}` | `CHARIMG_{one.name.upper()}` | {_default(one.default)} | {one.help} |" for one in GENERAL
    ]
    parts += [
        "\n## Lanes\n",
        "What an entry of `lanes:` in a settings file may say ([lanes](../lanes.md)).\n",
        "| key | meaning |\n| --- | --- |",
        *(f"| `{key.name}` | {key.help} |" for key in KEYS),
        "| `settings` | The provider's own settings on this lane, a mapping. |",
    ]
    for kind in Kind:
        for name, provider in Plugins().all(kind):
            declaration: Declaration = provider.declaration  # type: ignore[union-attr]  # a broken plugin must fail here
            title = f"\n## {kind.value} `{name}`\n\n{declaration.summary}\n"
            parts.append(title)
            if not declaration.settings and not declaration.credentials:
                parts.append("No settings.")
                continue
            account = declaration.account_name
            parts.append("| setting | environment | default | meaning |\n| --- | --- | --- | --- |")
            for one in declaration.settings:
                variable = f"CHARIMG_{account}_{one.name}".upper().replace("-", "_")
                checked = f" (checked {one.checked.isoformat()})" if one.checked else ""
                names = _variables(variable, one.env)
                parts.append(f"| `{one.name}` | {names} | {_default(one.default)}{checked} | {one.help} |")
            for secret in declaration.credentials:
                variable = f"CHARIMG_{account}_{secret.name}".upper().replace("-", "_")
                names = _variables(variable, secret.env)
                parts.append(f"| *{secret.name}* (credential) | {names} | | {secret.help} |")
            if declaration.models:
                parts.append("\n| known model | price | note |\n| --- | --- | --- |")
                parts += [
                    f"| `{model.id}` | {_price(model)} | {_note(declaration, model)} |" for model in declaration.models
                ]
    return "\n".join(parts) + "\n"


def _variables(*names: str | tuple[str, ...]) -> str:
    first, others = names
    return ", ".join(f"`{name}`" for name in (first, *others))


def _price(model: Model) -> str:
    price = model.price
    if price is None:
        return ""
    checked = f" ({price.checked.isoformat()})" if price.checked else ""
    return f"{price.amount:g} {price.currency}{checked}" if price.amount else "free"


def _note(declaration: Declaration, model: Model) -> str:
    gone = declaration.retirement(model.id)
    return "; ".join(part for part in (model.summary, gone or "") if part)


def _default(value: object) -> str:
    return "" if value in (None, "") else f"`{value}`"


def _hooks() -> str:
    from charimg import hookspecs

    parts = ["# Hooks\n", NOTE, _plain(inspect.getdoc(hookspecs)), ""]
    for node in ast.parse(inspect.getsource(hookspecs)).body:
        if isinstance(node, ast.FunctionDef) and hasattr(getattr(hookspecs, node.name), "charimg_spec"):
            signature = f"{node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns or ast.Constant(None))}"
            parts.append(f"## `{signature}`\n\n{_plain(ast.get_docstring(node))}\n")
    return "\n".join(parts)


def _events() -> str:
    from charimg import events

    parts = ["# Events\n", NOTE, _plain(inspect.getdoc(events)), ""]
    classes = [node for node in ast.parse(inspect.getsource(events)).body if isinstance(node, ast.ClassDef)]
    # A field that several events have is described once, where it first occurs.
    elsewhere = {name: text for node in reversed(classes) for name, text in _described_fields(node) if text}
    for node in classes:
        kind = getattr(events, node.name)
        if not (isinstance(kind, type) and issubclass(kind, events.Event) and kind.event):
            continue
        parts.append(f"## `{kind.event}`\n\n{_plain(inspect.getdoc(kind))}\n")
        described = {name: text or elsewhere.get(name, "") for name, text in _described_fields(node)}
        inherited = ["`event`", "`time`", "`lane`"] + (["`key`", "`name`"] if issubclass(kind, events.JobEvent) else [])
        parts.append(f"Fields: {', '.join(inherited)}, and\n" if described else f"Fields: {', '.join(inherited)}.\n")
        parts += [f"- `{name}`: {text}" for name, text in described.items()]
        parts.append("")
    return "\n".join(parts)


def _described_fields(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    following = [*node.body[1:], ast.Pass()]
    for statement, after in zip(node.body, following, strict=True):
        if not isinstance(statement, ast.AnnAssign) or "ClassVar" in ast.unparse(statement.annotation):
            continue
        assert isinstance(statement.target, ast.Name)
        documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        text = after.value.value if documented else ""  # type: ignore[attr-defined]  # checked in `documented`
        yield statement.target.id, _plain(" ".join(str(text).split()))


def _exit_codes() -> str:
    from charimg import errors

    parts = ["# Exit codes\n", NOTE, "| code | name | meaning |\n| --- | --- | --- |"]
    source = ast.parse(inspect.getsource(errors.ExitCode)).body[0]
    assert isinstance(source, ast.ClassDef)
    following = [*source.body[1:], ast.Pass()]
    for statement, after in zip(source.body, following, strict=True):
        if isinstance(statement, ast.Assign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            target = statement.targets[0]
            assert isinstance(target, ast.Name)
            code = errors.ExitCode[target.id]
            parts.append(f"| {code.value} | {code.name} | {after.value.value} |")
    parts += ["", "## The errors behind them", "", "```text", _tree(inspect.getdoc(errors) or ""), "```", ""]
    return "\n".join(parts)


def _tree(docstring: str) -> str:
    block = docstring.split("::", 1)[1]
    lines = [line[4:] for line in block.splitlines() if line.startswith("    ")]
    return "\n".join(lines)


def _plain(docstring: str | None) -> str:
    """Restructured-text marks to Markdown."""
    text = docstring or ""
    text = re.sub(r":\w+:`~?(?:[\w.]+\.)?([\w.]+)`", r"`\1`", text)
    text = re.sub(r"^:(?:param) (\w+):", r"- `\1`:", text, flags=re.MULTILINE)
    return text.replace("``", "`")


if __name__ == "__main__":
    main()
