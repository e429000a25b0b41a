"""Watching a provider while it works: what it does that its contract forbids, and where in its code.

Everything is seen from the stack: a timer that the core sets on the provider's behalf is the core's, one that the
provider's own code (or a library it called) asked for is the provider's.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

_IMPORT = ("importlib", "_frozen_importlib", "_frozen_importlib_external", "zipimport")


class BlockingCallError(OSError):
    """What a connection that would never come about ends with, in the provider's code."""


@dataclass
class Watch:
    """What was seen; every entry is one short line that names the place."""

    own: tuple[str, ...]
    """The provider's own packages and modules, by dotted name."""
    allowed: tuple[Path, ...] = ()
    """Folders whose files it may open: those its context names."""
    sleeps: list[str] = field(default_factory=list)
    environment: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    blocking: list[str] = field(default_factory=list)
    """Connections it waited for without letting anything else run: each would wait for the played service for ever."""
    left: list[str] = field(default_factory=list)
    """Tasks and connections that were still there when the provider and the core's session had been closed."""
    log: list[str] = field(default_factory=list)
    """Everything that was logged meanwhile, by anybody, at any level."""

    def on_timer(self, seconds: float) -> None:
        """Told of every timer of the loop, on the stack of whoever sets it."""
        if seconds <= 0:
            return
        sleeping, direct = False, True
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            name, function = str(frame.f_globals.get("__name__")), frame.f_code.co_name
            if self._is_own(name):
                if sleeping or direct:
                    self.sleeps.append(f"it waits {seconds:g} seconds in {_place(frame)}")
                return
            if _is_core(name) and function not in ("call_at", "call_later"):
                return
            sleeping = sleeping or (name == "asyncio.tasks" and function == "sleep")
            direct = direct and function in ("call_at", "call_later")
            frame = frame.f_back

    def _is_own(self, name: str) -> bool:
        return is_own(name, self.own)

    def _culprit(self, frame: FrameType | None, *, through_stdlib: bool) -> FrameType | None:
        """The provider's frame that is behind a call, or ``None`` where the core, an import or nobody of it is.

        :param through_stdlib: count calls that the standard library made on its behalf, too.
        """
        while frame is not None:
            name = str(frame.f_globals.get("__name__"))
            if self._is_own(name):
                return None if self._is_answering(frame) else frame
            if _is_core(name) or name.startswith(_IMPORT):
                return None
            if not through_stdlib and _is_stdlib(frame) and name not in ("os", "collections.abc", "_collections_abc"):
                return None
            frame = frame.f_back
        return None

    def _is_answering(self, frame: FrameType) -> bool:
        """Whether it is the author's played service that is at work, which may stand in the same module."""
        back: FrameType | None = frame
        while back is not None and self._is_own(str(back.f_globals.get("__name__"))):
            back = back.f_back
        return back is not None and back.f_globals.get("__name__") in (
            "charimg.testing.service",
            "charimg.testing.server",
        )

    # -- what is patched while the provider works ---------------------------------------------------------------

    @contextmanager
    def watching(self) -> Iterator[Watch]:
        """Watch until the block ends."""
        with ExitStack() as stack:
            stack.enter_context(self._no_proxies())
            stack.enter_context(self._time_sleep())
            stack.enter_context(self._environ())
            stack.enter_context(self._audited())
            stack.enter_context(self._logging())
            yield self

    @contextmanager
    def _no_proxies(self) -> Iterator[None]:
        """The played service is on this machine, whatever proxy the machine uses."""
        quiet = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        with mock.patch.dict(os.environ, {**quiet, "NO_PROXY": "*", "no_proxy": "*"}, clear=True):
            yield

    @contextmanager
    def _time_sleep(self) -> Iterator[None]:
        real = time.sleep

        def sleep(seconds: float) -> None:
            frame = self._culprit(sys._getframe(1), through_stdlib=True)
            if frame is None:
                real(seconds)
                return
            self.sleeps.append(f"it blocks everything for {seconds:g} seconds in {_place(frame)}")

        with ExitStack() as stack:
            stack.enter_context(mock.patch.object(time, "sleep", sleep))
            for name, module in list(sys.modules.items()):
                if self._is_own(name) and getattr(module, "sleep", None) is real:
                    stack.enter_context(mock.patch.object(module, "sleep", sleep))
            yield

    @contextmanager
    def _environ(self) -> Iterator[None]:
        kind = type(os.environ)
        getitem, iterate = kind.__getitem__, kind.__iter__

        def guarded_getitem(environ: Any, name: Any) -> Any:
            self._asked_environment(str(name))
            return getitem(environ, name)

        def guarded_iter(environ: Any) -> Any:
            self._asked_environment("all of it")
            return iterate(environ)

        with mock.patch.object(kind, "__getitem__", guarded_getitem), mock.patch.object(kind, "__iter__", guarded_iter):
            yield

    def _asked_environment(self, name: str) -> None:
        frame = self._culprit(sys._getframe(2), through_stdlib=False)
        if frame is not None:
            self.environment.append(f"it reads the environment ({name}) in {_place(frame)}")

    @contextmanager
    def _audited(self) -> Iterator[None]:
        _install_hook()
        _watching.append(self)
        try:
            yield
        finally:
            _watching.remove(self)

    def opened(self, path: object, frame: FrameType | None) -> None:
        """A file is opened, by anybody."""
        if isinstance(path, int) or path is None:
            return
        culprit = self._culprit(frame, through_stdlib=True)
        if culprit is None:
            return
        name = Path(os.path.abspath(os.fsdecode(path)))  # type: ignore[arg-type]  # noqa: PTH100 - links are not followed
        home, here = _home_and_here()
        theirs = [place for place in (home, here) if name.is_relative_to(place)]
        roots = [*self.allowed, Path(sys.prefix), Path(sys.base_prefix), *self._sources()]
        temporary = Path(tempfile.gettempdir())
        if not any(place.is_relative_to(temporary) for place in theirs):  # a home may lie there, in a container or a CI
            roots.append(temporary)
        if any(name.is_relative_to(root) for root in roots):
            return
        if theirs:
            self.files.append(f"it opens {name.name}, which its context does not name, in {_place(culprit)}")

    def connects(self, sock: socket.socket, frame: FrameType | None) -> None:
        """A socket is to be connected, by anybody.

        :raises BlockingCallError: the provider waits for it on the event loop, where the played service would answer.
        """
        if sock.gettimeout() == 0.0 or asyncio._get_running_loop() is None:
            return
        culprit = self._culprit(frame, through_stdlib=True)
        if culprit is None:
            return
        self.blocking.append(
            f"it blocks everything while it waits for a connection in {_place(culprit)}; await self.context.http"
        )
        raise BlockingCallError(self.blocking[-1])

    def _sources(self) -> list[Path]:
        """The provider's own folders, which may hold data."""
        files = [getattr(sys.modules.get(name), "__file__", None) for name in self.own]
        return [Path(file).parent for file in files if file]

    @contextmanager
    def _logging(self) -> Iterator[None]:
        handler = _Keeper(self.log)
        root = logging.getLogger()
        level = root.level
        levels = {"charimg": logging.DEBUG, "PIL": logging.INFO, "asyncio": logging.INFO}
        before = {name: logging.getLogger(name).level for name in levels}
        others, as_before = list(root.handlers), _AsBefore(level, before)
        for other in others:  # pytest's, which would show all of it below the one line that tells what is wrong
            other.addFilter(as_before)
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        for name, wanted in levels.items():
            logging.getLogger(name).setLevel(wanted)
        try:
            yield
        finally:
            root.removeHandler(handler)
            for other in others:
                other.removeFilter(as_before)
            root.setLevel(level)
            for name, old in before.items():
                logging.getLogger(name).setLevel(old)


class _AsBefore(logging.Filter):
    """Lets through what was shown before the levels were lowered."""

    def __init__(self, level: int, levels: dict[str, int]) -> None:
        super().__init__()
        self._level = level
        self._levels = levels

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is one of those."""
        return record.levelno >= (self._levels.get(record.name.partition(".")[0]) or self._level)


class _Keeper(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._lines = lines
        self._format = logging.Formatter("%(name)s: %(message)s")

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line, with its traceback."""
        self._lines.append(self._format.format(record))


@contextmanager
def leftovers() -> Iterator[list[str]]:
    """Collects what the block leaves to the garbage without having closed it, in the words of whoever made it.

    What was there before is set aside: it is somebody else's, and going through all of it would take long.
    """
    found: list[str] = []
    gc.freeze()
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            yield found
            gc.collect()
        found += [str(one.message) for one in told if issubclass(one.category, ResourceWarning)]
    finally:
        gc.unfreeze()


def is_own(name: str, own: tuple[str, ...]) -> bool:
    """Whether a module is one of these, or of these packages."""
    return any(name == one or name.startswith(f"{one}.") for one in own)


def own_names(kind: type) -> tuple[str, ...]:
    """The modules that count as the provider's own code: the packages of its class and of its bases."""
    names: list[str] = []
    for base in kind.__mro__:
        module = base.__module__
        top = module.partition(".")[0]
        if module == "builtins" or _is_stdlib_name(top) or (_is_core(module)):
            continue
        if top == "charimg":
            names.append(module)
        else:  # a test folder is no package of the provider's: there only its own module counts
            names.append(module if top in ("tests", "test", "conftest") else top)
    return tuple(dict.fromkeys(names))


def _is_core(name: str) -> bool:
    return (name == "charimg" or name.startswith("charimg.")) and not name.startswith("charimg.providers.")


def _is_stdlib_name(top: str) -> bool:
    return top in sys.stdlib_module_names and top != "__main__"


def _is_stdlib(frame: FrameType) -> bool:
    return _is_stdlib_name(str(frame.f_globals.get("__name__")).partition(".")[0])


def _place(frame: FrameType) -> str:
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} ({frame.f_code.co_name})"


def _home_and_here() -> tuple[Path, Path]:
    return Path(os.path.expanduser("~")), Path(os.getcwd())  # noqa: PTH109, PTH111 - pathlib's would be seen as a read


# -- an audit hook can never be taken out again: there is one, which does nothing while nobody watches ---------------

_watching: list[Watch] = []
_installed: list[bool] = []
_inside = threading.local()


def _install_hook() -> None:
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching or event not in ("open", "socket.connect") or getattr(_inside, "busy", False):
        return
    _inside.busy = True
    try:
        for watch in _watching:
            if event == "open":
                watch.opened(arguments[0], sys._getframe(1))
            else:
                watch.connects(arguments[0], sys._getframe(1))
    finally:
        _inside.busy = False
