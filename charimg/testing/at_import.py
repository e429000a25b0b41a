"""What a provider's modules do while they are imported, which is over before any test can watch them.

It is read from their source: the statements that run with an import, and those of classes, but no function's.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from charimg.testing.watch import is_own, own_names

_READERS = {"environ", "environb", "getenv", "getenvb"}


def environment_read_at_import(kind: type) -> list[str]:
    """The places where the provider's own modules read the environment when they are imported, one line each."""
    found: list[str] = []
    for module in _own_modules(kind):
        try:
            tree = ast.parse(inspect.getsource(module))
        except (OSError, TypeError, SyntaxError):  # compiled, or made without a file
            continue
        # A test module may read for itself; there only the providers' classes count.
        body = tree.body if not _holds_tests(module) else [one for one in tree.body if _is_class_of(one, kind)]
        name = Path(str(module.__file__)).name
        found += (f"it reads the environment ({what}) when it is imported, in {name}:{at}" for at, what in _reads(body))
    return found


def _own_modules(kind: type) -> list[ModuleType]:
    own = own_names(kind)
    modules = list(sys.modules.items())
    return [module for name, module in modules if is_own(name, own) and getattr(module, "__file__", None)]


def _holds_tests(module: ModuleType) -> bool:
    return any(isinstance(one, type) and getattr(one, "is_contract", None) is False for one in vars(module).values())


def _is_class_of(statement: ast.stmt, kind: type) -> bool:
    return isinstance(statement, ast.ClassDef) and statement.name in {base.__name__ for base in kind.__mro__}


def _reads(body: list[ast.stmt]) -> Iterator[tuple[int, str]]:
    """Line and words of every read in statements that run with the import."""
    for node in _run_with(body):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            name = node.attr
        elif isinstance(node, ast.Name):
            name = node.id
        else:
            continue
        if name in _READERS and isinstance(node.ctx, ast.Load):
            yield node.lineno, name if isinstance(node, ast.Name) else f"os.{name}"


def _run_with(body: list[ast.stmt]) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop(0)
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):  # defaults and decorators run with the import
            waiting += [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
        elif isinstance(node, ast.Lambda) or _is_main(node) or _is_write(node):
            continue
        else:
            waiting += ast.iter_child_nodes(node)


def _is_main(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


def _is_write(node: ast.AST) -> bool:
    """``os.environ["X"] = …`` tells a library something; nobody reads."""
    return isinstance(node, ast.Subscript) and isinstance(node.ctx, (ast.Store, ast.Del))
