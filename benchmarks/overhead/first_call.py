"""How long does the first step take, when the train function is traced and compiled, and how long its twin's?"""

import tempfile
import time
from dataclasses import dataclass

import keras
import numpy as np

from benchmarks.overhead.models import SUBJECTS, Subject
from benchmarks.overhead.paired import Spread, spread
from tb_lossdiag import LossDiagnostics

STEPS = 3  # both are traced in the first, the plain function is prepared in the second


@dataclass(frozen=True)
class FirstCall:
    """plain, twin: median wall seconds of the first step of a plain fit and of a recorded one. extra: by how many
    seconds a recorded fit's first two steps take longer, in which both are traced. ratio: of what they take longer to
    the plain first step, in CPU seconds.
    """

    plain: float
    twin: float
    extra: float
    ratio: Spread


class Stopwatch(keras.callbacks.Callback):
    """steps: (CPU, wall) seconds of each. Stands before what is measured."""

    def on_train_begin(self, logs=None):
        self.steps = []

    def on_train_batch_begin(self, batch, logs=None):
        self.began = time.process_time(), time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        cpu, wall = self.began
        self.steps.append((time.process_time() - cpu, time.perf_counter() - wall))


def measure(name: str, jit_compile: bool, repeats: int) -> FirstCall:
    """Both in turn, each with a model of its own; which one is first changes from repeat to repeat."""
    for recorded in (False, True):  # what only the first trace of a process pays
        _first(SUBJECTS["mlp"], jit_compile, recorded)
    taken: dict[bool, list] = {False: [], True: []}
    for repeat in range(repeats):
        for recorded in (False, True) if repeat % 2 else (True, False):
            taken[recorded].append(_first(SUBJECTS[name], jit_compile, recorded))
    plain, ours = np.array(taken[False]), np.array(taken[True])  # [repeats, steps, (CPU, wall)]
    first, twin = (float(np.median(one[:, 0, 1])) for one in (plain, ours))
    extra = ours[:, :2].sum(axis=1) - plain[:, :2].sum(axis=1)
    return FirstCall(first, twin, float(np.median(extra[:, 1])), spread(extra[:, 0] / plain[:, 0, 0]))


def _first(subject: Subject, jit_compile: bool, recorded: bool) -> list[tuple[float, float]]:
    keras.backend.clear_session()
    watch = Stopwatch()
    with tempfile.TemporaryDirectory() as logs:
        ours = [LossDiagnostics(logs, every=10**9)] if recorded else []
        subject.model(jit_compile).fit(
            subject.data(), epochs=1, steps_per_epoch=STEPS, verbose=0, callbacks=[watch, *ours]
        )
    return watch.steps
