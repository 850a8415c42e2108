"""What happens around each step of a watched training? The Watcher samples some, and keeps the loss of the others."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tb_lossdiag.recording.layout import Layout
from tb_lossdiag.recording.policy import Policy
from tb_lossdiag.recording.recorder import Loss, Recorder
from tb_lossdiag.recording.selection import Selection
from tb_lossdiag.recording.torch.updates import Gradients, copies_of, gradients_of
from tb_lossdiag.torch.backward import Listener, listen, unlisten
from tb_lossdiag.torch.batch_loss import BatchLoss
from tb_lossdiag.torch.derivatives import Derivatives
from tb_lossdiag.torch.held import HeldGradients
from tb_lossdiag.torch.marks import marks
from tb_lossdiag.torch.packing import packed
from tb_lossdiag.torch.seen import Seen
from tb_lossdiag.torch.structure import bare
from tb_lossdiag.torch.torch_training import TorchTraining
from tb_lossdiag.torch.unread import Unread
from tb_lossdiag.torch.views import Views

# Gradients are added up over 64 batches now and then; nobody was seen to add up more.
PASSES_WITHOUT_STEP = 256


class Watcher(Listener):
    """A training under watch; `watch` makes it, and says what it records."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        log_dir: str | os.PathLike,
        loss: nn.Module | Callable | None,
        every: int | str,
        epochs: int | None,
        steps_per_epoch: int | None,
        selection: Selection,
        policy: Policy | None,
    ) -> None:
        self._optimizer = optimizer
        self._policy = policy
        self._bare = bare(model)
        self._sampling = self._was_taken = False
        self._facts: dict[str, Any] = {}  # of the model, as the card tells them
        self._before: dict[str, Tensor] = {}
        self._gradients: Gradients | None = None
        self._rate: Tensor | float = float("nan")
        self._ended: float | None = None
        self._passes = 0
        self._marks: list[tuple[int, int]] = []
        self._unread = Unread()
        self._derivatives, self._views = Derivatives(), Views()
        self._hooks: list[Any] = []
        self._training = training = TorchTraining(self._bare, optimizer)
        self._recorder = Recorder(training, log_dir, every)
        self._recorder.selection = selection
        if not self._recorder.active:
            return
        guarded = self._recorder.guarded
        self._recorder.start(epochs, steps_per_epoch, epochs or 0)
        self._epoch_start = self._recorder.step
        with guarded():
            self._seen = training.seen = Seen(model, optimizer, loss, selection, guarded)
            selection.checked(self._seen.structure.layers)
            self._parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
            self._loss = BatchLoss(self._parameters, loss if isinstance(loss, nn.Module) else None, guarded)
            self._held = HeldGradients(optimizer, guarded)
            listen(self)
            self._hooks.append(optimizer.register_step_pre_hook(self._before_step))
            self._hooks.append(optimizer.register_step_post_hook(self._after_step))
            self._prepare()

    def epoch(self, epoch: int, **metrics: float) -> None:
        """The end of an epoch, under Keras's names for its metrics: val_loss, accuracy, val_accuracy, ….

        `loss` is the mean of the batch losses unless it is given. Raises TypeError for other than numbers.
        """
        if isinstance(epoch, bool) or not isinstance(epoch, int):
            raise TypeError(f"epoch={epoch!r}: expected an int, got {type(epoch).__name__}")
        _check_numbers(metrics)
        if not self._recorder.active or self._recorder.step == self._epoch_start:
            return  # no step was taken since the last one
        self._epoch_start = self._recorder.step
        with self._recorder.guarded():
            mean = self._recorder.mean_loss()
            known = {} if mean is None else {"loss": mean}
            self._recorder.end_epoch(epoch, known | {name: _number(value) for name, value in metrics.items()})

    def loss_terms(self, **terms: Tensor | float) -> None:
        """What the loss of this step is made of, by name; between the forward pass and the optimizer's step. Of terms
        told before the backward pass it is measured now and then how hard each pulls at the weights that they share.

        Between samples it does nothing. Raises TypeError for other than numbers.
        """
        _check_numbers(terms)
        if self._sampling and self._recorder.active:
            with self._recorder.guarded(), torch.no_grad():
                self._seen.tell(terms)

    @property
    def should_stop(self) -> bool:
        """Whether something was found that is to end the training, under on_finding="stop"."""
        return self._policy is not None and self._policy.should_stop

    def close(self) -> None:
        """Ends the recording and takes all hooks away; a second call does nothing."""
        ended = self._recorder.active
        self._recorder.close()
        if self._hooks:
            self._let_go()
        while self._hooks:
            self._hooks.pop().remove()
        if ended and self._policy is not None:
            self._policy.finish()

    def __enter__(self) -> "Watcher":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def backward_begins(self, loss: Tensor | None) -> None:
        if loss is not None and self._sampling and self._recorder.active:
            with self._recorder.guarded():
                self._views.backward_begins(loss)

    def backward_ended(self, loss: Tensor | None) -> None:
        """After so many passes and no step the loop has none: until it has one, nothing more is measured."""
        self._passes += 1
        if self._passes in (1, PASSES_WITHOUT_STEP) and self._recorder.active:
            with self._recorder.guarded():
                before, self._marks = self._marks, marks(self._parameters)
                if self._passes > 1 and before != self._marks:  # else the passes are those of another model
                    self._recorder.tell("no_step", passes=self._passes)
                    self._seen.freeze()
                    self._held.close()
                elif self._passes > 1:
                    self._passes = 0

    def differentiated(self, outputs: Any, inputs: Any, results: Any) -> None:
        if self._sampling and self._recorder.active:
            with self._recorder.guarded():
                self._derivatives.saw(outputs, inputs, results)

    def compared(self, left: Tensor, right: Tensor, cosine: Tensor) -> None:
        if self._sampling and self._recorder.active:
            with self._recorder.guarded():
                self._views.saw(left, right, cosine)

    def scaled_step_begins(self, optimizer: Optimizer) -> None:
        if optimizer is self._optimizer:
            self._was_taken = False

    def scaled_step_ended(self, optimizer: Optimizer) -> None:
        """A step that the scaler skipped is one whose update is 0; our hooks have not been called."""
        if optimizer is self._optimizer and not self._was_taken and self._recorder.active:
            self._before_step(optimizer, (optimizer,), {})
            self._after_step(optimizer, (optimizer,), {})

    def _prepare(self) -> None:
        """For the next step."""
        self._gradients = None
        self._sampling = self._recorder.begin_step()
        if self._sampling:
            self._seen.open(self._recorder.counts())
            self._held.open()

    def _before_step(self, optimizer: Optimizer, args: tuple, kwargs: dict[str, Any]) -> tuple | None:
        """args: with the optimizer itself in front. Answers other arguments where the step calls the model itself."""
        if not self._sampling or not self._recorder.active:
            return None
        with self._recorder.guarded(), torch.no_grad():
            self._before = copies_of(self._seen.structure.parameters)
            self._rate = self._current_rate()
        closure = args[1] if len(args) > 1 else kwargs.get("closure")
        if closure is None:
            self._take_gradients()
            return None
        watched = self._watched(closure)
        return ((args[0], watched, *args[2:]), kwargs) if len(args) > 1 else (args, {**kwargs, "closure": watched})

    def _watched(self, closure: Callable[[], Any]) -> Callable[[], Any]:
        """Its first call is at the weights that the step begins with."""

        def watched() -> Any:
            result = closure()
            if self._gradients is None:
                self._take_gradients()
            return result

        return watched

    def _take_gradients(self) -> None:
        self._seen.freeze()
        self._held.close()
        with self._recorder.guarded(), torch.no_grad():
            scale = getattr(self._optimizer, "grad_scale", None)  # where the optimizer itself divides by a GradScaler's
            parameters = self._seen.structure.parameters.items()
            given = {path: parameter.grad.detach() for path, parameter in parameters if parameter.grad is not None}
            self._gradients = gradients_of(given, scale, self._seen.has_histograms)
            self._step_loss = self._loss.take()
            self._evaluation_loss = self._seen.evaluation_loss()
            mixing = self._seen.mixing()
            self._facts = {} if mixing is None else {"mixing": mixing}
            if self._derivatives.are_second:
                self._facts["second_derivatives"] = True
            if self._views.are_all_of(self._step_loss[0]):
                self._facts["draws_together"] = True
            self._derivatives.forget()
            self._views.forget()

    def _after_step(self, optimizer: Optimizer, args: tuple, kwargs: dict[str, Any]) -> None:
        self._was_taken, self._passes = True, 0
        if not self._recorder.active:
            self._let_go()
            return
        with self._recorder.guarded():
            before, self._ended = self._ended, time.perf_counter()
            if self._sampling and self._gradients is not None:
                with torch.no_grad():
                    self._recorder.record_sample(*self._sample(), None)
                self._loss.take()
                self._ended = time.perf_counter()
                self._recorder.took(None if before is None else self._ended - before)
            else:
                seconds = None if before is None else self._ended - before
                loss, scale = self._loss.take()
                self._recorder.record_plain(
                    self._told(loss),
                    seconds,
                    learning_rate=self._told(self._current_rate()),
                    loss_scale=self._told(scale),
                )
            if self._sampling:
                self._seen.close()
            self._prepare()
        if self._policy is not None:
            self._policy.act()

    def _sample(self) -> tuple[Layout, dict[str, np.ndarray]]:
        after = {path: parameter.detach() for path, parameter in self._seen.structure.parameters.items()}
        before, self._before = self._before, {}
        loss, scale = self._step_loss
        used, carried, cleared = self._seen.used, self._held.carried, self._held.were_cleared
        if carried is not None and scale is not None:
            carried = carried / scale.to(carried.device)
        left = self._held.left
        if left is not None and scale is not None and getattr(self._optimizer, "grad_scale", None) is None:
            left = left * scale.to(left.device)  # a scaler has divided by it since
        known = {
            "loss": loss,
            "learning_rate": self._rate,
            "loss_scale": scale,
            "gradient_carried": carried,
            "clip_factor": left,
            "evaluation_loss": self._evaluation_loss,
            "training_mode": float(used.forward.is_training) if used.passes else None,
        }
        step = {name: value for name, value in known.items() if value is not None}
        self._training.is_scaled |= scale is not None
        self._training.facts = {
            **self._facts,
            **({"gradients_cleared": True} if cleared else {}),
            **({"pull_not_measured": self._seen.not_pulled} if self._seen.not_pulled else {}),
        }
        return packed(self._seen, self._gradients, before, after, step, self._recorder.selection, cleared)

    def _current_rate(self) -> Tensor | float:
        rate = self._optimizer.param_groups[0]["lr"]
        return rate.detach().clone() if isinstance(rate, Tensor) else float(rate)

    def _told(self, number: Tensor | float | None) -> Loss | None:
        if not isinstance(number, Tensor):
            return number
        return number.item() if number.device.type == "cpu" else self._unread.add(number)

    def _let_go(self) -> None:
        """Of everything but the optimizer, whose hooks must not go while they run."""
        self._seen.close()
        self._held.close()
        self._loss.close()
        unlisten(self)


def _check_numbers(named: Mapping[str, Any]) -> None:
    for name, value in named.items():
        if not isinstance(value, (int, float, Tensor, np.number)) or np.ndim(value):
            raise TypeError(f"{name}={value!r}: expected a number")


def _number(value: Any) -> float:
    return value.item() if isinstance(value, Tensor) else float(value)
