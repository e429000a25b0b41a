"""What a plugin implements: the three kinds of provider, the observer, and the declaration of each."""

from charimg.contracts.declaration import Abilities, Credential, Declaration, Model, Price, Setting, SettingValue
from charimg.contracts.generator import ImageGenerator
from charimg.contracts.observer import Observer
from charimg.contracts.provider import Provider, ProviderContext
from charimg.contracts.store import (
    Attempt,
    AttemptRecord,
    AttemptState,
    Choice,
    JobRecord,
    JobState,
    PictureRecord,
    Store,
    Trouble,
)
from charimg.contracts.uploader import Uploader

__all__ = [
    "Abilities",
    "Attempt",
    "AttemptRecord",
    "AttemptState",
    "Choice",
    "Credential",
    "Declaration",
    "ImageGenerator",
    "JobRecord",
    "JobState",
    "Model",
    "Observer",
    "PictureRecord",
    "Price",
    "Provider",
    "ProviderContext",
    "Setting",
    "SettingValue",
    "Store",
    "Trouble",
    "Uploader",
]
