"""Which lanes a run has: from flags, environment and files to providers, accounts and each lane's own policy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from charimg.contracts import Declaration, ImageGenerator, Price, SettingValue, Uploader
from charimg.credentials import split_account
from charimg.errors import InputError, PluginError
from charimg.plugins import Kind
from charimg.policy import Policy
from charimg.settings import DEFAULT, WrittenLane, lane_name, listed, policy_of, uploader_for
from charimg.settings.values import did_you_mean
from charimg.workplace import Workplace


@dataclass(frozen=True)
class LaneChoice:
    """A lane as the user asked for it: everything but its settings' values and its secrets."""

    name: str
    """Unique in the run; the one name of the lane in events, ledger and words."""
    generator: type[ImageGenerator]
    uploader: type[Uploader]
    policy: Policy
    """The run's, with the lane's own batch size where it has one."""
    label: str = ""
    """Of the generator's account."""
    uploader_label: str = ""
    """Of the uploader's account."""
    written: WrittenLane | None = None
    """Its entry in a settings file."""
    weight: float | None = None
    price: float | None = None
    """What one picture costs by the user's word, where the provider does not know it."""

    @property
    def at_once(self) -> int | None:
        """Requests of a batch that the generator can take at once; ``None`` for all of them."""
        most = self.generator.declaration.abilities.parallel
        return None if most is None else max(1, most)

    @property
    def account(self) -> str:
        """The generator's account, as ``gemini@work``: where its credentials are kept."""
        return labelled(self.generator.declaration.account_name, self.label)

    @property
    def uploader_account(self) -> str:
        """The uploader's account."""
        return labelled(self.uploader.declaration.account_name, self.uploader_label)

    def settings_of(self, declaration: Declaration) -> WrittenLane | None:
        """The lane's entry, where its settings are meant for this provider too."""
        return self.written if self._is_mine(declaration) else None

    def price_at(self, values: dict[str, SettingValue | None]) -> Price | None:
        """What one picture costs on this lane, with these values of the generator's settings.

        What the lane's entry says wins. ``--price`` is for all lanes, and does not make a known one cheaper.
        """
        if self.written is not None and self.written.price is not None:
            return Price(self.written.price)
        known = self.generator.price(values)
        return known if known is not None or self.price is None else Price(self.price)

    def _is_mine(self, declaration: Declaration) -> bool:
        return declaration.account_name == self.generator.declaration.account_name


@dataclass(frozen=True)
class LaneChoices:
    """The lanes of a run."""

    first: tuple[LaneChoice, ...]
    """Those it begins with; at least one."""
    fallbacks: tuple[LaneChoice, ...] = ()
    """Those that are opened, one after the other, when all before have closed."""

    @property
    def all(self) -> tuple[LaneChoice, ...]:
        """Every lane."""
        return (*self.first, *self.fallbacks)

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        """Of every provider of a lane, once, generators first."""
        kinds = [lane.generator.declaration for lane in self.all] + [lane.uploader.declaration for lane in self.all]
        return tuple(dict.fromkeys(kinds))


def choose_lanes(place: Workplace, only: Sequence[str] = ()) -> LaneChoices:
    """The lanes that flags, environment and files ask for.

    :param only: names of lanes of the settings file; none for all of them.
    :raises InputError: a name is unknown, a provider and account stands there twice, or an entry makes no sense.
    :raises PluginError: a provider cannot be had.
    """
    written = place.settings.lanes
    provider = place.general["provider"]
    by_file = provider.by_lanes
    if only:
        first = [_of_file(place, _named(name, written)) for name in dict.fromkeys(only)]
        if provider.source == "--provider":
            first += [_of_words(place, spec) for spec in listed(provider.value)]
    elif by_file:
        first = [_of_file(place, lane) for lane in written if not lane.fallback]
    else:
        first = [_of_words(place, spec) for spec in listed(provider.value)]
    asked = listed(place.general["fallback"].value)
    if asked:
        known = {lane.name: lane for lane in written}
        fallbacks = [_of_file(place, known[name]) if name in known else _of_words(place, name) for name in asked]
    else:
        fallbacks = [_of_file(place, lane) for lane in written if lane.fallback and by_file and not only]
    if not first:
        raise InputError(
            "no lane is left to begin with: every entry of 'lanes:' is a fallback, or no provider is named"
        )
    _check_unique([*first, *fallbacks])
    return LaneChoices(tuple(first), tuple(fallbacks))


def labelled(account: str, label: str) -> str:
    """An account's whole name: ``labelled("gemini", "work")`` is ``gemini@work``."""
    return f"{account}@{label}" if label else account


def check_settings(lane: LaneChoice) -> None:
    """Refuse a lane's own setting that neither of its providers has.

    :raises InputError: with the line and the nearest name.
    """
    if lane.written is None:
        return
    known = {
        setting.name
        for declaration in (lane.generator.declaration, lane.uploader.declaration)
        if lane.settings_of(declaration) is not None
        for setting in declaration.settings
    }
    file = lane.written.place.rpartition(":")[0]
    for name, at in lane.written.settings.items():
        if name in {one.name for one in lane.generator.declaration.credentials}:
            raise InputError(
                f"{file}:{at.line}: lanes: settings: '{name}' is a secret and belongs in no settings file; take it out"
                f" and run: charimg keys set {lane.account}"
            )
        if name not in known:
            what = (
                "server: the provider has no setting base_url" if name == "base_url" else f"settings: {name}: unknown"
            )
            provider = lane.generator.declaration.name
            raise InputError(f"{file}:{at.line}: lanes: {what} ({provider}); {did_you_mean(name, known)}")


def _named(name: str, written: Sequence[WrittenLane]) -> WrittenLane:
    for lane in written:
        if lane.name == name:
            return lane
    if not written:
        raise InputError(f"--lane {name}: there are no 'lanes:' in the settings; see charimg config")
    raise InputError(f"--lane {name}: no lane of this name; {did_you_mean(name, [lane.name for lane in written])}")


def _of_file(place: Workplace, lane: WrittenLane) -> LaneChoice:
    try:
        provider, label = split_account(labelled(lane.provider, lane.account))
        choice = _lane(place, provider, label, lane.uploader or None)
    except (InputError, PluginError) as error:
        raise type(error)(f"{lane.place}: lanes: {error}") from error
    size = choice.policy.batch_size
    if lane.batch_size is not None and not place.general["batch_size"].source.startswith("--"):
        size = lane.batch_size
    choice = replace(
        choice,
        name=lane.name,
        written=lane,
        weight=lane.weight,
        policy=replace(choice.policy, batch_size=size),
    )
    check_settings(choice)
    return choice


def _of_words(place: Workplace, spec: str) -> LaneChoice:
    provider, label = split_account(spec)
    return _lane(place, provider, label, None)


def _lane(place: Workplace, provider: str, label: str, uploader: str | None) -> LaneChoice:
    generator = place.plugins.load(Kind.GENERATOR, provider)
    assert issubclass(generator, ImageGenerator)  # the plugin loader has checked it
    named, uploader_label = split_account(uploader or _uploader_of(place, provider))
    kind = place.plugins.load(Kind.UPLOADER, named)
    assert issubclass(kind, Uploader)  # likewise
    if not uploader_label and kind.declaration.account_name == generator.declaration.account_name:
        uploader_label = label  # one account serves both
    policy = policy_of(place.general)
    price = place.general["price"].value
    return LaneChoice(
        name=lane_name(provider, label, None),
        generator=generator,
        uploader=kind,
        policy=policy,
        label=label,
        uploader_label=uploader_label,
        price=None if price is None else float(price),
    )


def _uploader_of(place: Workplace, provider: str) -> str:
    uploader = place.general["uploader"]
    if uploader.source == DEFAULT:
        return uploader_for(provider, place.plugins.names(Kind.UPLOADER))
    return str(uploader.value)


def _check_unique(lanes: Iterable[LaneChoice]) -> None:
    names: dict[str, LaneChoice] = {}
    for lane in lanes:
        if lane.name in names:
            raise InputError(
                f"the lane '{lane.name}' is asked for twice: one account is one lane; a second account is written"
                f" {lane.generator.declaration.account_name}@LABEL (charimg keys set stores its key)"
            )
        names[lane.name] = lane
