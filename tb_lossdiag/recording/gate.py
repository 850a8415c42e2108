"""How does a step that takes every turn compute its statistics in samples only? Behind a gate that the host opens."""

from collections.abc import Callable, Hashable
from typing import TypeVar

import tensorflow as tf

from tb_lossdiag.recording.branch import branch
from tb_lossdiag.recording.switch import Switch

Name = TypeVar("Name", bound=Hashable)


class Gate:
    """Closed until it is set open; to be set before the step is called.

    closes: False where what passes has to meet other replicas, which no branch of one of them can; then it only tells
    whether the step is a sample.
    """

    def __init__(self, closes: bool = True) -> None:
        self.is_open = False
        self._closes = closes
        self._switch = Switch()

    def set(self, is_open: bool) -> None:
        self.is_open = is_open
        self._switch.set(is_open)

    def passed(self, compute: Callable[[], dict[Name, tf.Tensor]]) -> dict[Name, tf.Tensor]:
        """The tensors that `compute` answers, which runs where the gate is open; empty ones of its kind elsewhere."""
        if not self._closes:
            return compute()
        if tf.executing_eagerly():
            return compute() if self.is_open else {}
        computed: dict[Name, tf.Tensor] = {}

        def opened() -> list[tf.Tensor]:
            computed.update(compute())
            return list(computed.values())

        def closed() -> list[tf.Tensor]:
            return [tf.zeros([0] * (tensor.shape.rank or 0), tensor.dtype) for tensor in computed.values()]

        tensors = branch(self._switch.is_on(), opened, closed)
        return dict(zip(computed, tensors, strict=True))
