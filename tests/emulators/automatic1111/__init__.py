"""A local AUTOMATIC1111 server: ``/sdapi/v1`` as started with ``--api``, and as started without it.

One global lock, as the real one has: requests block until their turn and no 429 is ever sent. Facts come from the
project's notes (on AUTOMATIC1111, 2026-11-22, read in the servers' source), the checkpoint and sampler lists and
the client's whole payload from webuiapi 0.9.17, which a slow test drives against it::

    async with Automatic1111Emulator(auth=("ann", "secret")) as server: ...
    python -m tests.emulators.automatic1111 --port 7860 --step-seconds 0.2

The servers of the family differ in a few answers (:class:`~.behaviour.Behaviour`): who refuses a checkpoint it has not
and who ignores it (SD.Next), and Forge's form of errors.
"""

from __future__ import annotations

from .behaviour import Behaviour, Fault
from .bill import Asked, Bill, Made
from .server import Automatic1111Emulator

__all__ = ["Asked", "Automatic1111Emulator", "Behaviour", "Bill", "Fault", "Made"]
