"""Finds providers by name and loads only those that are named.

Names come from entry points, so that listing them imports nothing, and from the project's one-file plugins, which must
be run to tell theirs. Loading goes through pluggy: the module is registered, and its ``register_…`` hook hands over the
provider classes. A provider that a run names fails loudly, with the distribution or file at fault; one that is merely
there and broken is a warning. ``CHARIMG_TRACE_PLUGINS=1`` shows every hook call on standard error.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charimg.claims import PLUGIN_GROUP, Claim, Kind, installed_claims
from charimg.errors import PluginError
from charimg.hook_check import fault_of_hooks
from charimg.one_file_plugins import FOLDER, OneFilePlugin, one_file_plugins
from charimg.overlooked_files import overlooked
from charimg.packages import CORE, where_to_get
from charimg.raised_where import log_stack, place_of, told, words_of

if TYPE_CHECKING:
    import pluggy

    from charimg.contracts import Observer, Provider
    from charimg.model import ImageRequest, SavedImage

__all__ = ["PLUGIN_GROUP", "TRACE_VARIABLE", "Claim", "Kind", "Plugins"]

TRACE_VARIABLE = "CHARIMG_TRACE_PLUGINS"


class Plugins:
    """The plugins of this environment and of one project.

    :param found: the entry points to look at; all installed ones by default.
    :param environ: where the trace switch is looked up.
    :param folder: the project's folder, for its one-file plugins; ``None`` runs nobody's files.
    """

    def __init__(
        self,
        found: Iterable[EntryPoint] | None = None,
        environ: Mapping[str, str] = os.environ,
        folder: Path | None = None,
    ) -> None:
        self._found = None if found is None else tuple(found)
        self._trace = environ.get(TRACE_VARIABLE, "") not in ("", "0")
        self._folder = folder
        self._files: tuple[OneFilePlugin, ...] | None = None
        self._offered_by_files: dict[Kind, list[Claim]] = {}
        self._hooks: pluggy.PluginManager | None = None
        self._loaded: dict[tuple[Kind, str], type[Provider]] = {}

    def claims(self, kind: Kind) -> dict[str, list[Claim]]:
        """Every name of a kind with those who claim it, in alphabetical order.

        Imports nothing but the one-file plugins that have a hook of this kind. One that is broken claims the name of
        its file.
        """
        claims = installed_claims(kind.group, self._found)
        for claim in self._claims_of_files(kind):
            claims.setdefault(claim.name, []).append(claim)
        return {name: claims[name] for name in sorted(claims)}

    def names(self, kind: Kind) -> list[str]:
        """The names of all providers of a kind; no distribution's code is imported for them."""
        return list(self.claims(kind))

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
        claims = self.claims(kind)
        if name not in claims:
            raise PluginError(self._unknown(kind, name, list(claims)))
        claim, *others = claims[name]
        if others:
            raise PluginError(_quarrel(kind, name, claims[name]))
        offered = self._offered(claim, kind)
        fitting = [provider for provider in offered if provider.declaration.name == name]
        if len(fitting) != 1:
            offers = ", ".join(provider.declaration.name for provider in offered) or "nothing"
            raise PluginError(f"{claim.source} promises one {kind} '{name}' but registers {offers}; {claim.remedy}")
        return fitting[0]

    def _offered(self, claim: Claim, kind: Kind) -> list[type[Provider]]:
        """The classes that the claimant's hook hands over, each of them found to be what it claims."""
        module = self._register(claim)
        offered: list[type[Provider]] = []
        with _blamed(claim, f"its hook {kind.hook}"):
            self._call_one(module, kind.hook, register=offered.append)
        for provider in offered:
            wrong = _fault_of(kind, provider)
            if wrong:
                source = claim.entry.line_of(provider) if isinstance(claim.entry, OneFilePlugin) else claim.source
                raise PluginError(f"{source} registers a broken {kind}: {wrong}; {claim.remedy}")
        if claim.is_file and not offered:
            raise PluginError(
                f"{claim.source}: {kind.hook} registers nothing; mark it with @charimg.hookimpl and call register(...)"
            )
        return offered

    # -- the project's own files ------------------------------------------------------------------------------

    def _with_hook(self, hooks: Iterable[str]) -> list[OneFilePlugin]:
        if self._files is None:
            self._files = () if self._folder is None else tuple(one_file_plugins(self._folder))
        return [file for file in self._files if not file.hooks.isdisjoint(hooks)]

    def _claims_of_files(self, kind: Kind) -> list[Claim]:
        if kind not in self._offered_by_files:
            self._offered_by_files[kind] = [
                _claim_of(file, name) for file in self._with_hook([kind.hook]) for name in self._names_in(file, kind)
            ]
        return self._offered_by_files[kind]

    def _names_in(self, file: OneFilePlugin, kind: Kind) -> list[str]:
        try:
            names = [provider.declaration.name for provider in self._offered(_claim_of(file, file.path.stem), kind)]
        except PluginError:
            names = []  # whoever loads it by the name of its file is told why
        return names or [file.path.stem]

    def _unknown(self, kind: Kind, name: str, known: list[str]) -> str:
        hint = self._hint_of_files(name, [kind])
        words = f"there is no {kind} '{name}'; {where_to_get(name, known)} (installed: {', '.join(known) or 'none'})"
        return f"{words}; {hint}" if hint else words

    def unknown(self, name: str) -> str:
        """What to say to somebody who asks for a provider of any kind that nobody has."""
        known = sorted({one for kind in Kind for one in self.names(kind)})
        hint = self._hint_of_files(name, list(Kind))
        words = f"there is no provider '{name}'; {where_to_get(name, known)} (installed: {', '.join(known) or 'none'})"
        return f"{words}; {hint}" if hint else words

    def _hint_of_files(self, name: str, kinds: list[Kind]) -> str | None:
        """What the project's own files have to do with a name that none of them offers."""
        file = f"{FOLDER}/{name}.py"
        claims = [(kind, claim) for kind in kinds for claim in self._claims_of_files(kind)]
        for kind, claim in claims:
            try:
                self._offered(claim, kind)
            except PluginError as error:  # the name may be one that this file would offer
                return f"and {error}"
        offered = [f"{kind} '{claim.name}'" for kind, claim in claims if claim.source == file]
        if offered:
            return f"{file} has the {' and the '.join(offered)}"
        wrong = dict(self._overlooked)
        if file in wrong:
            return wrong[file]
        if self._folder is not None and (path := self._folder / file).parent.name == FOLDER and path.is_file():
            hooks = " or ".join(f"{kind.hook}(register)" for kind in kinds)
            return f"{file} has no {hooks} marked with @charimg.hookimpl"
        return None

    @property
    def _overlooked(self) -> list[tuple[str, str]]:
        return [] if self._folder is None else list(overlooked(self._folder))

    def overlooked(self) -> list[str]:
        """A warning for every file of the project that was meant to be a plugin and offers nothing; runs none."""
        return [words for _, words in self._overlooked]

    def load_taking_part(self) -> list[str]:
        """Load the plugins that take part in every run; returns a warning for each that is broken, and for each file of
        the project that was meant to be one and is none.
        """
        warnings = []
        hooks = ("register_observers", "prepare_request", "finish_picture")
        installed = installed_claims(PLUGIN_GROUP, self._found)
        taking_part = [claim for name in sorted(installed) for claim in installed[name]]
        taking_part += [_claim_of(file, file.path.stem) for file in self._with_hook(hooks)]
        for claim in taking_part:
            try:
                self._register(claim)
            except PluginError as error:
                warnings.append(str(error))
        return [*warnings, *self.overlooked()]

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
                warnings.append(f"{self._name_of(plugin)}: its observer cannot start: {_told(error)}")
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
                warnings.append(f"{self._name_of(plugin)}: prepare_request failed and is left out: {_told(error)}")
        return request, warnings

    def finishing(self) -> list[Callable[[SavedImage, bytes], bytes | None]]:
        """The plugins that work on saved pictures, as functions; what they raise names the plugin."""

        def finisher(plugin: object) -> Callable[[SavedImage, bytes], bytes | None]:
            def finish(picture: SavedImage, data: bytes) -> bytes | None:
                try:
                    results = self._call_one(plugin, "finish_picture", picture=picture, data=data)
                    return next((_checked_bytes(result) for result in results if result is not None), None)
                except _STRANGERS as error:
                    raise PluginError(f"{self._name_of(plugin)}: finish_picture failed: {_told(error)}") from error

            return finish

        return [finisher(plugin) for plugin in self._implementing("finish_picture")]

    # -- pluggy ---------------------------------------------------------------------------------------------

    @property
    def _manager(self) -> pluggy.PluginManager:
        if self._hooks is None:
            import pluggy  # noqa: PLC0415 - listing names must not pay for it

            from charimg import hook_trace, hookspecs  # noqa: PLC0415 - likewise

            self._hooks = pluggy.PluginManager("charimg")
            self._hooks.add_hookspecs(hookspecs)
            if self._trace:
                self._hooks.add_hookcall_monitoring(hook_trace.before, hook_trace.after)
        return self._hooks

    def _register(self, claim: Claim) -> object:
        with _blamed(claim, "it"):
            module = claim.entry.load()
        if not self._manager.is_registered(module):
            try:
                fault = fault_of_hooks(module)
                if fault is None:
                    self._manager.register(module, name=f"{claim.distribution}: {claim.entry.value}")
                    self._manager.check_pending()
            except _STRANGERS as error:
                fault = words_of(error)
                if self._manager.is_registered(module):
                    self._manager.unregister(module)
            if fault is not None:
                raise PluginError(f"{claim.source} has a hook charimg cannot use: {fault}; {claim.remedy}")
        return module

    def _implementing(self, hook: str) -> list[object]:
        """Plugins with an implementation of the hook: in the order they were registered, but for those that ask to be
        first or last."""
        implementations = getattr(self._manager.hook, hook).get_hookimpls()
        implementations.sort(key=lambda one: (not one.tryfirst, one.trylast))
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
            words = words_of(error)
            if isinstance(error, TypeError) and "'context'" in words:  # what making an object of a provider ends with
                words += "; hand over the class, not an object of it"
            if isinstance(claim.entry, OneFilePlugin):
                words = f"{claim.entry.where(error)}: {words}; {claim.remedy}"
            else:
                place = place_of(error)
                words = (
                    f"the plugin '{claim.name}' of {claim.source} is broken: {self._what} raised {words}"
                    f"{'' if place is None else f' ({place})'}; {claim.remedy}"
                )
            log_stack(error)
            raise PluginError(words) from error


_STRANGERS = (Exception, SystemExit)
"""What a stranger's code may raise without ending the run: ``sys.exit()`` in a hook included."""


def _claim_of(file: OneFilePlugin, name: str) -> Claim:
    return Claim(name, file.shown, "", file, is_file=True)


def _quarrel(kind: Kind, name: str, claims: list[Claim]) -> str:
    """Two who claim one name, and how it is settled."""
    sources = " and ".join(claim.source for claim in claims)
    file = next((claim for claim in claims if claim.is_file), None)
    if file is not None:
        return f"{sources} both have a {kind} '{name}'; give the one in {file.source} another name"
    theirs = next((claim for claim in claims if claim.distribution != CORE), claims[0])
    return f"{sources} both claim the {kind} '{name}'; uninstall one: charimg uninstall {theirs.distribution}"


def _fault_of(kind: Kind, provider: object) -> str | None:
    from charimg.contracts import Declaration  # noqa: PLC0415 - listing names must import no contract
    from charimg.contracts.soundness import faults_of  # noqa: PLC0415 - likewise

    contract = kind.contract
    if isinstance(provider, contract):
        name = type(provider).__name__
        return (
            f"an object of {name} is not a class that extends charimg.{contract.__name__}; hand over the class itself:"
            f" register({name})"
        )
    if not (isinstance(provider, type) and issubclass(provider, contract)):
        return f"{provider!r} is not a class that extends charimg.{contract.__name__}"
    declaration = getattr(provider, "declaration", None)
    if declaration is None:
        return f"{provider.__name__} has no declaration"
    if not isinstance(declaration, Declaration):
        return f"{provider.__name__}.declaration is not a charimg.Declaration"
    faults = faults_of(declaration)
    if faults:
        return "; ".join(faults)
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


def _told(error: BaseException) -> str:
    log_stack(error)
    return told(error)


def _checked_bytes(given: object) -> bytes:
    """What ``finish_picture`` gave, if it is an encoded picture's type. A number would become so many zero bytes."""
    if not isinstance(given, (bytes, bytearray, memoryview)):
        raise TypeError(f"it returned {type(given).__name__}, not the bytes of a picture")
    return bytes(given)
