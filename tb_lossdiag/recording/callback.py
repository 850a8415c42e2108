"""How is a `model.fit` recorded? LossDiagnostics, a Keras callback; nothing else in the training changes."""

import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras

from tb_lossdiag.recording.cadence import checked_every
from tb_lossdiag.recording.fit import Fit, recorded_inside
from tb_lossdiag.recording.loop import Loop, callbacks_told
from tb_lossdiag.recording.policy import policy
from tb_lossdiag.recording.selection import selection
from tb_lossdiag.recording.writer import checked_directory


class LossDiagnostics(keras.callbacks.Callback):
    """Records what a diagnosis needs into `<log_dir>/diagnostics`, for TensorBoard's Diagnostics tab.

        model.fit(x, y, epochs=5, callbacks=[LossDiagnostics("logs/run1")])

    every: "auto" samples the first 20 steps and then as many as cost under 2 % of the step time, but some all through
    the training whatever they cost; an int samples the first step, each multiple of it and the last step. Steps in
    between run the model's own compiled train function and keep their loss and learning rate only. The weights after
    training are, bit for bit, those of a fit without it. Where recording fails it warns once and stops.
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
        self._last_step = 0
        self._fit: Fit | None = None
        self._inner: list[Loop] = []
        self._was_begun = False
        self._said: set[str] = set()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        loop, fit, self._was_begun = Loop(), self._fit, True
        if self.model is None:
            self._say("on_train_begin was called before set_model, so this training is not recorded")
            return
        if fit is not None and fit.loop.is_around_this_one():
            self._inner.append(loop)
            self._say("a fit inside of one that the same LossDiagnostics records is not recorded")
            return
        if fit is not None and fit.loop == loop and not fit.has_started:
            return  # it is in the list of callbacks twice
        self._end()  # a fit that raised did not
        other = recorded_inside(self.model, loop)
        if other is not None:
            self._say(f"the fit is recorded into {other} by another LossDiagnostics, so nothing goes to {self.log_dir}")
            return
        others = callbacks_told()
        self._fit = Fit(self.model, loop, self.log_dir, self.every, self._selection, self._last_step, others)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._is_outside():
            self._fit.begin_epoch(epoch, self.params)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._is_outside():
            self._act()
            self._fit.begin_batch()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._is_outside():
            self._fit.end_epoch(epoch, logs or {})

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._is_outside():
            self._end()
            if self._policy is not None:
                self._policy.finish()
        elif self._inner:
            self._inner.pop()

    def _is_outside(self) -> bool:
        """Whether what Keras tells is told of the fit that is recorded, and not of one inside of it."""
        while self._inner and not self._inner[-1].is_running():
            self._inner.pop()  # it raised
        if not self._was_begun:
            self._was_begun = True
            self._say("on_train_begin was not called, so this training is not recorded")
        return self._fit is not None and not self._inner

    def _act(self) -> None:
        """Between two steps."""
        if self._policy is None:
            return
        self._policy.act()
        if self._policy.should_stop:
            self._fit.model.stop_training = True

    def _end(self) -> None:
        if self._fit is not None:
            self._last_step = self._fit.end()
        self._fit, self._inner = None, []

    def _say(self, what: str) -> None:
        if what not in self._said:
            self._said.add(what)
            warnings.warn(f"tb_lossdiag: {what}", RuntimeWarning, stacklevel=3)
