"""The hooks a plugin may implement, with ``@charimg.hookimpl``.

Hooks are synchronous and cheap. The first four are given a ``register`` callback and hand over classes, never
instances. A plugin module is found by its entry point: group ``charimg.generators``, ``charimg.uploaders`` or
``charimg.stores`` with the provider's name, loaded only when a run names it; group ``charimg.plugins`` for those
who take part in every run without being a provider. A project's own plugins need no entry point: every ``.py`` file of
its ``plugins/`` folder that has a hook is one, and takes part in that project's runs.

Where several plugins implement a hook they are called one after the other, each given what the one before it made:
the providers of the run first, then the packages of the group ``charimg.plugins`` by the name of their entry point,
then the files of ``plugins/`` by name. ``@charimg.hookimpl(tryfirst=True)`` goes before all of these, and
``trylast=True`` after them. One that fails is left out with a warning, and the others go on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from charimg.contracts import ImageGenerator, Observer, Store, Uploader
    from charimg.model import ImageRequest, SavedImage

hookspec = pluggy.HookspecMarker("charimg")
hookimpl = pluggy.HookimplMarker("charimg")
"""Marks a function of a plugin module as the implementation of the hook it is named after."""


@hookspec
def register_generators(register: Callable[[type[ImageGenerator]], None]) -> None:
    """Offer image generators.

    :param register: call it with each generator class.

    Called once, when a run or ``charimg providers`` names a generator of this plugin.
    """


@hookspec
def register_uploaders(register: Callable[[type[Uploader]], None]) -> None:
    """Offer uploaders.

    :param register: call it with each uploader class.

    Called once, when a run or ``charimg providers`` names an uploader of this plugin.
    """


@hookspec
def register_stores(register: Callable[[type[Store]], None]) -> None:
    """Offer stores.

    :param register: call it with each store class.

    Called once, when a command opens a store of this plugin.
    """


@hookspec
def register_observers(register: Callable[[type[Observer]], None]) -> None:
    """Offer observers: their ``hear(event)`` is called with every event of every run, and ``close()`` at its end.

    :param register: call it with each observer class; it is constructed without arguments.

    Called once a run, of plugins in the group ``charimg.plugins`` and of the providers the run uses.
    """


@hookspec
def prepare_request(request: ImageRequest) -> ImageRequest | None:
    """Change a request before it is recorded and sent: a prompt style, a house rule.

    :param request: the request as the roster and the plugins before this one made it.

    Return the changed request, or ``None`` to leave it. Called before every attempt; an exception becomes a
    warning and leaves the request as it was.
    """


@hookspec
def finish_picture(picture: SavedImage, data: bytes) -> bytes | None:
    """Work on a picture that has just been saved: a cut-out, an upscaling, a frame.

    :param picture: the saved picture.
    :param data: its encoded bytes.

    Return the encoded bytes of the new picture, or ``None`` to leave it. The original is kept beside the new one.
    Runs in a thread of its own; an exception or a broken picture becomes a warning.
    """
