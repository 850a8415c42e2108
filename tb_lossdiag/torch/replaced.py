"""How does somebody hear of a call that torch has no hook for? The function is replaced as long as anybody listens."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

# (owner, name, what makes the listening function of the original one)
Wanted = tuple[Any, str, Callable[[Callable], Callable]]


class Replaced:
    """Functions that are replaced between `add` and `remove`, however many ask for it."""

    def __init__(self, wanted: Sequence[Wanted]) -> None:
        self.listeners: list[Any] = []
        self._wanted = wanted
        self._made: dict[str, tuple[Callable, Callable]] = {}  # the same one each time: compiled code is for that
        self._originals: list[tuple[Any, str, Callable, Callable]] = []

    def add(self, listener: Any) -> None:
        """Does nothing for one that listens already."""
        if listener in self.listeners:
            return
        if not self.listeners:
            for owner, name, listening in self._wanted:
                original = getattr(owner, name)
                known, ours = self._made.get(name, (None, None))
                if known is not original:
                    ours = functools.wraps(original)(listening(original))
                    self._made[name] = original, ours
                self._originals.append((owner, name, original, ours))
                setattr(owner, name, ours)
        self.listeners.append(listener)

    def remove(self, listener: Any) -> None:
        """Does nothing for one that does not listen."""
        if listener not in self.listeners:
            return
        self.listeners.remove(listener)
        if not self.listeners:
            for owner, name, original, ours in self._originals:
                if getattr(owner, name) is ours:  # else someone replaced it after us, and calls ours
                    setattr(owner, name, original)
            self._originals.clear()
