"""Which learning rate and loss scale does a step apply that is not sampled? Read before the step, in microseconds.

A rate that is a variable is read before each such step, but of steps that take less than a hundred readings before
some only. A schedule is a chain of operations that takes as long as a small step, so one of Keras's own is asked once a
second, and one of the user's own at sampled steps only.
"""

import functools
import time
from typing import Any

import keras
import tensorflow as tf

from tb_lossdiag.recording.keras_private import given_rate, is_of_keras
from tb_lossdiag.recording.late import is_awaited
from tb_lossdiag.recording.recorder import HELD_SECONDS, Loss

READ_SHARE = 0.01  # of the time goes into reading at most
MOST_SECONDS = 5e-5  # that a reading is taken to last: the first one does what is done once
Applied = dict[str, Loss]  # "learning_rate" and "loss_scale", each only where it is known


class AppliedRate:
    """Of the steps of one training."""

    def __init__(self) -> None:
        self._asked = self._rests_until = float("-inf")
        self._takes = MOST_SECONDS  # or the quickest reading; others were interrupted

    def before(self, optimizer: Any, member: Any, steps: int | None = 1) -> Applied:
        """Of the last of the next so many steps; None where nobody knows how many follow.

        optimizer: that is given the gradients, and may scale the loss; None where it is not known. member: of it, or
        beside it, the one that updates most weights.
        """
        began = time.perf_counter()
        if began < self._rests_until:
            return {}
        found: Applied = {}
        rate = None if member is None else given_rate(member)
        if isinstance(rate, keras.Variable):
            found["learning_rate"] = _now(rate)
        elif steps is not None and _is_schedule(rate) and self._is_due():
            done = int(keras.ops.convert_to_numpy(member.iterations))
            found["learning_rate"] = float(keras.ops.convert_to_numpy(rate(done + steps - 1)))
        if isinstance(optimizer, keras.optimizers.LossScaleOptimizer) and optimizer.built:
            found["loss_scale"] = _now(optimizer.dynamic_scale)
        ended = time.perf_counter()
        self._takes = min(self._takes, ended - began)
        self._rests_until = ended + self._takes / READ_SHARE
        return found

    def _is_due(self) -> bool:
        now = time.monotonic()
        is_due = now - self._asked >= HELD_SECONDS
        self._asked = now if is_due else self._asked
        return is_due


def _is_schedule(rate: Any) -> bool:
    return isinstance(rate, keras.optimizers.schedules.LearningRateSchedule) and is_of_keras(rate)


def _now(variable: keras.Variable) -> Loss:
    """Its value; where a device may still compute it, a function that tells it later, whatever steps come between."""
    value = tf.convert_to_tensor(variable)
    return functools.partial(float, value) if is_awaited(value) else float(value)
