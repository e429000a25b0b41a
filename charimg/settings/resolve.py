"""Which value wins: flag, then environment, then the project's file, then the user's file, then the default."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from charimg.contracts.declaration import Declaration, Setting, SettingValue
from charimg.errors import InputError
from charimg.policy import Policy
from charimg.settings.files import PROJECT_FILE, USER_FILE, SettingsFile, read_settings_file, short_path
from charimg.settings.lanes import WrittenLane
from charimg.settings.values import convert, did_you_mean, is_one_line, shown, variable

DEFAULT = "default"
"""The source of a value nobody set."""

PROGRESS = ("auto", "live", "plain", "json", "none")
"""The ways a run can show itself."""

METADATA = ("embed", "sidecar", "both", "none")
"""Where the record of a picture's making goes: into its file, into a file beside it, both, nowhere."""

_POLICY = Policy()

GENERAL: tuple[Setting, ...] = (
    Setting("provider", "The image generator; several with commas, an account's label after '@'.", str, "avatar"),
    Setting("fallback", "Generators, or lanes by name, that are opened only when all others have closed."),
    Setting(
        "uploader",
        "Where pictures are uploaded; without it the uploader of the provider's name, else 'none'.",
    ),
    Setting("store", "What remembers every attempt, picture and media id.", str, "sqlite"),
    Setting("out", "The folder for pictures; relative to the project.", str, "pictures"),
    Setting(
        "metadata",
        "Where each picture's prompt, model and seed are written: its file, a .json file beside it, both, or none.",
        str,
        "embed",
        choices=METADATA,
    ),
    Setting("batch_size", "Characters one lane works on at once.", int, _POLICY.batch_size, minimum=1),
    Setting(
        "quota_wait",
        "Seconds to wait after a quota answer; longer when the service asks for longer.",
        float,
        _POLICY.quota_wait,
        minimum=0,
    ),
    Setting("max_retries", "Quota waits, and so retries, one batch may have.", int, _POLICY.max_retries, minimum=0),
    Setting("cooldown", "Seconds between two batches.", float, _POLICY.cooldown, minimum=0),
    Setting(
        "wait_ceiling",
        "Seconds; a service that asks for a longer wait counts as used up for today.",
        float,
        _POLICY.wait_ceiling,
        minimum=0,
    ),
    Setting("budget", "What the run may cost, in the currency of its prices; it stops before more.", float, minimum=0),
    Setting("price", "What one picture costs, where the provider does not know it.", float, minimum=0),
    Setting(
        "progress",
        "How a run shows itself.",
        str,
        "auto",
        choices=PROGRESS,
    ),
)
"""The settings that belong to no provider."""

Options = Mapping[str, Mapping[str, str]]
"""What ``-o`` said, by account name and then by setting; made by :func:`sort_options`."""


@dataclass(frozen=True)
class Overridden:
    """A value that was written somewhere and did not win."""

    source: str
    text: str


@dataclass(frozen=True)
class Found:
    """A setting's value and where it came from."""

    value: SettingValue | None
    source: str
    """``--batch-size``, ``-o latency``, ``CHARIMG_BATCH_SIZE``, ``charimg.yaml``,
    ``~/.config/charimg/config.yaml`` or ``default``."""
    overridden: tuple[Overridden, ...] = ()
    """The others that were written, in the order they would have won."""
    by_lanes: bool = False
    """It is what the ``lanes:`` of a file say."""


@dataclass(frozen=True)
class _Candidate:
    source: str
    place: str
    text: str


LANES = " (lanes)"
"""Added to a file's name where it is its ``lanes:`` that say something."""


def listed(names: object) -> list[str]:
    """The names of a list with commas: ``"gemini, openai"``."""
    return [name for name in (part.strip() for part in str(names or "").split(",")) if name]


def uploader_for(provider: str, uploaders: Collection[str]) -> str:
    """Where a provider's pictures go without a word from the user: to the uploader of its name, else nowhere."""
    name = provider.partition("@")[0]
    return name if name in uploaders else "none"


def _nobody(_account: str) -> Iterable[Declaration]:
    return ()


@dataclass(frozen=True)
class Settings:
    """Everything written about settings, ready to be asked."""

    environ: Mapping[str, str]
    files: tuple[SettingsFile, ...]
    """The project's first, then the user's; those that exist."""
    relatives: Callable[[str], Iterable[Declaration]] = _nobody
    """Every installed declaration under an account name. Asked only before a name in a file is called unknown: it may
    belong to another provider of the same account, such as the uploader of the generator in use."""

    @classmethod
    def load(
        cls,
        folder: Path,
        environ: Mapping[str, str],
        home: Path,
        relatives: Callable[[str], Iterable[Declaration]] = _nobody,
    ) -> Settings:
        """Read the files of the project in *folder* and of the user in *home*.

        Raises:
            InputError: a file cannot be read, is not YAML, or holds an unknown name.
        """
        if not (folder / PROJECT_FILE).exists() and (folder / "charimg.yml").exists():
            raise InputError(f"charimg.yml: settings are read from {PROJECT_FILE}; rename it")
        known = frozenset(setting.name for setting in GENERAL)
        user = home / USER_FILE
        places = ((folder / PROJECT_FILE, PROJECT_FILE), (user, short_path(user)))
        read = (read_settings_file(path, name, known) for path, name in places)
        return cls(environ, tuple(file for file in read if file is not None), relatives)

    @property
    def lanes(self) -> tuple[WrittenLane, ...]:
        """The lanes of the first file that has any."""
        return next((file.lanes for file in self.files if file.lanes), ())

    def general(self, flags: Mapping[str, object] | None = None, uploaders: Collection[str] = ()) -> dict[str, Found]:
        """Every setting of :data:`GENERAL` by name.

        :param flags: what the command line gave, by setting; ``None`` is "not given".
        :param uploaders: names of the installed uploaders: without a word from the user, pictures go to the one that
            has the provider's name, and nowhere if there is none.

        Raises:
            InputError: the winning value is not of the setting's type.
        """
        given = flags or {}
        found = {}
        for setting in GENERAL:
            name = setting.name
            candidates = []
            if given.get(name) is not None:
                flag = f"--{name.replace('_', '-')}"
                candidates.append(_Candidate(flag, flag, str(given[name])))
            candidates += self._in_environment(variable(name))
            candidates += [
                _Candidate(file.name, f"{file.name}:{at.line}: {name}", at.text)
                for file in self.files
                if (at := file.general.get(name)) is not None
            ]
            found[name] = _winner(setting, candidates)
            value = found[name].value
            if isinstance(value, str) and not is_one_line(value):
                raise InputError(f"{candidates[0].place}: expected a text on one line, found {shown(value)}")
        found["provider"] = self._in_lanes(found["provider"])
        if found["uploader"].value is None:
            defaults = [uploader_for(name, uploaders) for name in listed(found["provider"].value)]
            found["uploader"] = Found(", ".join(dict.fromkeys(defaults)), DEFAULT)
        return found

    def _in_lanes(self, provider: Found) -> Found:
        """The providers of the lanes, unless a flag, a variable or a file above theirs names others."""
        for file in self.files:
            if file.lanes and provider.source in (
                DEFAULT,
                *(other.name for other in self.files[self.files.index(file) :]),
            ):
                names = dict.fromkeys(lane.provider for lane in file.lanes if not lane.fallback)
                return Found(", ".join(names), f"{file.name}{LANES}", by_lanes=True)
        return provider

    def of_provider(
        self,
        declaration: Declaration,
        options: Options | None = None,
        *,
        label: str = "",
        lane: WrittenLane | None = None,
    ) -> dict[str, Found]:
        """Every setting the provider declares, by name; the value is ``None`` where nothing was said or declared.

        :param label: of the account, where it has one: its variables are ``CHARIMG_GEMINI_WORK_MODEL``.
        :param lane: whose own settings stand above all but ``-o`` and the labelled variables.

        Raises:
            InputError: the winning value is wrong, or a file gives the provider an unknown setting or a credential.
        """
        account = declaration.account_name
        self._check_files(declaration)
        of_all, of_label = (options or {}).get(account, {}), (options or {}).get(f"{account}@{label}", {})
        given = {**of_all, **(of_label if label else {})}
        found = {}
        for setting in declaration.settings:
            name = setting.name
            candidates = []
            if name in given:
                candidates.append(_Candidate(f"-o {name}", f"-o {name}", given[name]))
            if label:
                candidates += self._in_environment(variable(account, label, name))
            if lane is not None and (own := lane.settings.get(name)) is not None:
                place = lane.place.rpartition(":")[0]
                key = "server" if name == "base_url" else name
                candidates.append(_Candidate(f"{place}{LANES}", f"{place}:{own.line}: lanes: {key}", own.text))
            for key in (variable(account, name), *setting.env):
                candidates += self._in_environment(key)
            candidates += [
                _Candidate(file.name, f"{file.name}:{at.line}: providers.{account}.{name}", at.text)
                for file in self.files
                if (at := file.providers.get(account, {}).get(name)) is not None
            ]
            found[name] = _winner(setting, candidates)
        return found

    def values_for(
        self,
        declaration: Declaration,
        options: Options | None = None,
        *,
        label: str = "",
        lane: WrittenLane | None = None,
    ) -> dict[str, SettingValue | None]:
        """The provider's settings as its context wants them; the arguments are those of :meth:`of_provider`.

        Raises:
            InputError: as :meth:`of_provider`; or a required setting has no value.
        """
        found = self.of_provider(declaration, options, label=label, lane=lane)
        for setting in declaration.settings:
            if setting.required and found[setting.name].value in (None, ""):
                raise InputError(
                    f"{declaration.name}: the setting '{setting.name}' is missing ({setting.help.rstrip('.')}); give it"
                    f" with -o {setting.name}=..., {variable(declaration.account_name, setting.name)}, or in"
                    f" {PROJECT_FILE} under providers: {declaration.account_name}:"
                )
        return {name: one.value for name, one in found.items()}

    def _in_environment(self, key: str) -> list[_Candidate]:
        text = self.environ.get(key)
        return [_Candidate(key, f"environment {key}", text)] if text else []

    def _check_files(self, declaration: Declaration) -> None:
        account = declaration.account_name
        for file, name, line in self._names_given(account):
            if name in _names(declaration.settings):
                continue
            family = (declaration, *self.relatives(account))
            place = f"{file}:{line}: providers.{account}.{name}"
            if any(name in _names(one.credentials) for one in family):
                raise InputError(f"{place}: {_not_here(account, name)}")
            known = {setting.name for one in family for setting in one.settings}
            if name not in known:
                raise InputError(f"{place}: unknown setting; {did_you_mean(name, known)}")

    def _names_given(self, account: str) -> Iterator[tuple[str, str, int]]:
        for file in self.files:
            for name, at in file.providers.get(account, {}).items():
                yield file.name, name, at.line


def sort_options(pairs: Iterable[str], declarations: Sequence[Declaration]) -> Options:
    """Give every ``-o name=value`` to the provider it is meant for.

    :param declarations: the providers in use in the order a name is looked up: generator, uploader, store.
        ``provider.name=value`` names one of them exactly, ``provider@label.name=value`` one of its accounts.

    A setting belongs to an account: where generator and uploader share one, both get it. Of two values for one name the
    last wins.

    Raises:
        InputError: not ``name=value``, a name nobody has, or a credential.
    """
    sorted_: dict[str, dict[str, str]] = {}
    for pair in pairs:
        left, equals, text = pair.partition("=")
        name = left.strip().replace("-", "_")
        if not equals or not name or not is_one_line(name):
            # The text is not repeated: it may be a key somebody pasted.
            raise InputError("-o: expected name=value, found no '=' with a name before it")
        owner, dot, last = left.strip().rpartition(".")
        owner, _, label = owner.partition("@")
        candidates = list(declarations)
        if dot:
            name = last.replace("-", "_")
            candidates = [one for one in declarations if owner in (one.name, one.account_name)]
            if not candidates:
                used = ", ".join(dict.fromkeys(one.name for one in declarations))
                raise InputError(f"-o {owner}.{name}: '{owner}' is not in use here; in use are {used}")
        account = _account_of(name, candidates, f"-o {left.strip()}") + (f"@{label}" if label else "")
        sorted_.setdefault(account, {})[name] = text
    return sorted_


def policy_of(found: Mapping[str, Found]) -> Policy:
    """The policy that :meth:`Settings.general` describes.

    Raises:
        InputError: the numbers do not make a policy.
    """
    try:
        return Policy(
            batch_size=int(found["batch_size"].value or 0),
            quota_wait=float(found["quota_wait"].value or 0),
            max_retries=int(found["max_retries"].value or 0),
            cooldown=float(found["cooldown"].value or 0),
            wait_ceiling=float(found["wait_ceiling"].value or 0),
        )
    except ValueError as error:
        raise InputError(str(error)) from None


def _account_of(name: str, declarations: Sequence[Declaration], place: str) -> str:
    for one in declarations:
        if name in _names(one.settings):
            return one.account_name
    for one in declarations:
        if name in _names(one.credentials):
            raise InputError(f"{place}: {_not_here(one.account_name, name)}")
    known = {setting.name for one in declarations for setting in one.settings}
    used = ", ".join(dict.fromkeys(one.name for one in declarations))
    raise InputError(f"{place}: no setting of this name ({used}); {did_you_mean(name, known)}")


def _names(declared: Iterable[object]) -> frozenset[str]:
    return frozenset(getattr(one, "name") for one in declared)  # noqa: B009 - settings and credentials alike


def _not_here(account: str, name: str) -> str:
    return (
        f"'{name}' is a secret and belongs neither in a settings file nor on a command line; take it out and run:"
        f" charimg keys set {account}"
    )


def _winner(setting: Setting, candidates: Sequence[_Candidate]) -> Found:
    if not candidates:
        return Found(setting.default, DEFAULT)
    first, *others = candidates
    value = convert(setting, first.text, first.place)
    return Found(value, first.source, tuple(Overridden(one.source, one.text) for one in others))
