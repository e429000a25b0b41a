"""What a provider says of itself, as plain data that can be read without network or account."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from charimg.model import Cost

SettingValue = str | int | float | bool


@dataclass(frozen=True)
class Setting:
    """One thing the user may set for a provider, as ``-o name=value``, in the environment or in a file."""

    name: str
    """Lower case with underscores; the environment variable is ``CHARIMG_<PROVIDER>_<NAME>``."""
    help: str
    """One sentence, with the unit where there is one."""
    type: type[str] | type[int] | type[float] | type[bool] = str
    default: SettingValue | None = None
    choices: tuple[str, ...] = ()
    """The allowed texts, where the list is closed."""
    minimum: float | None = None
    maximum: float | None = None
    required: bool = False
    """Without it the provider cannot work; the run is refused before anything is sent."""
    env: tuple[str, ...] = ()
    """Further environment variables people already have, looked at after charimg's own."""
    checked: date | None = None
    """When a default that can die, such as a model's id, was last compared with the service."""


@dataclass(frozen=True)
class Credential:
    """One secret the provider needs: a key, a cookie, a password."""

    name: str
    """Lower case; the environment variable is ``CHARIMG_<PROVIDER>_<NAME>``."""
    help: str
    """Where the user gets it, one sentence; shown by ``charimg keys set`` and in errors."""
    env: tuple[str, ...] = ()
    """Further environment variables people already have, looked at after charimg's own."""
    required: bool = True


@dataclass(frozen=True)
class Abilities:
    """What a generator can do; the plan warns where a roster asks for more."""

    references: int = 0
    """How many reference pictures one request may carry."""
    seed: bool = False
    """The same seed gives the same or a similar picture."""
    negative: bool = False
    """It can be told what must not be in the picture."""
    aspect_ratios: tuple[str, ...] = ()
    """Ratios it knows, as ``"W:H"``; empty for any."""
    parallel: int | None = None
    """How many requests of a batch it can take at once; ``None`` for all of them. A server with one graphics card takes
    one: the others of the batch wait for it, without a cooldown between."""
    pace: float = 0.0
    """Seconds between the beginnings of two requests, where the service takes only so many a second."""
    offline: bool = False
    """It needs no network and no account."""


@dataclass(frozen=True)
class Price:
    """What one picture costs, as the provider's documents said on a day."""

    amount: float
    currency: str = "USD"
    checked: date | None = None
    """When the figure was last compared with the service's price list."""

    @property
    def cost(self) -> Cost | None:
        """The same as a declared cost; ``None`` where it is nothing."""
        return Cost(self.amount, self.currency) if self.amount else None


@dataclass(frozen=True)
class Model:
    """A model of a service: as the plugin knows it, or as the service offers it now."""

    id: str
    """What the setting ``model`` takes."""
    summary: str = ""
    """What it is good for, in a few words."""
    price: Price | None = None
    """``None``: unknown; ``Price(0)``: free."""
    retired: date | None = None
    """The day the service ended it, or said that it will."""
    successor: str | None = None
    """The model to take instead."""


@dataclass(frozen=True)
class Declaration:
    """A provider's name and everything the core must know to list, configure and run it."""

    name: str
    """What the user types after ``--provider``; equals the entry point's name."""
    summary: str
    """One line for ``charimg providers``."""
    settings: tuple[Setting, ...] = ()
    credentials: tuple[Credential, ...] = ()
    abilities: Abilities = field(default_factory=Abilities)
    price: Price | None = None
    """``None``: unknown; ``Price(0)``: free."""
    url: str | None = None
    """A page about the service."""
    account: str | None = None
    """The name settings and credentials are found under, where several providers share one (default: ``name``)."""
    models: tuple[Model, ...] = ()
    """The models its authors know of, the dead ones with their successor. The service may know more."""

    @property
    def account_name(self) -> str:
        """The name settings and credentials are found under."""
        return self.account or self.name

    def model(self, id: str) -> Model | None:  # noqa: A002 - the word of every service
        """The known model of this id."""
        return next((model for model in self.models if model.id == id), None)

    def retirement(self, id: str) -> str | None:  # noqa: A002 - likewise
        """A sentence about a model that is gone or going, with its successor; ``None`` for any other."""
        model = self.model(id)
        if model is None or (model.retired is None and model.successor is None):
            return None
        if model.retired is None:
            told = f"the model {id} is retired"
        elif model.retired > date.today():  # noqa: DTZ011 - the services name days, and no zone
            told = f"the model {id} ends on {model.retired.isoformat()}"
        else:
            told = f"the model {id} is retired since {model.retired.isoformat()}"
        return f"{told}; use -o model={model.successor}" if model.successor else told
