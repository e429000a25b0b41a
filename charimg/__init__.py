"""charimg: pictures of a whole cast of characters, through any image service.

This is all that a plugin needs::

    import charimg

    class Sketch(charimg.ImageGenerator):
        declaration = charimg.Declaration(name="sketch", summary="Draws a sketch.")

        async def generate(self, request: charimg.ImageRequest) -> charimg.GeneratedImage:
            return charimg.GeneratedImage(data=draw(request.prompt))

    @charimg.hookimpl
    def register_generators(register):
        register(Sketch)

Names are imported when they are first used, so that ``charimg --help`` loads no provider, no network
library and no picture library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from charimg._version import __version__

if TYPE_CHECKING:
    from charimg.contracts import (
        Abilities,
        Credential,
        Declaration,
        ImageGenerator,
        Model,
        Observer,
        Price,
        ProviderContext,
        Setting,
        Store,
        Uploader,
    )
    from charimg.errors import (
        CharimgError,
        ExhaustedError,
        FatalError,
        FlakyError,
        InvalidRequestError,
        ProviderError,
        RejectedError,
        ThrottledError,
    )
    from charimg.events import Event
    from charimg.hookspecs import hookimpl
    from charimg.model import (
        Cost,
        GeneratedImage,
        ImageRequest,
        MediaReference,
        Reference,
        ReferenceKind,
        SavedImage,
        Verdict,
    )
    from charimg.polling import LostTicketError, PolledGenerator
    from charimg.redaction import Secret

__all__ = [
    "Abilities",
    "CharimgError",
    "Cost",
    "Credential",
    "Declaration",
    "Event",
    "ExhaustedError",
    "FatalError",
    "FlakyError",
    "GeneratedImage",
    "ImageGenerator",
    "ImageRequest",
    "InvalidRequestError",
    "LostTicketError",
    "MediaReference",
    "Model",
    "Observer",
    "PolledGenerator",
    "Price",
    "ProviderContext",
    "ProviderError",
    "Reference",
    "ReferenceKind",
    "RejectedError",
    "SavedImage",
    "Secret",
    "Setting",
    "Store",
    "ThrottledError",
    "Uploader",
    "Verdict",
    "__version__",
    "hookimpl",
]

_MODULES = {
    "contracts": (
        "Abilities",
        "Credential",
        "Declaration",
        "ImageGenerator",
        "Model",
        "Observer",
        "Price",
        "ProviderContext",
        "Setting",
        "Store",
        "Uploader",
    ),
    "errors": (
        "CharimgError",
        "ExhaustedError",
        "FatalError",
        "FlakyError",
        "InvalidRequestError",
        "ProviderError",
        "RejectedError",
        "ThrottledError",
    ),
    "events": ("Event",),
    "hookspecs": ("hookimpl",),
    "model": (
        "Cost",
        "GeneratedImage",
        "ImageRequest",
        "MediaReference",
        "Reference",
        "ReferenceKind",
        "SavedImage",
        "Verdict",
    ),
    "polling": ("LostTicketError", "PolledGenerator"),
    "redaction": ("Secret",),
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module when it is first asked for."""
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"charimg.{module}"), name)
    raise AttributeError(f"module 'charimg' has no attribute {name!r}")
