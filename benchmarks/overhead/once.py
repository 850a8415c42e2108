"""Where does the time go that a recorded fit pays once? Its first two steps, taken apart."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import keras

from benchmarks.overhead.models import SUBJECTS
from tb_lossdiag import LossDiagnostics
from tb_lossdiag.recording import train_function
from tb_lossdiag.recording.packer import Packer
from tb_lossdiag.recording.recorder import Recorder

STEPS = 2  # the twin takes the first, the plain step is prepared in the second
PARTS = ("plain trace", "plain compiled", "twin's trace", "statistics traced", "twin compiled", "card and record")


def measure(name: str, jit_compile: bool) -> dict[str, float]:
    """CPU seconds by part. "Compiled" is all of the first call but its trace: graph optimiser, XLA, the step itself."""
    for subject in ("mlp", name):  # what only the first trace of a process pays is the MLP's
        spent = _spent(subject, jit_compile)
    return spent


def _spent(name: str, jit_compile: bool) -> dict[str, float]:
    keras.backend.clear_session()
    clock = Clock()
    with tempfile.TemporaryDirectory() as logs, ExitStack() as stack:
        stack.enter_context(clock.timing(train_function, "traced"))
        stack.enter_context(clock.timing(train_function, "run_twin"))
        stack.enter_context(clock.timing(train_function.TrainFunction, "_plain"))
        stack.enter_context(clock.timing(Packer, "numbers"))
        stack.enter_context(clock.timing(Recorder, "record_sample"))
        stack.enter_context(clock.noting(Packer, "observe"))
        callbacks = [LossDiagnostics(logs, every=10**9)]
        data = SUBJECTS[name].data()
        SUBJECTS[name].model(jit_compile).fit(data, epochs=1, steps_per_epoch=STEPS + 1, verbose=0, callbacks=callbacks)
    numbers, began = clock.of("numbers"), clock.began
    twin_trace = numbers[0] - began["observe"][0]
    statistics, twin = clock.seconds("numbers"), clock.seconds("run_twin")
    found = (
        clock.seconds("traced"),
        clock.seconds("_plain"),
        twin_trace,
        statistics,
        twin - twin_trace - statistics,
        clock.seconds("record_sample"),
    )
    return dict(zip(PARTS, found, strict=True))


class Clock:
    """CPU seconds of the first call of each function. began: when each noted function was called."""

    def __init__(self) -> None:
        self.calls: dict[str, list[tuple[float, float]]] = {}
        self.began: dict[str, list[float]] = {}

    def of(self, name: str) -> tuple[float, float]:
        return self.calls[name][0]

    def seconds(self, name: str) -> float:
        began, ended = self.of(name)
        return ended - began

    @contextmanager
    def timing(self, owner: Any, name: str) -> Iterator[None]:
        def note(began: float) -> None:
            self.calls.setdefault(name, []).append((began, time.process_time()))

        with _replaced(owner, name, note):
            yield

    @contextmanager
    def noting(self, owner: Any, name: str) -> Iterator[None]:
        with _replaced(owner, name, lambda began: self.began.setdefault(name, []).append(began)):
            yield


@contextmanager
def _replaced(owner: Any, name: str, note: Callable[[float], None]) -> Iterator[None]:
    original = getattr(owner, name)

    def timed(*arguments: Any, **named: Any) -> Any:
        began = time.process_time()
        try:
            return original(*arguments, **named)
        finally:
            note(began)

    setattr(owner, name, timed)
    try:
        yield
    finally:
        setattr(owner, name, original)
