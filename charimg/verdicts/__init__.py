"""An answer or an exception of any service -> a verdict, with the wait the service asked for.

::

    families   the words of the services, as data
    answer     what an answer says: codes and sentences out of some twenty envelopes
    waits      how long it asks us to wait
    reading    what it means: the decision order
    hidden     the part of it that a 2xx needs
    failures   the same for exceptions

Pure functions: no clock, no I/O, and no input makes them raise.
"""

from __future__ import annotations

from charimg.verdicts.failures import read_exception
from charimg.verdicts.reading import CEILING, Reading, error_of, read_answer
from charimg.verdicts.waits import find_wait, parse_duration

__all__ = ["CEILING", "Reading", "error_of", "find_wait", "parse_duration", "read_answer", "read_exception"]
