"""Doing something at a moment of a run, by what the service has seen of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.disasters.scene import Scene
from tests.disasters.slow_services import GENERATE


@contextmanager
def when_asked_for(scene: Scene, pictures: int, then: Callable[[], object]) -> Iterator[threading.Event]:
    """Do something as soon as the service has been asked for so many pictures, on another thread.

    The event is set when it is done.
    """
    ending = threading.Event()
    done = threading.Event()
    failed: list[Exception] = []

    def watch() -> None:
        while not ending.is_set():
            if scene.emulator.arrived[GENERATE] >= pictures:
                try:
                    then()
                except Exception as error:
                    failed.append(error)
                done.set()
                return
            time.sleep(0.001)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield done
    finally:
        ending.set()
        thread.join()
    if failed:
        raise failed[0]
