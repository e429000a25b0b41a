"""Finds providers by name and loads only those that are named.

Names come from entry points, one group a kind, so that listing them imports nothing. Loading goes through pluggy:
the entry point's module is registered, and its ``register_…`` hook hands over the provider classes. A provider that
a run names fails loudly, with the distribution at fault; one that is merely installed and broken is a warning.
``CHARIMG_TRACE_PLUGINS=1`` shows every hook call on standard error.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint, distributions, entry_points
from typing import TYPE_CHECKING, Any

from charimg.errors import PluginError

if TYPE_CHECKING:
    import pluggy

    from charimg.contracts import Observer, Provider
    from charimg.model import ImageRequest, SavedImage

TRACE_VARIABLE = "CHARIMG_TRACE_PLUGINS"
CORE = "charimg-cli"
"""The distribution that nobody should be told to uninstall."""

PLUGIN_GROUP = "charimg.plugins"
"""Entry points of plugins that take part in every run without being a provider."""


class Kind(str, Enum):
    """The three kinds of provider."""

    GENERATOR = "generator"
    UPLOADER = "uploader"
    STORE = "store"

    def __str__(self) -> str:
        return self.value

    @property
    def group(self) -> str:
        """The entry point group."""
        return f"charimg.{self.value}s"

    @property
    def hook(self) -> str:
        """The hook that hands over classes of this kind."""
        return f"register_{self.value}s"

    @property
    def contract(self) -> type[Provider]:
        """The class every provider of this kind extends."""
        from charimg import contracts  # noqa: PLC0415 - listing names must import no contract

        kinds: dict[Kind, type[Provider]] = {
            Kind.GENERATOR: contracts.ImageGenerator,
            Kind.UPLOADER: contracts.Uploader,
            Kind.STORE: contracts.Store,
        }
        return kinds[self]


@dataclass(frozen=True)
class Claim:
    """One distribution's claim of one name."""

    name: str
    distribution: str
    """Name of the distribution, as pip knows it."""
    version: str
    entry: EntryPoint

    @property
    def source(self) -> str:
        """Distribution and version, for messages."""
        return f"{self.distribution} {self.version}".strip()


class Plugins:
    """The plugins installed in this environment.

    :param found: the entry points to look at; all installed ones by default.
    :param environ: where the trace switch is looked up.
    """

    def __init__(self, found: Iterable[EntryPoint] | None = None, environ: Mapping[str, str] = os.environ) -> None:
        self._found = found
        self._trace = environ.get(TRACE_VARIABLE, "") not in ("", "0")
        self._hooks: pluggy.PluginManager | None = None
        self._loaded: dict[tuple[Kind, str], type[Provider]] = {}

    def claims(self, group: str) -> dict[str, list[Claim]]:
        """Every name in an entry point group with those who claim it, in alphabetical order. Imports nothing."""
        found = _installed(group) if self._found is None else (e for e in self._found if e.group == group)
        claims: dict[str, dict[tuple[str, str], Claim]] = {}
        for entry in found:
            name, version = _identity(entry.dist)
            # The same distribution may be seen twice, as an editable install and as its folder on the path; the first
            # is the one that an import finds.
            same = (re.sub(r"[-_.]+", "-", name).lower(), entry.value)
            claims.setdefault(entry.name, {}).setdefault(same, Claim(entry.name, name, version, entry))
        return {name: list(claims[name].values()) for name in sorted(claims)}

    def names(self, kind: Kind) -> list[str]:
        """The names of all providers of a kind, without importing any."""
        return list(self.claims(kind.group))

    def load(self, kind: Kind, name: str) -> type[Provider]:
        """The provider class of this name.

        :raises PluginError: nobody has it, two distributions claim it, or it is broken; the message says what to do.
        """
        if (kind, name) not in self._loaded:
            self._loaded[kind, name] = self._load(kind, name)
        return self._loaded[kind, name]

    def all(self, kind: Kind) -> Iterator[tuple[str, type[Provider] | PluginError]]:
        """Every provider of a kind, or what is wrong with it: for lists and diagnosis."""
        for name in self.names(kind):
            try:
                yield name, self.load(kind, name)
            except PluginError as error:
                yield name, error

    def _load(self, kind: Kind, name: str) -> type[Provider]:
        claims = self.claims(kind.group)
        if name not in claims:
            raise PluginError(_unknown(kind, name, list(claims)))
        claim, *others = claims[name]
        if others:
            sources = " and ".join(one.source for one in (claim, *others))
            theirs = next((one for one in (claim, *others) if one.distribution != CORE), claim)
            raise PluginError(
                f"{sources} both claim the {kind} '{name}'; uninstall one: pip uninstall {theirs.distribution}"
            )
        module = self._register(claim)
        offered: list[type[Provider]] = []
        with _blamed(claim, f"its hook {kind.hook}"):
            self._call_one(module, kind.hook, register=offered.append)
        for provider in offered:
            _check_class(claim, kind, provider)
        fitting = [provider for provider in offered if provider.declaration.name == name]
        if len(fitting) != 1:
            offers = ", ".join(provider.declaration.name for provider in offered) or "nothing"
            raise PluginError(f"{claim.source} promises one {kind} '{name}' but registers {offers}; {_mend(claim)}")
        return fitting[0]

    def load_taking_part(self) -> list[str]:
        """Load the plugins that take part in every run; returns a warning for each that is broken."""
        warnings = []
        for claims in self.claims(PLUGIN_GROUP).values():
            for claim in claims:
                try:
                    self._register(claim)
                except PluginError as error:
                    warnings.append(str(error))
        return warnings

    def observers(self) -> tuple[list[Observer], list[str]]:
        """A new observer of every class that the loaded plugins register, and a warning for each that fails."""
        observers: list[Observer] = []
        warnings: list[str] = []

        def register(kind: object) -> None:
            from charimg.contracts import Observer  # noqa: PLC0415 - listing names must import no contract

            if not (isinstance(kind, type) and issubclass(kind, Observer)):
                raise TypeError(f"{kind!r} is not a class that extends charimg.Observer")
            observers.append(kind())

        for plugin in self._manager.get_plugins():
            try:
                self._call_one(plugin, "register_observers", register=register)
            except _STRANGERS as error:
                warnings.append(f"{self._name_of(plugin)}: its observer cannot start: {_words(error)}")
        return observers, warnings

    def prepare_request(self, request: ImageRequest) -> tuple[ImageRequest, list[str]]:
        """The request after every plugin had its say, and a warning for each that failed."""
        warnings = []
        for plugin in self._implementing("prepare_request"):
            try:
                changed = self._call_one(plugin, "prepare_request", request=request)
                if any(change is not None for change in changed):
                    request = _checked_request(next(change for change in changed if change is not None), request)
            except _STRANGERS as error:
                warnings.append(f"{self._name_of(plugin)}: prepare_request failed and is left out: {_words(error)}")
        return request, warnings

    def finishing(self) -> list[Callable[[SavedImage, bytes], bytes | None]]:
        """The plugins that work on saved pictures, as functions; what they raise names the plugin."""

        def finisher(plugin: object) -> Callable[[SavedImage, bytes], bytes | None]:
            def finish(picture: SavedImage, data: bytes) -> bytes | None:
                try:
                    results = self._call_one(plugin, "finish_picture", picture=picture, data=data)
                except _STRANGERS as error:
                    raise PluginError(f"{self._name_of(plugin)}: finish_picture failed: {_words(error)}") from error
                return next((bytes(result) for result in results if result is not None), None)

            return finish

        return [finisher(plugin) for plugin in self._implementing("finish_picture")]

    # -- pluggy ---------------------------------------------------------------------------------------------

    @property
    def _manager(self) -> pluggy.PluginManager:
        if self._hooks is None:
            import pluggy  # noqa: PLC0415 - listing names must not pay for it

            from charimg import hookspecs  # noqa: PLC0415 - likewise

            self._hooks = pluggy.PluginManager("charimg")
            self._hooks.add_hookspecs(hookspecs)
            if self._trace:
                self._hooks.add_hookcall_monitoring(_trace_before, _trace_after)
        return self._hooks

    def _register(self, claim: Claim) -> object:
        with _blamed(claim, "it"):
            module = claim.entry.load()
        if not self._manager.is_registered(module):
            try:
                self._manager.register(module, name=f"{claim.distribution}: {claim.entry.value}")
                self._manager.check_pending()
                self._check_names(module)
            except _STRANGERS as error:
                if self._manager.is_registered(module):
                    self._manager.unregister(module)
                raise PluginError(
                    f"{claim.source} has a hook charimg cannot use: {_words(error)}; {_mend(claim)}"
                ) from error
        return module

    def _check_names(self, module: object) -> None:
        """A hook under another name (pluggy's ``specname``) could not be called for one plugin alone."""
        for hook in self._manager.get_hookcallers(module) or ():
            if not hasattr(module, hook.name):
                raise ValueError(f"the function that implements {hook.name} must be called that")

    def _implementing(self, hook: str) -> list[object]:
        """Plugins with an implementation of the hook, in the order they were registered."""
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        return [implementation.plugin for implementation in implementations]

    def _call_one(self, plugin: object, hook: str, **arguments: Any) -> list[Any]:
        """Call one plugin's implementation of a hook, if it has one."""
        others = [other for other in self._manager.get_plugins() if other is not plugin]
        results: list[Any] = self._manager.subset_hook_caller(hook, others)(**arguments)
        return results

    def _name_of(self, plugin: object) -> str:
        return (self._manager.get_name(plugin) or "a plugin").partition(":")[0]


class _blamed:  # noqa: N801 - reads as a word in a with statement
    """Turns whatever a stranger's code raises into a PluginError that names its distribution."""

    def __init__(self, claim: Claim, what: str) -> None:
        self._claim = claim
        self._what = what

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, _STRANGERS) and not isinstance(error, PluginError):
            claim = self._claim
            raise PluginError(
                f"the plugin '{claim.name}' of {claim.source} is broken: {self._what} raised {_words(error)}; "
                f"{_mend(claim)}"
            ) from error


_STRANGERS = (Exception, SystemExit)
"""What a stranger's code may raise without ending the run: ``sys.exit()`` in a hook included."""


def _installed(group: str) -> Iterator[EntryPoint]:
    """The entry points of a group; a distribution whose list of them cannot be read is passed over."""
    try:
        yield from entry_points(group=group)
        return
    except Exception as error:  # one torn file in the environment, perhaps of a package we have no part in
        torn = _words(error)
    for dist in distributions():
        try:
            found = [entry for entry in dist.entry_points if entry.group == group]
        except Exception:
            _tell_once(f"charimg: the list of plugins of {_identity(dist)[0]} cannot be read: {torn}")
            continue
        yield from found


@lru_cache
def _tell_once(line: str) -> None:
    """On standard error, for what is found out long before a run has anyone to tell; once, for every group asks."""
    sys.stderr.write(f"{line}\n")


def _identity(dist: Distribution | None) -> tuple[str, str]:
    """Name and version, where its metadata can still be read."""
    try:
        if dist is not None and dist.name:
            return dist.name, dist.version or ""
    except Exception:  # left behind by a broken-off uninstall: importlib raises one thing or another by version
        return "a broken distribution", ""
    return "an unknown distribution", ""


def _check_class(claim: Claim, kind: Kind, provider: object) -> None:
    """A registered class must be what it claims to be; found out now rather than in the middle of a paid run."""
    wrong = _fault_of(kind, provider)
    if wrong:
        raise PluginError(f"{claim.source} registers a broken {kind}: {wrong}; {_mend(claim)}")


def _fault_of(kind: Kind, provider: object) -> str | None:
    from charimg.contracts import Declaration  # noqa: PLC0415 - listing names must import no contract

    contract = kind.contract
    if not (isinstance(provider, type) and issubclass(provider, contract)):
        return f"{provider!r} is not a class that extends charimg.{contract.__name__}"
    declaration = getattr(provider, "declaration", None)
    if declaration is None:
        return f"{provider.__name__} has no declaration"
    if not isinstance(declaration, Declaration):
        return f"{provider.__name__}.declaration is not a charimg.Declaration"
    for name in dir(contract):
        promised, given = getattr(contract, name), getattr(provider, name)
        if name.startswith("_") or not inspect.iscoroutinefunction(promised):
            continue
        if not inspect.iscoroutinefunction(given):
            return f"{provider.__name__}.{name} must be 'async def'"
        if getattr(given, "__isabstractmethod__", False):
            return f"{provider.__name__} has no method '{name}'"
    return None


def _checked_request(changed: object, request: ImageRequest) -> ImageRequest:
    if type(changed) is not type(request):
        raise TypeError(f"it returned {type(changed).__name__}, not an ImageRequest")
    if (changed.key, changed.attempt) != (request.key, request.attempt):
        raise ValueError("it changed the request's key or attempt")
    for name, kinds in _REQUEST.items():
        if not isinstance(getattr(changed, name), kinds):
            raise TypeError(f"it returned a request whose {name} is {type(getattr(changed, name)).__name__}")
    return changed


_REQUEST: dict[str, tuple[type, ...]] = {
    "prompt": (str,),
    "negative": (str, type(None)),
    "seed": (int, type(None)),
    "aspect_ratio": (str,),
    "references": (tuple,),
}
"""What a plugin may change of a request, and the types that the ledger and the generators rely on."""


def _unknown(kind: Kind, name: str, known: list[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - needed only for a typing mistake

    close = get_close_matches(name, known, 1)
    hint = f"did you mean '{close[0]}'?" if close else f"perhaps it is in a package: pip install charimg-{name}"
    return f"there is no {kind} '{name}'; {hint} (installed: {', '.join(known) or 'none'})"


def _mend(claim: Claim) -> str:
    return f"reinstall it, or remove it with: pip uninstall {claim.distribution}"


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]


def _trace_before(hook: str, implementations: Any, arguments: Mapping[str, Any]) -> None:
    callers = ", ".join(implementation.plugin_name for implementation in implementations)
    sys.stderr.write(f"plugins: {hook}({', '.join(arguments)}) -> {callers or 'nobody'}\n")


def _trace_after(outcome: Any, hook: str, _implementations: Any, _arguments: Mapping[str, Any]) -> None:
    told = (
        f"raised {type(outcome.exception).__name__}" if outcome.exception else f"{len(outcome.get_result())} result(s)"
    )
    sys.stderr.write(f"plugins: {hook} {told}\n")
