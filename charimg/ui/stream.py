"""A stream that cannot hurt the run: what it cannot encode it spells out, and when its reader leaves it falls silent.

Pictures are paid for; a closed pipe or a terminal that went away must not stop them. A reader that is merely slow
holds the writer up, as in every pipe.
"""

from __future__ import annotations

import codecs
import os
from contextlib import suppress
from typing import TextIO

_WORDS = str.maketrans(
    {
        "🎨": "[charimg]",
        "✅": "[ok]",
        "❌": "[failed]",
        "🚫": "[rejected]",
        "⏳": "[wait]",
        "🔄": "[retry]",
        "⏸": "[pause]",
        "📊": "[sum]",
        "🔒": "[closed]",
        "🛑": "[stop]",
        "⚠": "[warning]",
        "💰": "[cost]",
        "📁": "[out]",
        "👉": "[next]",
        "\ufe0f": "",
        "…": "...",
        "·": "-",
        "–": "-",
        "—": "-",
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
    }
)


class SafeStream:
    """As much of a text stream as printing needs, around a real one. No method raises."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._gone = False
        self.encoding = _known(getattr(stream, "encoding", None) or "utf-8")
        self.pretty = self._holds("🎨━✓")
        """Whether the encoding has symbols; without them ASCII words take their place."""

    def line(self, text: str) -> None:
        """Write one line and push it out at once."""
        self.write(text + "\n")
        self.flush()

    def write(self, text: str) -> int:
        """Write the text; what the encoding lacks becomes words or escapes."""
        if not self._holds(text):
            spelled = text.translate(_WORDS).encode(self.encoding, "backslashreplace")
            text = spelled.decode(self.encoding)
        if not self._gone:
            try:
                self._stream.write(text)
            except (OSError, ValueError) as error:
                self._lost(error)
        return len(text)

    def flush(self) -> None:
        """Push out what was written."""
        if not self._gone:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._lost(error)

    def isatty(self) -> bool:
        """Whether a terminal is at the other end."""
        return is_terminal(self._stream)

    def fileno(self) -> int:
        """The stream's descriptor.

        :raises OSError: when it has none.
        """
        return self._stream.fileno()

    def _holds(self, text: str) -> bool:
        try:
            text.encode(self.encoding)
        except UnicodeError:
            return False
        return True

    def _lost(self, error: Exception) -> None:
        # A full disk may have room again for the next line; a reader or a stream that is gone stays gone.
        self._gone = isinstance(error, (BrokenPipeError, ValueError))
        if isinstance(error, BrokenPipeError):
            # What is still buffered would fail once more when the interpreter flushes at its end, and change the
            # exit code to 120. Standard library documentation, "Note on SIGPIPE", has this remedy.
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)


def is_terminal(stream: TextIO) -> bool:
    """Whether a terminal is at the other end; a closed stream has none."""
    try:
        return stream.isatty()
    except (ValueError, OSError):
        return False


def _known(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return "ascii"
