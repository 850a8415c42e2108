"""Lets one thread at a time do the heavy work, and those that a reader waits for before the ones that work ahead."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_taken = False
        self._urgent = 0  # threads that wait and go first

    @contextmanager
    def one(self, is_urgent: bool) -> Iterator[None]:
        """Waits for a turn and has it until the block ends."""
        with self._changed:
            self._urgent += is_urgent
            self._changed.wait_for(lambda: not self._is_taken and (is_urgent or not self._urgent))
            self._urgent -= is_urgent
            self._is_taken = True
        try:
            yield
        finally:
            with self._changed:
                self._is_taken = False
                self._changed.notify_all()
