"""How is a loop recorded that only schedules its steps, under ParameterServerStrategy, for workers to take them later?

Whether a step is sampled is decided when it is scheduled, so by its number alone. What it returns is awaited in a
thread of our own, in the order of the loop: the loop itself waits for nothing, as without us.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

import tensorflow as tf

from tb_lossdiag.recording.cadence import SharedCadence

# When the loop is over all its steps mostly are; where none has ended for so long, those that are left may never do.
STALLED_SECONDS = 5.0


class FirstOf(tf.distribute.coordinator.RemoteValue):
    """The first of the values that a scheduled twin returns: what the step itself does."""

    def __init__(self, both: Any) -> None:
        self._both = both

    def get(self) -> Any:
        return self._both.get()[0]

    def fetch(self) -> Any:
        return self._both.fetch()[0]


class Scheduled:
    """The steps that a loop has scheduled.

    twin: makes a step's, or answers None. plain, sampled: called with what a step returned, the latter with the packed
    numbers, too. Both are called from one thread, which ends with `close`.
    """

    def __init__(self, every: int | str, twin: Callable, plain: Callable, sampled: Callable) -> None:
        self._cadence = SharedCadence(every)
        self._twin = twin
        self._plain = plain
        self._sampled = sampled
        self._twins: dict[Any, Any] = {}
        self._waiting: SimpleQueue = SimpleQueue()
        self._ended = 0
        self._thread = threading.Thread(target=self._await, name="lossdiag", daemon=True)
        self._thread.start()

    def schedule(self, coordinator: Any, step: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
        """What the coordinator answers, or what behaves alike."""
        twin = None
        if self._cadence.next_is_sampled() and hasattr(step, "python_function"):
            if step not in self._twins:
                self._twins[step] = self._twin(step)
            twin = self._twins[step]
        if twin is None:
            value = coordinator.schedule(step, args, kwargs)
            self._waiting.put((value, False))
            return value
        both = coordinator.schedule(twin, args, kwargs)
        self._waiting.put((both, True))
        return FirstOf(both)

    def close(self) -> None:
        """Waits for the steps that are being taken, as long as they go on to end."""
        self._waiting.put(None)
        ended = None
        while self._thread.is_alive() and ended != self._ended:
            ended = self._ended
            self._thread.join(STALLED_SECONDS)

    def _await(self) -> None:
        while (scheduled := self._waiting.get()) is not None:
            value, is_sampled = scheduled
            try:
                returned = value.fetch()
            except Exception:  # a step that failed or was cancelled is the coordinator's to tell
                continue
            finally:
                self._ended += 1
            if is_sampled:
                self._sampled(*returned)
            else:
                self._plain(returned)
