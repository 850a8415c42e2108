"""What does a fit cost with something on top of it? Epochs of one fit with and without it, in turn.

Same model, same process, same compiled functions: what is compared is put into the fit's list of callbacks when an
epoch begins, and taken out again when the next one does not want it.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from benchmarks.overhead.paired import Comparison, Seconds, compared, enough, turns

MANY = 10**6
LEAD = 1  # step of each epoch that is not timed: what is done once an epoch would weigh too much in short ones


def _nothing() -> None: ...


@dataclass(frozen=True)
class Arm:
    """steps: of an epoch that are timed. callbacks: what is on top. enter, leave: around each epoch with it, not timed.
    whole_epoch: whether what the callbacks do at the end of an epoch is their work, and timed.
    """

    steps: int
    callbacks: tuple[keras.callbacks.Callback, ...] = ()
    enter: Callable[[], None] = _nothing
    leave: Callable[[], None] = _nothing
    whole_epoch: bool = False


class Turns(keras.callbacks.Callback):
    """The first in the list: says at each epoch's begin whether the arm takes part, and starts the clock."""

    def __init__(self, arm: Arm, listed: list, seconds: float) -> None:
        super().__init__()
        self.arm = arm
        self.listed = listed
        self.seconds = seconds
        self.taken: dict[bool, list[Seconds]] = {True: [], False: []}
        self.started = time.perf_counter()
        self.turn = turns(random.Random(0))
        self.began = Seconds(0.0, 0.0)

    def on_epoch_begin(self, epoch, logs=None):
        self.plain = next(self.turn)
        if not self.plain:
            self.arm.enter()
        self.listed[1:-1] = () if self.plain else self.arm.callbacks

    def on_train_batch_begin(self, batch, logs=None):
        if batch == LEAD:
            self.began = _now()


class Clock(keras.callbacks.Callback):
    """The last in the list: stops the clock."""

    def __init__(self, turns: Turns) -> None:
        super().__init__()
        self.turns = turns

    def on_train_batch_end(self, batch, logs=None):
        if batch == self.turns.arm.steps + LEAD - 1:
            self.ended = _now()

    def on_epoch_end(self, epoch, logs=None):
        turns, began = self.turns, self.turns.began
        ended = _now() if turns.arm.whole_epoch else self.ended
        turns.taken[turns.plain].append(Seconds(ended.cpu - began.cpu, ended.wall - began.wall))
        if not turns.plain:
            turns.arm.leave()
            turns.listed[1:-1] = ()  # the fit's end, which may be near, is not theirs
        pairs = min(map(len, turns.taken.values()))
        if epoch % 2 and enough(pairs, turns.started, time.perf_counter(), turns.seconds):
            self.model.stop_training = True


def compare(model: keras.Model, data: tf.data.Dataset, arm: Arm, seconds: float) -> Comparison:
    """For about so long."""
    listed: Any = keras.callbacks.CallbackList(model=model, epochs=MANY, steps=arm.steps + LEAD)
    turns = Turns(arm, listed.callbacks, seconds)
    listed.callbacks[:] = [turns, Clock(turns)]
    listed.set_model(model)
    model.history = keras.callbacks.History()  # fit answers it
    model.fit(data, epochs=MANY, steps_per_epoch=arm.steps + LEAD, verbose=0, callbacks=listed)
    return compared(arm.steps, turns.taken[True], turns.taken[False])


def _now() -> Seconds:
    return Seconds(time.process_time(), time.perf_counter())
