"""What happens around each step of a watched training? The Watcher samples some, and keeps the loss of the others."""

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tb_lossdiag.run import ModelCard
from tb_lossdiag.torch.batch_loss import BatchLoss
from tb_lossdiag.torch.card import Plan, model_card
from tb_lossdiag.torch.packing import Sample, packed
from tb_lossdiag.torch.recorder import Recorder
from tb_lossdiag.torch.seen import Seen
from tb_lossdiag.torch.structure import bare
from tb_lossdiag.torch.updates import Gradients, gradients_of, updates_of, weights_of
from tb_lossdiag.torch.weights import initial_weights


class Watcher:
    """A training under watch; `watch` makes it, and says what it records."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        log_dir: str | os.PathLike,
        loss: nn.Module | None,
        plan: Plan,
    ) -> None:
        self._optimizer = optimizer
        self._plan = plan
        self._bare = bare(model)
        self._knows_training_mode = False
        self._sampling = False
        self._before: dict[str, Tensor] = {}
        self._gradients: Gradients | None = None
        self._rate: Tensor | float = float("nan")
        self._ended: float | None = None
        self._hooks: list[Any] = []
        self._recorder = Recorder(log_dir if _is_first_process() else None, plan.every, plan.total, _taken(optimizer))
        if not self._recorder.active:
            return
        guarded = self._recorder.guarded
        with guarded():
            self._seen = Seen(model, loss, self._counts, guarded)
            self._initial = initial_weights(self._seen.structure)
            parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
            self._loss = BatchLoss(parameters, loss, self._counts, self._seen.saw_loss, guarded)
            self._hooks.append(optimizer.register_step_pre_hook(self._before_step))
            self._hooks.append(optimizer.register_step_post_hook(self._after_step))
            self._prepare()

    def epoch(self, epoch: int, **metrics: float) -> None:
        """The end of an epoch, under Keras's names for its metrics: val_loss, accuracy, val_accuracy, ….

        `loss` is the mean of the recorded batch losses unless it is given. Raises TypeError for other than numbers.
        """
        if isinstance(epoch, bool) or not isinstance(epoch, int):
            raise TypeError(f"epoch={epoch!r}: expected an int, got {type(epoch).__name__}")
        for name, value in metrics.items():
            if not isinstance(value, (int, float, Tensor, np.number)) or np.ndim(value):
                raise TypeError(f"{name}={value!r}: expected a number")
        self._recorder.end_epoch(epoch, {name: _number(value) for name, value in metrics.items()})

    def close(self) -> None:
        """Ends the recording and takes all hooks away; a second call does nothing."""
        self._recorder.close()
        if self._hooks:
            self._let_go()
        while self._hooks:
            self._hooks.pop().remove()

    def __enter__(self) -> "Watcher":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _counts(self) -> bool:
        """Whether a forward pass now is one of the training; a model that is never in training mode trains in eval."""
        self._knows_training_mode |= self._bare.training
        return torch.is_grad_enabled() and (self._bare.training or not self._knows_training_mode)

    def _prepare(self) -> None:
        """For the next step."""
        self._gradients = None
        self._sampling = self._recorder.samples_next()
        if self._sampling:
            self._seen.open()

    def _before_step(self, optimizer: Optimizer, args: tuple, kwargs: dict[str, Any]) -> tuple | None:
        """args: with the optimizer itself in front. Answers other arguments where the step calls the model itself."""
        if not self._sampling or not self._recorder.active:
            return None
        with self._recorder.guarded(), torch.no_grad():
            self._before = weights_of(self._seen.structure.parameters)
            rate = optimizer.param_groups[0]["lr"]
            self._rate = rate.detach().clone() if isinstance(rate, Tensor) else float(rate)
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
        with self._recorder.guarded(), torch.no_grad():
            scale = getattr(self._optimizer, "grad_scale", None)
            self._gradients = gradients_of(self._seen.structure.parameters, scale)
            self._step_loss = self._loss.take()

    def _after_step(self, optimizer: Optimizer, args: tuple, kwargs: dict[str, Any]) -> None:
        if not self._recorder.active:
            self._let_go()
            return
        with self._recorder.guarded():
            sampled = self._sampling and self._gradients is not None
            if sampled:
                with torch.no_grad():
                    self._recorder.record_sample(self._sample(), self._card)
            last, _ = self._loss.take()
            if self._sampling:
                self._seen.close()
            if not sampled:
                self._recorder.record_plain(last)
            now, before = time.perf_counter(), self._ended
            self._recorder.took(sampled, None if before is None else now - before)
            self._ended = now
            self._prepare()

    def _sample(self) -> Sample:
        structure = self._seen.structure
        updates, shares = updates_of(self._before, structure.parameters, self._gradients)
        loss, scale = self._step_loss
        known = {"loss": loss, "learning_rate": self._rate, "loss_scale": scale}
        step = {name: value for name, value in known.items() if value is not None}
        self._before = {}
        return packed(structure, self._seen.forward, self._gradients, updates, shares, step)

    def _card(self, sample: Sample) -> ModelCard:
        rows = sample.rows, sample.data_rows
        return model_card(self._bare, self._optimizer, self._seen, *rows, self._initial, self._plan)

    def _let_go(self) -> None:
        """Of everything but the optimizer, whose hooks must not go while they run."""
        self._seen.close()
        self._loss.close()


def _number(value: Any) -> float:
    return value.item() if isinstance(value, Tensor) else float(value)


def _is_first_process() -> bool:
    distributed = torch.distributed
    return not (distributed.is_available() and distributed.is_initialized() and distributed.get_rank())


def _taken(optimizer: Optimizer) -> int:
    """Steps that the optimizer has taken before, where it counts them, as in a training that is resumed."""
    counts = [state["step"] for state in optimizer.state.values() if "step" in state]
    return int(max(counts, default=0))
