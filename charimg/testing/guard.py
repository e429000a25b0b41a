"""No standard test disappears in silence: a subclass that redefines one must say so, with a reason.

A helper called ``test_never_sleeps`` that an author happens to write would otherwise replace the standard test of that
name, and the suite would stay green for the wrong reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest

F = TypeVar("F", bound=Callable[..., Any])

_REASON = "_charimg_overrides"


def overrides(reason: str) -> Callable[[F], F]:
    """Mark a test that replaces a standard one of the same name on purpose.

    ::

        @overrides("the service answers 200 with an error inside; played by hand below")
        def test_trouble_has_its_verdict(self, tmp_path): ...

    :param reason: why, for whoever reads the suite; it may not be empty.
    """

    def mark(function: F) -> F:
        setattr(function, _REASON, reason)
        return function

    return mark


def standard_tests(kind: type) -> dict[str, object]:
    """The standard tests that a class has from its contracts, by name."""
    found: dict[str, object] = {}
    for base in reversed(kind.__mro__):
        if vars(base).get("is_contract"):
            found.update({name: value for name, value in vars(base).items() if name.startswith("test_")})
    return found


def check_overrides(kind: type) -> None:
    """Refuse a class that replaces a standard test without saying so.

    :raises pytest.Collector.CollectError: it does; one line that names the test and the way out.
    """
    for name, standard in standard_tests(kind).items():
        there = getattr(kind, name, None)
        if there is standard or (there is None and _is_left_out(kind, name)):
            continue
        if not str(getattr(there, _REASON, "")).strip():
            _refuse(
                f"{kind.__name__} redefines the standard test {name}: rename yours, mark it with"
                ' @overrides("reason"), or skip the standard one with skipped = {"' + name + '": "reason"}'
            )


def check_skipped(kind: type, skipped: Any) -> None:
    """Refuse reasons for tests that do not exist, and tests left out without a reason.

    :raises pytest.Collector.CollectError: likewise.
    """
    known = standard_tests(kind)
    for name, reason in dict(skipped).items():
        if name.partition("[")[0] not in known:
            _refuse(f"{kind.__name__}.skipped names {name}, which is no standard test")
        if not str(reason or "").strip():
            _refuse(f"{kind.__name__}.skipped gives no reason for {name}")


def check_names(kind: Any) -> None:
    """Refuse settings and credentials that the provider does not declare: they would never reach it.

    :raises pytest.Collector.CollectError: likewise.
    """
    declaration = getattr(getattr(kind, "provider", None), "declaration", None)
    if declaration is None:
        return
    for what in ("settings", "credentials"):
        unknown = sorted(set(getattr(kind, what)) - {one.name for one in getattr(declaration, what)})
        if unknown:
            _refuse(f"{kind.__name__}.{what} names {unknown[0]}, which {declaration.name} does not declare")


def leave_out(kind: type, names: tuple[str, ...]) -> None:
    """Take standard tests out of a class to which they cannot apply, such as those of the network."""
    setattr(kind, "_left_out", names)  # noqa: B010 - the type checker does not know it
    for name in names:
        if getattr(getattr(kind, name, None), _REASON, None) is None:
            setattr(kind, name, None)


def _is_left_out(kind: type, name: str) -> bool:
    return name in getattr(kind, "_left_out", ())


def _refuse(line: str) -> None:
    raise pytest.Collector.CollectError(line)
