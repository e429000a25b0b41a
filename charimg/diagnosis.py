"""What ``charimg doctor`` looks at: the installation, the settings, the project, and the logins.

Every finding is one line with, where something is wrong, the command that mends it. Looking changes nothing and spends
nothing.
"""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from charimg._version import __version__
from charimg.catalogue import listed, relatives
from charimg.contracts.declaration import Declaration
from charimg.contracts.store import Store
from charimg.credentials import Credentials
from charimg.errors import CharimgError, ExitCode, InputError
from charimg.findings import Finding, State, trouble
from charimg.lane_choice import LaneChoice, choose_lanes
from charimg.lane_words import lane_words
from charimg.logins import try_logins
from charimg.plugins import TRACE_VARIABLE, Kind, Plugins
from charimg.project import Project
from charimg.provider_context import lane_values, provider_context
from charimg.redaction import Redactor
from charimg.settings import GENERAL, Found, Settings, config_home, policy_of, variable
from charimg.settings import listed as names_in
from charimg.workplace import Workplace

LEAST_FREE = 200 * 1024 * 1024
"""Bytes; with less free space a run may fail. A cast of fifteen needs about 30 MB."""
_OWN_VARIABLES = frozenset({"CHARIMG_CONFIG_HOME", TRACE_VARIABLE})


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
            project, wrong = self._folders(general)
            place = Workplace(project, settings, self._credentials, self.plugins, general)
            found += self._chosen_providers(place)
            found += [_roster(self.folder), *([wrong] if wrong else await self._project(place))]
            found += await try_logins(place, self._installed, self._lanes, self.redactor, offline=self.offline)
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
            yield trouble("project", "providers", error)
        chosen: dict[tuple[Kind, str], tuple[Declaration, LaneChoice]] = {}
        for kind in (Kind.GENERATOR, Kind.UPLOADER):
            for lane in self._lanes:
                about = (lane.generator if kind is Kind.GENERATOR else lane.uploader).declaration
                chosen.setdefault((kind, about.name), (about, lane))
        several = len(self._lanes) > 1
        for (kind, name), (about, lane) in chosen.items():
            own = [] if several else [partial(lane_values, lane, kind, place.settings)]
            yield _checked_settings(f"{kind} {name}", about.summary, own)
        for lane in self._lanes if several else ():
            both = [partial(lane_values, lane, kind, place.settings) for kind in (Kind.GENERATOR, Kind.UPLOADER)]
            yield _checked_settings(f"lane {lane.name}", lane_words(lane, fallback=lane in standing_by), both)
        try:
            about = place.store().declaration
            place.settings.values_for(about)
            yield Finding("project", f"{Kind.STORE} {about.name}", State.OK, about.summary)
        except CharimgError as error:
            yield trouble("project", f"{Kind.STORE} {place.general['store'].value}", error)

    # -- what is written --------------------------------------------------------------------------------------

    def _settings(self) -> tuple[Settings | None, dict[str, Found] | None, list[Finding]]:
        found: list[Finding] = []
        try:
            settings = Settings.load(self.folder, self.environ, self._home, relatives(self.plugins))
            general = settings.general(uploaders=self.plugins.names(Kind.UPLOADER))
        except InputError as error:
            return None, None, [trouble("settings", "files and environment", error)]
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
        wrong = self._credentials.keys.trouble()
        if wrong:
            found.append(Finding("settings", "keys file", State.WARNING, wrong))
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

    def _folders(self, general: Mapping[str, Found]) -> tuple[Project, Finding | None]:
        """The project with its folder for pictures, or what is wrong with that."""
        try:
            return Project.at(self.folder, str(general["out"].value)), None
        except CharimgError as error:
            return Project(self.folder, self.folder), trouble("project", "pictures", error)

    async def _project(self, place: Workplace) -> list[Finding]:
        project = place.project
        found = [_pictures(project), _disk(project)]
        if place.general["store"].value in self.plugins.names(Kind.STORE):  # else it is a finding already
            found.append(await self._ledger(place))
        holder = project.lock_holder()
        if holder is not None:
            found.append(Finding("project", "lock", State.NOTE, f"a run is under way: {holder}"))
        return found

    async def _ledger(self, place: Workplace) -> Finding:
        subject = "ledger"
        try:
            provider = place.store()
            about = provider.declaration
            context = provider_context(
                about,
                about.account_name,
                place.settings.values_for(about),
                project=place.project,
                credentials=place.credentials,
                wait_ceiling=policy_of(place.general).wait_ceiling,
                redactor=self.redactor,
                read_only=True,
            )
            store = provider(context)
            if not isinstance(store, Store):
                return Finding("project", subject, State.WARNING, "is not a store")
            try:
                await store.open()
                jobs = await store.jobs()
            finally:
                await store.close()
        except Exception as error:  # a stranger's code
            return trouble("project", subject, error)
        return Finding("project", subject, State.OK, f"can be read; it knows {_counted(len(jobs), 'character')}")


def _checked_settings(subject: str, words: str, values: Iterable[Callable[[], object]]) -> Finding:
    try:
        for value in values:
            value()
    except CharimgError as error:
        return trouble("project", subject, error)
    return Finding("project", subject, State.OK, words)


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
        return trouble("project", "roster", error)
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
