"""Which broadcasts stand between the model's outputs and the loss of an eager step? Its ops are heard as they run.

There is no graph to be read backwards, so what comes from an output is followed from the model's call on, to the
gradient of the loss. What else an op reads counts as data where it has the size of the batch.
"""

import itertools
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import tensorflow as tf

from tb_lossdiag.recording.broadcasts import (
    ELEMENTWISE,
    MAX_FOUND,
    Broadcast,
    batch_sizes,
    meeting,
    snake_case,
    users_line,
)
from tb_lossdiag.recording.tensorflow_private import listening


class EagerBroadcasts:
    """Of one step; to be stopped whatever happens. It keeps what it follows, so that no other tensor gets its id."""

    def __init__(self) -> None:
        self._followed: dict[int, tuple[tf.Tensor, frozenset[int]]] = {}
        self._found: list[Broadcast] = []
        self._batch: frozenset[int] = frozenset()
        self._undo: Callable[[], None] | None = None

    def follow(self, outputs: Iterable[Any], inputs: Iterable[Any]) -> None:
        """From here on. outputs, inputs: of a call of the model."""
        outputs = [one for one in outputs if tf.is_tensor(one)]
        self._batch |= batch_sizes([*outputs, *inputs])
        self._followed |= {id(one): (one, frozenset()) for one in outputs}
        if self._undo is None:
            self._undo = listening(self._heard)

    def stop(self) -> None:
        undo, self._undo = self._undo, None
        if undo is not None:
            with suppress(KeyError):
                undo()

    def in_loss(self, loss: Any) -> tuple[Broadcast, ...]:
        """Those that it depends on."""
        _, places = self._followed.get(id(loss), (None, frozenset()))
        return tuple(self._found[place] for place in sorted(places))

    def _heard(self, operation: str, inputs: Any, attributes: Any, outputs: Any, *_: Any, **__: Any) -> None:
        with suppress(Exception):  # it runs inside the user's own operation
            self._follow(operation, list(inputs), list(outputs))

    def _follow(self, operation: str, inputs: list[Any], outputs: list[Any]) -> None:
        known = [self._followed.get(id(x)) for x in inputs]
        if not any(known):
            return
        through = frozenset().union(*(places for _, places in filter(None, known)))
        if operation in ELEMENTWISE and len(self._found) < MAX_FOUND:
            for (left, output), (right, other) in itertools.combinations(zip(inputs, known, strict=True), 2):
                if (output is None) != (other is None):
                    through |= self._looked_at(operation, left, right)
        self._followed |= {id(one): (one, through) for one in outputs}

    def _looked_at(self, operation: str, left: Any, right: Any) -> frozenset[int]:
        shapes = tuple(left.shape), tuple(right.shape)
        result = meeting(*shapes, self._batch)
        if result is None:
            return frozenset()
        self._found.append(Broadcast(snake_case(operation), *shapes, result, users_line(traceback.extract_stack())))
        return frozenset((len(self._found) - 1,))
