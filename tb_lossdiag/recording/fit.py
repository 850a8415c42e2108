"""What happens at the begin and the end of a fit that is recorded, and of its epochs and batches?"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import keras

from tb_lossdiag.recording.callbacks import who_set
from tb_lossdiag.recording.keras_training import KerasTraining
from tb_lossdiag.recording.loop import Loop
from tb_lossdiag.recording.rates import rate_set_by_hand
from tb_lossdiag.recording.recorder import Recorder
from tb_lossdiag.recording.selection import Selection

STAND_IN = "tb_lossdiag_stand_in"  # on a model's own train function: what stands in for it while a fit is recorded


class Fit:
    """One fit that is recorded, from its on_train_begin to `end`.

    loop: what runs it. step: number of the last step of earlier fits. recorder: active until the end, or a failure.
    callbacks: all of the fit, as far as they are known.
    """

    def __init__(
        self,
        model: keras.Model,
        loop: Loop,
        log_dir: Path,
        every: int | str,
        selection: Selection,
        step: int,
        callbacks: Sequence[Any] = (),
    ) -> None:
        self.model = model
        self.loop = loop
        self.has_started = False
        self._is_first_step = False
        self._ended_epoch: int | None = None
        self._train_function: Any = None
        before = _standing_in(model)
        self._callbacks = tuple(callbacks)
        training = KerasTraining(model, getattr(model, "optimizer", None), self._callbacks)
        self.recorder = Recorder(training, log_dir, every, selection, before and before.recorder)
        self.recorder.step = self._first = step
        self._selection = selection
        self._take_place()

    def _take_place(self) -> None:
        with self.recorder.guarded():
            self._train_function = _stand_in(self.model, _standing_in(self.model), self._selection)
            self._train_function.fit, self._train_function.recorder = self, self.recorder
            self.model.train_function = self._train_function

    def begin_epoch(self, epoch: int, params: Mapping[str, Any]) -> None:
        """params: what Keras tells its callbacks."""
        if not self.recorder.active:
            return
        if self.model.train_function is not self._train_function and self.model.train_function is not None:
            self._take_place()  # a callback has compiled the model, or made it a train function
        if not self.has_started:
            self.has_started = True
            epochs, steps = params.get("epochs"), params.get("steps")
            left = epochs - epoch if epochs else 0
            self.recorder.start(epochs, steps, left, self.model.steps_per_execution)
            self._first = self.recorder.step
        self._train_function.batch_loss.start_epoch()
        self.recorder.start_epoch()
        self._is_first_step = True

    def begin_batch(self) -> None:
        if not (self.recorder.active and self.has_started):
            return
        self._train_function.announced = True
        if self._is_first_step:  # after every callback's on_epoch_begin, where the rate is mostly set
            self._is_first_step = False
            with self.recorder.guarded():
                rate = rate_set_by_hand(getattr(self.model, "optimizer", None))
                if rate is not None:
                    before = self.recorder.noted_rate
                    by = None if before is None else who_set(self._callbacks, before, rate)
                    self.recorder.note_learning_rate(rate, by)

    def end_epoch(self, epoch: int, logs: Mapping[str, Any]) -> None:
        if self.recorder.active and self.has_started and epoch != self._ended_epoch:
            self._ended_epoch = epoch
            self.recorder.end_epoch(epoch, logs)

    def end(self) -> int:
        """The number of the last step."""
        train_function = self._train_function
        if train_function is not None and train_function.fit is self:
            if train_function.announced and self.recorder.active and self.recorder.step == self._first:
                warnings.warn(
                    "tb_lossdiag recorded no step: the loop did not call model.train_function. "
                    "A loop of your own is recorded with TrainingMonitor.",
                    RuntimeWarning,
                    stacklevel=4,
                )
            if self.model.train_function is train_function and not train_function.takes_every_step:
                self.model.train_function = train_function.plain
        self.recorder.pause()
        return self.recorder.step


def recorded_inside(model: keras.Model, loop: Loop) -> Path | None:
    """Where a fit of this model that is going on is recorded into, while the loop begins as a part of it."""
    fit = getattr(_standing_in(model), "fit", None)
    if fit is None or not fit.recorder.active:
        return None
    is_this = fit.loop == loop and not fit.has_started
    return fit.recorder.log_dir if is_this or fit.loop.is_around_this_one() else None


def _standing_in(model: keras.Model) -> Any:
    """What stands, or stood last, in the place of the model's own train function; None for nothing."""
    function = getattr(model, "train_function", None)
    return function if hasattr(function, "plain") else getattr(function, STAND_IN, None)


def _stand_in(model: keras.Model, before: Any, selection: Selection) -> Any:
    """What is to stand there: the same again, with all that it has traced, where it may."""
    kind = _train_function_of_backend()
    if isinstance(before, kind) and before.may_serve(selection):
        return before
    if before is None and model.train_function is None:
        model.make_train_function()  # as train_on_batch would
    plain = model.train_function if before is None else before.plain
    made = kind(model, plain, selection)
    with suppress(AttributeError, TypeError):  # then the next fit begins anew
        setattr(plain, STAND_IN, made)
    return made


def _train_function_of_backend() -> Callable:
    backend = keras.backend.backend()
    if backend == "tensorflow":
        from tb_lossdiag.recording.train_function import TrainFunction
    elif backend == "jax":
        from tb_lossdiag.recording.jax.twin import TrainFunction
    elif backend == "torch":
        from tb_lossdiag.recording.torch.train_function import TrainFunction
    else:
        # Raised inside the recorder's guard: one warning, and the fit goes on.
        raise NotImplementedError(f"Keras on {backend} is not recorded, only on tensorflow, jax and torch")
    return TrainFunction
