"""What does a recorded step cost, and one that is not recorded? Of a sample every 1, 10 and 100 steps, or never."""

import tempfile
import time
from dataclasses import dataclass

import keras
import tensorflow as tf

from benchmarks.overhead.fits import Arm, compare
from benchmarks.overhead.models import SUBJECTS
from benchmarks.overhead.paired import Comparison
from benchmarks.overhead.recorded import NEVER, Recording, recording

STRETCH = 0.05  # seconds: long enough for the clocks, short enough that the machine is the same for both of a pair
LONGEST = 5.0  # seconds of one epoch; a cycle that takes longer is not run, but told from a shorter one
WARM_UP = 5
CALLS = 5000


@dataclass(frozen=True)
class Steps:
    """By what is sampled: 1, 10, 100 or NEVER. parameters: of the model. rows: of its layer table. between: seconds
    that a step between two samples takes longer, measured around a train function that does nothing. control: of
    plain epochs with plain ones, which tells what the machine makes of nothing.
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
            return Steps(model.count_params(), len(ours.recorder._layout.rows), control, between(ours), found)


def between(ours: Recording) -> float:
    """Far below what a comparison of whole steps can tell on a machine in use."""
    logs = {"loss": tf.constant(1.0)}
    ours.arm(NEVER, CALLS).enter()
    ours.callback.on_epoch_begin(0)
    ours.function.plain = lambda iterator: logs
    began = time.process_time()
    for batch in range(CALLS):
        ours.callback.on_train_batch_begin(batch)
        ours.function(None)
    ours.recorder._write_losses()
    seconds = time.process_time() - began
    ours.function.plain = ours.model.train_function = ours.plain
    return seconds / CALLS


def warm(model: keras.Model, data: tf.data.Dataset) -> None:
    """Until the plain function is traced and the optimizer has its slots."""
    model.fit(data, epochs=1, steps_per_epoch=WARM_UP, verbose=0)


def warm_up(ours: Recording, data: tf.data.Dataset) -> float:
    """Until the twin is traced; answers the seconds of a plain step."""
    compare(ours.model, data, ours.arm(1, 1), 0.0)
    return compare(ours.model, data, ours.arm(NEVER, WARM_UP), 0.0).plain
