"""Where a command works: the project, its settings and credentials, and the plugins of this environment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from charimg.catalogue import relatives
from charimg.credentials import Credentials
from charimg.errors import CharimgError, DamagedLedgerError, StorageError
from charimg.plugins import Kind, Plugins
from charimg.project import Project
from charimg.redaction import Redactor
from charimg.settings import Found, Options, Settings, config_home, policy_of, sort_options

if TYPE_CHECKING:
    from charimg.contracts import Declaration, Provider, Store


@dataclass(frozen=True)
class Workplace:
    """Everything that is known before a provider is asked for anything."""

    project: Project
    settings: Settings
    credentials: Credentials
    plugins: Plugins
    general: Mapping[str, Found]
    """Every general setting by name, flags included."""

    @classmethod
    def at(cls, folder: Path, environ: Mapping[str, str], flags: Mapping[str, object] | None = None) -> Workplace:
        """The workplace of a project's folder.

        :param flags: general settings the command line gave; ``None`` values are "not given".
        :raises InputError: a settings file or a value is wrong.
        """
        plugins = Plugins(environ=environ, folder=folder)
        home = config_home(environ)

        settings = Settings.load(folder, environ, home, relatives(plugins))
        general = settings.general(flags, plugins.names(Kind.UPLOADER))
        project = Project.at(folder, str(general["out"].value))
        return cls(project, settings, Credentials.load(environ, home), plugins, general)

    def store(self) -> type[Provider]:
        """The store's class.

        :raises PluginError: it cannot be had.
        """
        return self.plugins.load(Kind.STORE, str(self.general["store"].value))

    def options(self, pairs: Iterable[str], declarations: Sequence[Declaration] = ()) -> Options:
        """What ``-o`` said, sorted to the providers in use and the store.

        :param declarations: of the providers in use, in the order a name is looked up.
        :raises InputError: a name nobody has, or a credential.
        """
        pairs = tuple(pairs)
        return sort_options(pairs, [*declarations, self.store().declaration]) if pairs else {}

    @asynccontextmanager
    async def open_store(
        self,
        *,
        read_only: bool,
        options: Options | None = None,
        redactor: Redactor | None = None,
        set_aside: Callable[[str], None] | None = None,
    ) -> AsyncIterator[Store]:
        """The chosen store, opened.

        :param read_only: only look: nothing is created or changed.
        :param set_aside: a ledger that is damaged is put out of the way and an empty one begun; told where it is now.
        :param redactor: learns the store's credentials.
        :raises FatalError: a credential of the store is missing.
        :raises StorageError: the ledger cannot be opened.
        """
        from charimg.contracts import Store  # noqa: PLC0415 - commands that open no store need none
        from charimg.provider_context import provider_context  # noqa: PLC0415 - likewise

        kind = self.store()
        redactor = redactor or Redactor()
        context = provider_context(
            kind.declaration,
            kind.declaration.account_name,
            self.settings.values_for(kind.declaration, options),
            project=self.project,
            credentials=self.credentials,
            wait_ceiling=policy_of(self.general).wait_ceiling,
            redactor=redactor,
            read_only=read_only,
        )
        async with AsyncExitStack() as stack:
            try:
                store = kind(context)
                assert isinstance(store, Store)  # the plugin loader has checked it
                stack.push_async_callback(store.close)
                try:
                    await store.open()
                except DamagedLedgerError:
                    if set_aside is None:
                        raise
                    set_aside(await store.set_aside())
            except CharimgError:
                raise
            except Exception as error:  # a stranger's code, and its words may hold the password
                words = redactor.clean(" ".join(f"{type(error).__name__}: {error}".split()))
                raise StorageError(f"the store {kind.declaration.name} cannot be opened: {words}") from error
            yield store
