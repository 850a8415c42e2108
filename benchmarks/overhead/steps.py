"""What does a recorded step cost, and one that is not recorded? Of a sample every 1, 10 and 100 steps, or never."""

import math
import tempfile
import time
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from benchmarks.overhead.fits import Arm, compare
from benchmarks.overhead.models import SUBJECTS
from benchmarks.overhead.paired import Comparison
from benchmarks.overhead.recorded import NEVER, Recording, recording

STRETCH = 0.05  # seconds: long enough for the clocks, short enough that the machine is the same for both of a pair
LONGEST = 5.0  # seconds of one epoch; a cycle that takes longer is not run, but told from a shorter one
WARM_UP = 5
CALLS = 2000  # at most, in about so many seconds as the others have


@dataclass(frozen=True)
class Steps:
    """By what is sampled: 1, 10, 100 or NEVER. parameters: of the model. rows: of its layer table. between: seconds
    that our own code takes in a step between two samples, around the plain function. control: of plain epochs with
    plain ones, which tells what the machine makes of nothing.
    """

    parameters: int
    rows: int
    control: Comparison
    between: float
    by_cadence: dict[int, Comparison]


def measure(name: str, jit_compile: bool, seconds: float) -> Steps:
    subject = SUBJECTS[name]
    model, data = subject.model(jit_compile), subject.data()
    with tempfile.TemporaryDirectory() as logs:
        warm(model, data)
        with recording(model, logs) as ours:
            step = warm_up(ours, data)
            found = {}
            control = compare(model, data, Arm(max(1, round(STRETCH / step))), seconds)
            for every in (NEVER, 1, 10, 100):
                cycle = 1 if every == NEVER else every
                if cycle * step < LONGEST:
                    steps = cycle * max(1, round(STRETCH / (cycle * step)))
                    found[every] = compare(model, data, ours.arm(every, steps), seconds)
            calls = min(CALLS, math.ceil(seconds / step))
            own = between(ours, data, calls)
            return Steps(model.count_params(), len(ours.recorder._layout.rows), control, own, found)


def between(ours: Recording, data: tf.data.Dataset, calls: int) -> float:
    """Median seconds. A comparison of whole steps cannot tell so little on a machine in use, and a train function that
    does nothing tells too little: what the real one leaves of the processor's caches is what ours runs from.
    """
    iterator, plain, inside, taken = iter(data), ours.plain, 0.0, []

    def timed(iterator):
        nonlocal inside
        began = time.perf_counter()
        logs = plain(iterator)
        inside = time.perf_counter() - began
        return logs

    ours.arm(NEVER, calls).enter()
    ours.callback.on_epoch_begin(0)
    ours.function.plain = timed
    for batch in range(calls):
        began = time.perf_counter()
        ours.callback.on_train_batch_begin(batch)
        ours.function(iterator)
        taken.append(time.perf_counter() - began - inside)
    ours.function.plain = ours.model.train_function = plain
    return float(np.median(taken))


def warm(model: keras.Model, data: tf.data.Dataset) -> None:
    """Until the plain function is traced and the optimizer has its slots."""
    model.fit(data, epochs=1, steps_per_epoch=WARM_UP, verbose=0)


def warm_up(ours: Recording, data: tf.data.Dataset) -> float:
    """Until the twin is traced; answers the seconds of a plain step."""
    compare(ours.model, data, ours.arm(1, 1), 0.0)
    return compare(ours.model, data, ours.arm(NEVER, WARM_UP), 0.0).plain
