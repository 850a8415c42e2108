"""How is a recording switched on for an epoch and off for the next? LossDiagnostics, begun once and kept."""

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager

import keras

from benchmarks.overhead.fits import LEAD, Arm
from tb_lossdiag import LossDiagnostics
from tb_lossdiag.recording.cadence import COUNTED_INTERVAL, Cadence
from tb_lossdiag.recording.fit import STAND_IN

NEVER = 10**9


class Unalarmed(Cadence):
    """Takes no more samples than asked for. A loss may leap where other epochs have trained in between.

    Histograms are counted in each tenth of all samples, however many epochs those are spread over.
    """

    _samples_of_all = itertools.count(1)

    def alarm(self) -> None: ...

    def counts(self, step: int) -> bool:
        return next(self._samples_of_all) % COUNTED_INTERVAL == 0


class Recording:
    """One LossDiagnostics, whose cadence an arm sets. Between its epochs the model has its own train function."""

    def __init__(self, model: keras.Model, log_dir: str | os.PathLike) -> None:
        self.model = model
        self.callback = LossDiagnostics(log_dir, every=1)
        self.callback.set_model(model)
        self.callback.set_params({"epochs": None, "steps": None})
        self.callback.on_train_begin()
        self.callback.on_epoch_begin(0)
        self.function = model.train_function
        self.plain = model.train_function = self.function.plain
        self.recorder = self.function.recorder

    def arm(self, every: int, steps: int) -> Arm:
        def enter() -> None:
            recorder = self.recorder
            if not recorder.active:
                raise RuntimeError("the recording has stopped: what it costs is not what would be measured")
            # The sample comes a third into the epoch: the steps after it are slower too and belong to its price.
            before = LEAD + min(steps, every) // 3
            recorder.step += (-recorder.step - 1 - before) % every if every < NEVER else 0
            # As if the run had just begun, when every plain step's loss is kept.
            recorder._cadence = Unalarmed(every, first=max(1, recorder.step - 1))
            self.model.train_function = self.function

        def leave() -> None:
            self.model.train_function = self.plain

        return Arm(steps, (self.callback,), enter, leave)

    def close(self) -> None:
        """The next recording traces a twin of its own: what is left out of one must not be left out of another."""
        self.callback.on_train_end()
        vars(self.plain).pop(STAND_IN, None)


@contextmanager
def recording(model: keras.Model, log_dir: str | os.PathLike) -> Iterator[Recording]:
    """The model has its plain function already."""
    one = Recording(model, log_dir)
    try:
        yield one
    finally:
        one.close()
