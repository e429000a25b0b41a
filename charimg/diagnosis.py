"""What ``charimg doctor`` looks at: the installation, the settings, the project, and the logins.

Every finding is one line with, where something is wrong, the command that mends it. Looking changes nothing and spends
nothing.
"""

from __future__ import annotations

import asyncio
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charimg._version import __version__
from charimg.catalogue import listed, relatives
from charimg.contracts.declaration import Declaration, SettingValue
from charimg.contracts.provider import Provider, ProviderContext
from charimg.contracts.store import Store
from charimg.credentials import Credentials, missing
from charimg.errors import CharimgError, ExitCode, FatalError, InputError, StorageError
from charimg.lane_choice import LaneChoice, choose_lanes
from charimg.plugins import TRACE_VARIABLE, Kind, Plugins
from charimg.project import Project
from charimg.redaction import Redactor
from charimg.settings import GENERAL, Found, Settings, config_home, variable
from charimg.settings import listed as names_in
from charimg.workplace import Workplace

if TYPE_CHECKING:
    from charimg.http import HttpSession

CHECK_SECONDS = 20.0
"""The longest one login is tried."""
LEAST_FREE = 200 * 1024 * 1024
"""Bytes; with less free space a run may fail. A cast of fifteen needs about 30 MB."""
_OWN_VARIABLES = frozenset({"CHARIMG_CONFIG_HOME", TRACE_VARIABLE})


class State(str, Enum):
    """How a finding stands."""

    OK = "ok"
    NOTE = "note"
    """Worth knowing; nothing has to be done."""
    WARNING = "warning"
    """Something is wrong that does not stop this project."""
    TROUBLE = "trouble"
    """This project cannot work so."""

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    area: str
    """``installation``, ``plugins``, ``settings``, ``project`` or ``logins``."""
    subject: str
    state: State
    words: str
    remedy: str = ""
    """The command or step that mends it, where the words do not say so already."""
    exit_code: ExitCode = ExitCode.OK
    """What a trouble means for the process."""


@dataclass
class Examination:
    """One examination of a project; :meth:`findings` makes it.

    :param folder: the project's folder.
    :param environ: the environment settings and credentials are looked up in.
    :param offline: try no login.
    """

    folder: Path
    environ: Mapping[str, str]
    offline: bool = False
    plugins: Plugins = field(default_factory=Plugins)
    redactor: Redactor = field(default_factory=Redactor)

    def __post_init__(self) -> None:
        self._home = config_home(self.environ)
        self._credentials = Credentials.load(self.environ, self._home)
        self._installed = list(listed(self.plugins))
        self._lanes: tuple[LaneChoice, ...] = ()
        """Those that a run would have; none where it would be refused."""

    async def findings(self) -> list[Finding]:
        """Look at everything."""
        found = [*_installation(), *self._plugins()]
        settings, general, about = self._settings()
        found += about
        if settings is not None and general is not None:
            place = Workplace(Project(self.folder, self.folder), settings, self._credentials, self.plugins, general)
            found += self._chosen_providers(place)
            found += await self._project(place)
            found += await self._logins(place)
        return [replace(one, words=self.redactor.clean(one.words)) for one in found]

    # -- what is installed ------------------------------------------------------------------------------------

    def _plugins(self) -> Iterator[Finding]:
        sources: dict[str, list[str]] = {}
        for one in self._installed:
            if one.trouble:
                yield Finding("plugins", f"{one.kind} {one.name}", State.WARNING, one.trouble)
            else:
                sources.setdefault(one.source, []).append(f"{one.kind} {one.name}")
        for source, names in sorted(sources.items()):
            yield Finding("plugins", source, State.OK, ", ".join(names))
        for warning in self.plugins.load_taking_part():
            yield Finding("plugins", "taking part", State.WARNING, warning)

    def _chosen_providers(self, place: Workplace) -> Iterator[Finding]:
        standing_by: tuple[LaneChoice, ...] = ()
        try:
            lanes = choose_lanes(place)
            self._lanes, standing_by = lanes.all, lanes.fallbacks
        except CharimgError as error:
            yield _trouble("project", "providers", error)
        chosen: dict[tuple[Kind, str], tuple[Declaration, LaneChoice]] = {}
        for kind in (Kind.GENERATOR, Kind.UPLOADER):
            for lane in self._lanes:
                about = (lane.generator if kind is Kind.GENERATOR else lane.uploader).declaration
                chosen.setdefault((kind, about.name), (about, lane))
        several = len(self._lanes) > 1
        for (kind, name), (about, lane) in chosen.items():
            own = [] if several else [partial(_values, place, lane, about)]
            yield _checked_settings(f"{kind} {name}", about.summary, own)
        for lane in self._lanes if several else ():
            both = [partial(_values, place, lane, one.declaration) for one in (lane.generator, lane.uploader)]
            standby = "; a fallback" if lane in standing_by else ""
            yield _checked_settings(f"lane {lane.name}", f"{_lane_words(lane)}{standby}", both)
        try:
            about = place.store().declaration
            place.settings.values_for(about)
            yield Finding("project", f"{Kind.STORE} {about.name}", State.OK, about.summary)
        except CharimgError as error:
            yield _trouble("project", f"{Kind.STORE} {place.general['store'].value}", error)

    # -- what is written --------------------------------------------------------------------------------------

    def _settings(self) -> tuple[Settings | None, dict[str, Found] | None, list[Finding]]:
        found: list[Finding] = []
        try:
            settings = Settings.load(self.folder, self.environ, self._home, relatives(self.plugins))
            general = settings.general(uploaders=self.plugins.names(Kind.UPLOADER))
        except InputError as error:
            return None, None, [_trouble("settings", "files and environment", error)]
        read = [file.name for file in settings.files]
        words = f"read {' and '.join(read)}" if read else "no settings file; the defaults hold"
        found.append(Finding("settings", "files", State.OK, words))
        accounts = {one.declaration.account_name for one in self._installed if one.declaration is not None}
        if all(one.declaration is not None for one in self._installed):
            found += (
                Finding(
                    "settings", file.name, State.WARNING, f"providers: {account}: no installed provider is called so"
                )
                for file in settings.files
                for account in file.providers
                if account not in accounts
            )
            found += self._stray_variables(settings, general)
        trouble = self._credentials.keys.trouble()
        if trouble:
            found.append(Finding("settings", "keys file", State.WARNING, trouble))
        return settings, general, found

    def _stray_variables(self, settings: Settings, general: Mapping[str, Found]) -> Iterator[Finding]:
        known = _OWN_VARIABLES | {variable(setting.name) for setting in GENERAL}
        starts = []
        specs = [spec for name in ("provider", "fallback", "uploader") for spec in names_in(general[name].value)]
        labels = {lane.account for lane in settings.lanes} | {spec.partition("@")[2] for spec in specs}
        labels.discard("")
        for one in self._installed:
            if one.declaration is not None:
                account = one.declaration.account_name
                for owner in ((account,), *((account, label) for label in labels)):  # keyless servers have labels too
                    known |= {variable(*owner, setting.name) for setting in one.declaration.settings}
                for credential in one.declaration.credentials:
                    name = variable(account, credential.name)
                    known |= {name, f"{name}_FILE"}
                    starts.append(f"{variable(account)}_")  # labelled accounts: CHARIMG_WHISK_WORK_COOKIE
        for name in sorted(self.environ):
            if name.startswith("CHARIMG_") and name not in known and not name.startswith(tuple(starts)):
                words = "this variable means nothing to charimg or its plugins; look for a typing mistake"
                yield Finding("settings", name, State.WARNING, words)

    # -- the project ------------------------------------------------------------------------------------------

    async def _project(self, place: Workplace) -> list[Finding]:
        found = [_roster(self.folder)]
        try:
            project = Project.at(self.folder, str(place.general["out"].value))
        except CharimgError as error:
            return [*found, _trouble("project", "pictures", error)]
        found.append(_pictures(project))
        found.append(_disk(project))
        if place.general["store"].value in self.plugins.names(Kind.STORE):  # else it is a finding already
            found.append(await self._ledger(replace(place, project=project)))
        holder = project.lock_holder()
        if holder is not None:
            found.append(Finding("project", "lock", State.NOTE, f"a run is under way: {holder}"))
        return found

    async def _ledger(self, place: Workplace) -> Finding:
        subject = "ledger"
        try:
            provider = place.store()
            about = provider.declaration
            store = provider(self._context(place, about, about.account_name, place.settings.values_for(about)))
            if not isinstance(store, Store):
                return Finding("project", subject, State.WARNING, "is not a store")
            try:
                await store.open()
                jobs = await store.jobs()
            finally:
                await store.close()
        except Exception as error:  # a stranger's code
            return _trouble("project", subject, error)
        return Finding("project", subject, State.OK, f"can be read; it knows {_counted(len(jobs), 'character')}")

    # -- logins -----------------------------------------------------------------------------------------------

    async def _logins(self, place: Workplace) -> list[Finding]:
        """One finding an account, or server: a login that generators, uploaders or lanes share is tried once."""
        logins = self._logins_in_use(place)
        used = {one.about.account_name for one in logins}
        for one in self._installed:
            about = one.declaration
            if about is None or one.provider is None or one.kind is Kind.STORE or about.abilities.offline:
                continue
            if about.credentials and about.account_name not in used:
                used.add(about.account_name)
                values = partial(place.settings.values_for, about)
                logins.append(_Login(one.provider, about.account_name, about.account_name, values))
        if not logins:
            return []
        from charimg.http import HttpSession, Timeouts  # noqa: PLC0415 - aiohttp is heavy, and not every project needs it

        timeouts = Timeouts(connect=5, read=CHECK_SECONDS, total=CHECK_SECONDS)
        async with HttpSession(self.redactor, timeouts) as http:
            return list(await asyncio.gather(*(self._login(one, place, http) for one in logins)))

    def _logins_in_use(self, place: Workplace) -> list[_Login]:
        """Those of the lanes, generators first; each names the lanes it is for, where that is not plain."""
        found: dict[str, _Login] = {}
        for kind in (Kind.GENERATOR, Kind.UPLOADER):
            for lane in self._lanes:
                is_generator = kind is Kind.GENERATOR
                provider: type[Provider] = lane.generator if is_generator else lane.uploader
                about = provider.declaration
                if about.abilities.offline or about.name == "none":
                    continue
                where = lane.generator_place if is_generator else lane.uploader_place
                account = lane.account if is_generator else lane.uploader_account
                values = partial(_values, place, lane, about)
                login = found.setdefault(where, _Login(provider, account, where, values, needed=True))
                found[where] = replace(login, lanes=tuple(dict.fromkeys((*login.lanes, lane.name))))
        return list(found.values())

    async def _login(self, login: _Login, place: Workplace, http: HttpSession) -> Finding:
        about, needed, subject = login.about, login.needed, login.subject
        wrong = State.TROUBLE if needed else State.WARNING
        try:
            found = self._credentials.of_provider(about, login.account)
            for entry in about.credentials:
                if entry.required and entry.name not in found:
                    state = State.TROUBLE if needed else State.NOTE
                    code = ExitCode.LOGIN if needed else ExitCode.OK
                    words = missing(about, entry, login.account).removeprefix(f"{about.name}: ")
                    return Finding("logins", subject, state, words, exit_code=code)
            if self.offline:
                words = f"has {', '.join(found) or 'no credential'}; not tried (--offline)"
                return Finding("logins", subject, State.NOTE, words)
            if not found and not needed:
                return Finding("logins", subject, State.NOTE, "works without a login; none is set")
            context = self._context(place, about, login.account, login.values())
            words = await _checked(login.provider(replace(context, lane=login.place, read_only=False, http=http)))
        except asyncio.TimeoutError:
            words = f"no answer within {CHECK_SECONDS:g} seconds; try again later"
            return Finding("logins", subject, wrong, words, exit_code=ExitCode.FAILED)
        except Exception as error:  # a stranger's code
            trouble = _trouble("logins", subject, error)
            said = "charimg keys" in str(error) or "charimg providers" in str(error)
            needs_key = bool(about.credentials) and isinstance(error, FatalError) and not said
            remedy = f"charimg keys set {login.account}" if needs_key else ""
            return replace(trouble, state=wrong, remedy=remedy)
        return Finding("logins", subject, State.OK, words)

    def _context(
        self, place: Workplace, about: Declaration, account: str, values: Mapping[str, SettingValue | None]
    ) -> ProviderContext:
        found = self._credentials.of_provider(about, account)
        for one in found.values():
            self.redactor.add(one.value)
        return ProviderContext(
            folder=place.project.folder,
            out=place.project.out,
            settings=values,
            credentials={name: one.value for name, one in found.items()},
            read_only=True,
            lane=about.name,
            redactor=self.redactor,
            remember=self._credentials.remember(account, found),
        )


@dataclass(frozen=True)
class _Login:
    """One account, or server, that is to be tried."""

    provider: type[Provider]
    account: str
    """Where its credentials are kept, as ``gemini@work``."""
    place: str
    """The account, or the server, as lanes call it."""
    values: Callable[[], Mapping[str, SettingValue | None]]
    """Its settings; raises what is wrong with them."""
    needed: bool = False
    """This project cannot work without it."""
    lanes: tuple[str, ...] = ()
    """The lanes it is for."""

    @property
    def about(self) -> Declaration:
        """What its provider says of itself."""
        return self.provider.declaration

    @property
    def subject(self) -> str:
        """What the finding is called."""
        if self.lanes in ((), (self.place,)):
            return self.place
        return f"{self.place} ({'lane' if len(self.lanes) == 1 else 'lanes'} {', '.join(self.lanes)})"


def verdict_of(findings: Iterable[Finding]) -> ExitCode:
    """The exit code of the whole: that of the first trouble, or OK."""
    for one in findings:
        if one.state is State.TROUBLE:
            return one.exit_code
    return ExitCode.OK


def plain(finding: Finding) -> dict[str, Any]:
    """A finding as JSON data."""
    return {
        "area": finding.area,
        "subject": finding.subject,
        "state": str(finding.state),
        "message": finding.words,
        "remedy": finding.remedy or None,
    }


def _values(place: Workplace, lane: LaneChoice, about: Declaration) -> dict[str, SettingValue | None]:
    """The settings of one of the lane's two providers."""
    return place.settings.values_for(about, label=lane.label_of(about), lane=lane.settings_of(about))


def _checked_settings(subject: str, words: str, values: Iterable[Callable[[], object]]) -> Finding:
    try:
        for value in values:
            value()
    except CharimgError as error:
        return _trouble("project", subject, error)
    return Finding("project", subject, State.OK, words)


def _lane_words(lane: LaneChoice) -> str:
    return lane.generator_place + (
        "" if lane.uploader.declaration.name == "none" else f", uploaded to {lane.uploader_place}"
    )


async def _checked(provider: Provider) -> str:
    try:
        return await asyncio.wait_for(provider.check(), CHECK_SECONDS)
    finally:
        await provider.close()


def _installation() -> Iterator[Finding]:
    yield Finding("installation", "charimg", State.OK, __version__)
    version = f"{platform.python_version()} ({sys.executable})"
    yield Finding("installation", "Python", State.OK, version)
    yield Finding("installation", "system", State.OK, platform.platform(terse=True))


def _roster(folder: Path) -> Finding:
    from charimg.roster import find_roster, read_roster  # noqa: PLC0415 - the parsers are loaded when a roster is read

    try:
        path = find_roster(folder)
    except CharimgError as error:
        # Without a roster here there may be one elsewhere, which the command line names.
        return Finding("project", "roster", State.WARNING, str(error))
    try:
        roster = read_roster(path)
    except CharimgError as error:
        return _trouble("project", "roster", error)
    words = f"{path.name}: {_counted(len(roster.characters), 'character')}"
    if roster.warnings:
        return Finding("project", "roster", State.WARNING, f"{words}; {roster.warnings[0]}")
    return Finding("project", "roster", State.OK, words)


def _pictures(project: Project) -> Finding:
    folder = _nearest(project.out)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        words = f"{folder} cannot be written ({error.strerror or error})"
        remedy = "change its permissions, or choose another folder with --out"
        return Finding("project", "pictures", State.TROUBLE, words, remedy, ExitCode.STORAGE)
    there = "" if project.out.exists() else " (made by the first run)"
    return Finding("project", "pictures", State.OK, f"{project.shown(project.out)} can be written{there}")


def _disk(project: Project) -> Finding:
    free = shutil.disk_usage(_nearest(project.out)).free
    words = f"{free / 1e9:.1f} GB free"
    if free < LEAST_FREE:
        return Finding("project", "disk", State.WARNING, words, "make room before a run")
    return Finding("project", "disk", State.OK, words)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _nearest(path: Path) -> Path:
    """The folder itself, or the nearest one above that exists."""
    return next(one for one in (path, *path.parents) if one.exists())


def _trouble(area: str, subject: str, error: BaseException) -> Finding:
    if isinstance(error, CharimgError):
        return Finding(area, subject, State.TROUBLE, str(error), exit_code=error.exit_code)
    if isinstance(error, OSError):
        return Finding(area, subject, State.TROUBLE, error.strerror or str(error), exit_code=StorageError.exit_code)
    words = " ".join(f"{type(error).__name__}: {error}".split())
    return Finding(area, subject, State.TROUBLE, f"its plugin failed: {words}", exit_code=ExitCode.PLUGIN)
