"""A local ComfyUI, as its server speaks (0.3.64, October 2025): graphs are checked, queued, run one at a time.

Pictures are drawn from the words, seed, size and checkpoint that the graph leads to, so that a test can tell which
request made which. ``python -m tests.emulators.comfyui --port 8188`` runs it by hand.
"""

from __future__ import annotations

from .behaviour import Behaviour, Fault, Reply, html_reply, json_reply
from .bill import Bill, Drawing
from .server import ComfyEmulator

__all__ = ["Behaviour", "Bill", "ComfyEmulator", "Drawing", "Fault", "Reply", "html_reply", "json_reply"]
