"""How is a `model.fit` recorded? LossDiagnostics, a Keras callback; nothing else in the training changes."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import keras

from tb_lossdiag.recording.cadence import checked_every
from tb_lossdiag.recording.keras_private import has_rate_of_its_own
from tb_lossdiag.recording.keras_training import KerasTraining
from tb_lossdiag.recording.policy import policy
from tb_lossdiag.recording.recorder import Recorder
from tb_lossdiag.recording.selection import selection
from tb_lossdiag.recording.writer import checked_directory


class LossDiagnostics(keras.callbacks.Callback):
    """Records what a diagnosis needs into `<log_dir>/diagnostics`, for TensorBoard's Diagnostics tab.

        model.fit(x, y, epochs=5, callbacks=[LossDiagnostics("logs/run1")])

    every: "auto" samples the first 20 steps and then as many as cost under 2 % of the step time; an int samples the
    first step, each multiple of it and the last step. Steps in between run the model's own compiled train function and
    keep their loss only. The weights after training are, bit for bit, those of a fit without it. Where recording fails
    it warns once and stops.
    include, exclude: patterns of layer paths such as "encoder/*"; layers that match none of the first, where there are
    any, or one of the second are left out. Norms over all variables still count every one.
    on_finding: what to do once something of `min_severity` ("critical", "warning" or "note") is found while training:
    None, "warn", "stop" (warns and ends the fit), or a callable that takes the cause and the report. Diagnosed in the
    background from what was recorded, in a fiftieth of the time.
    Raises TypeError or ValueError at once for a wrong argument.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike,
        every: int | str = "auto",
        include: str | Sequence[str] | None = None,
        exclude: str | Sequence[str] | None = None,
        on_finding: str | Callable | None = None,
        min_severity: str = "warning",
    ) -> None:
        super().__init__()
        self.log_dir = checked_directory(log_dir)
        self.every = checked_every(every)
        self._selection = selection(include, exclude)
        self._policy = policy(on_finding, min_severity, self.log_dir)
        self._recorder: Recorder | None = None
        self._last_step = 0
        self._train_function: Any = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._restore()  # a fit that raised did not
        optimizer = getattr(self.model, "optimizer", None)
        self._recorder = Recorder(KerasTraining(self.model, optimizer), self.log_dir, self.every)
        self._recorder.step = self._last_step
        self._recorder.selection = self._selection
        self._started = False
        with self._recorder.guarded():
            self._train_function = _train_function_of_backend()(self.model, self._recorder)
            self.model.train_function = self._train_function

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self._recorder.active:
            return
        if not self._started:
            self._started = True
            epochs, steps = self.params.get("epochs"), self.params.get("steps")
            left = epochs - epoch if epochs else 0
            self._recorder.start(epochs, steps, left, self.model.steps_per_execution)
        self._train_function.batch_loss.start_epoch()
        self._recorder.start_epoch()
        self._first_step = True

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._act()
        if not self._recorder.active:
            return
        self._train_function.announced = True
        if self._first_step:  # after every callback's on_epoch_begin, where the rate is mostly set
            self._first_step = False
            with self._recorder.guarded():
                rate = _rate_set_by_hand(getattr(self.model, "optimizer", None))
                if rate is not None:
                    self._recorder.note_learning_rate(rate)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._recorder.active:
            self._recorder.end_epoch(epoch, logs or {})

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self._restore()
        if self._policy is not None:
            self._policy.finish()

    def _act(self) -> None:
        """Between two steps."""
        if self._policy is None:
            return
        self._policy.act()
        if self._policy.should_stop:
            self.model.stop_training = True

    def _restore(self) -> None:
        if self._train_function is not None and self._train_function.model.train_function is self._train_function:
            self._train_function.model.train_function = self._train_function.plain
        if self._recorder is not None:
            self._last_step = self._recorder.step
            self._recorder.close()
        self._train_function = self._recorder = None


def _train_function_of_backend() -> Callable:
    """What stands in for the train function under Keras's current backend."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        from tb_lossdiag.recording.twin import TrainFunction
    elif backend == "jax":
        from tb_lossdiag.recording.jax.twin import TrainFunction
    elif backend == "torch":
        from tb_lossdiag.recording.torch.train_function import TrainFunction
    else:
        # Raised inside the recorder's guard: one warning, and the fit goes on.
        raise NotImplementedError(f"Keras on {backend} is not recorded, only on tensorflow, jax and torch")
    return TrainFunction


def _rate_set_by_hand(optimizer: Any) -> float | None:
    """The optimizer's learning rate when it is a plain number; a schedule changes it without anyone's doing."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if optimizer is None or not has_rate_of_its_own(optimizer):
        return None
    return float(keras.ops.convert_to_numpy(optimizer.learning_rate))
