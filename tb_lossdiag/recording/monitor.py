"""How is a custom training loop recorded? TrainingMonitor watches the step function, eager, tf.function or XLA."""

import functools
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import numpy as np

from tb_lossdiag.recording.applied import Applied, AppliedRate
from tb_lossdiag.recording.cadence import SharedCadence, checked_every
from tb_lossdiag.recording.eager_loss import EagerLoss
from tb_lossdiag.recording.keras_training import KerasTraining
from tb_lossdiag.recording.late import TIMED_STEPS, is_awaited
from tb_lossdiag.recording.loss_calls import checked_loss
from tb_lossdiag.recording.loss_card import has_sparse_labels
from tb_lossdiag.recording.packer import Packer
from tb_lossdiag.recording.policy import policy
from tb_lossdiag.recording.recorder import Recorder
from tb_lossdiag.recording.scheduled import Scheduled
from tb_lossdiag.recording.selection import selection
from tb_lossdiag.recording.twin import twin_of
from tb_lossdiag.recording.watched import WatchedStep
from tb_lossdiag.recording.workers import in_lockstep, replicas_of
from tb_lossdiag.recording.writer import checked_directory


class TrainingMonitor:
    """Records a training that is not a `model.fit` into `<log_dir>/diagnostics`.

        monitor = TrainingMonitor(model, optimizer, "logs/run1")

        @monitor.watch
        @tf.function
        def train_step(x, y):
            ...
            return loss

    The loss is known where the step calls one of keras.losses, or of TensorFlow's cross-entropies, on the model's
    output. One that is written out is to be named as `loss`, a Keras loss, its name or a function of (y, prediction)
    that answers what the step computes; else a loss that the model is compiled with is taken for it. It is called again
    on other outputs, to tell what the model's own are worth.

    Under MirroredStrategy and MultiWorkerMirroredStrategy watch the step that calls `strategy.run`, on every worker,
    with the same `every`; the first worker writes. Loss, gradients, updates and weights are those of the global batch
    (gradients as the optimizer added them up, so after clipping), layer outputs and data those of the first replica.
    Where workers meet in each step they have to sample the same ones, so "auto" goes by the number of calls alone: the
    first 20, some more, then one in a hundred; and on_finding acts on the first worker only, where "stop" means "warn".
    Under ParameterServerStrategy see `schedule`.

    every, include, exclude, on_finding, min_severity: as for LossDiagnostics; a loop that is to end on "stop" asks
    `should_stop`. Raises TypeError or ValueError at once for a wrong argument.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: Any,
        log_dir: str | os.PathLike,
        every: int | str = "auto",
        include: str | Sequence[str] | None = None,
        exclude: str | Sequence[str] | None = None,
        on_finding: str | Callable | None = None,
        min_severity: str = "warning",
        loss: Any = None,
    ) -> None:
        if not isinstance(model, keras.Model):
            raise TypeError(f"model={model!r}: expected a keras.Model, got {type(model).__name__}")
        if not isinstance(optimizer, keras.optimizers.Optimizer):
            raise TypeError(f"optimizer={optimizer!r}: expected a Keras optimizer, got {type(optimizer).__name__}")
        self.model = model
        self.optimizer = optimizer
        log_dir, every = checked_directory(log_dir), checked_every(every)
        self._shared = SharedCadence(every) if in_lockstep(model) else None
        checked = policy(on_finding, min_severity, log_dir)
        warns_only = self._shared is not None and on_finding == "stop"  # if one stopped, the others would wait for it
        self._loss = checked_loss(loss)
        self._policy = policy("warn", min_severity, log_dir) if warns_only else checked
        self._recorder = Recorder(KerasTraining(model, optimizer), log_dir, every, selection(include, exclude))
        self._packer = self._new_packer()  # of steps that are no function
        self._applied_rate = AppliedRate()
        self._eager_loss = EagerLoss(model, optimizer, self._recorder.guarded)  # of steps that are no function
        self._started = False
        self._timed = 0
        self._awaited: Callable[[], float] = float  # the loss of the last step that a device may still compute
        self._scheduled: Scheduled | None = None

    def watch(self, step: Callable) -> Callable:
        """The step function, recorded at each call; takes the same arguments and returns the same.

        The step returns a scalar loss, a dict with "loss", or something else, and then the loss is known on sampled
        steps only. Its second positional argument, when there is one, is taken for the targets. A tf.function that
        loops over a dataset is one call of many steps, whose last is recorded.
        """
        one = self._watched(step)
        if one is None:
            return step
        packer, plain_calls = one.packer, 0

        @functools.wraps(step)
        def watched(*args: Any, **kwargs: Any) -> Any:
            nonlocal plain_calls
            if not self._takes_part():
                return one.unrecorded(args, kwargs)
            sampled = self._begin_step() and self._may_sample(one, args, kwargs)
            began, traces = time.perf_counter(), packer.traces
            applied = {} if sampled else self._applied(packer)
            if not sampled and packer.gate is None:
                result = step(*args, **kwargs)
                plain_calls += 1
                self._end_plain(packer, result, began if plain_calls > 1 else None, applied)
                return result
            self._open(packer, sampled)
            both = one.observed(self._recorder, args, kwargs)
            if both is None:
                return one.unrecorded(args, kwargs)
            result, numbers = both
            if sampled:
                self._end_sample(packer, numbers, result, self._since(packer, began, traces))
            else:
                self._end_plain(packer, result, began if packer.traces == traces else None, applied)
            return result

        return watched

    @contextmanager
    def step(self) -> Iterator[None]:
        """One eager training step stands in the block. Its loss is what it differentiates for the model's weights."""
        packer, takes_part = self._packer, self._takes_part()
        sampled = takes_part and self._begin_step()
        began, traces = time.perf_counter(), packer.traces
        applied = self._applied(packer) if takes_part and not sampled else {}
        self._open(packer, sampled)
        with ExitStack() as stack:
            if takes_part:
                stack.enter_context(self._eager_loss.watching())
            watches = sampled or packer.gate is not None
            observation = packer.observe(stack, self.model, self.optimizer) if watches else None
            yield
        if sampled:
            self._end_sample(packer, packer.numbers(observation), None, self._since(packer, began, traces))
        elif takes_part:
            self._end_plain(packer, self._eager_loss.last(), began, applied)

    def schedule(
        self, coordinator: Any, step: Callable, args: tuple = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Schedules a tf.function and records it; for ParameterServerStrategy, in the place of coordinator.schedule.

        Takes and answers the same, and waits for nothing. Close the monitor after `coordinator.join()`. Steps are
        numbered as they were scheduled; what one of them changed includes what others changed meanwhile. Samples are
        taken by number alone: under "auto" the first 20 steps, some more, then one in a hundred.
        """
        if not self._recorder.active:
            return coordinator.schedule(step, args, kwargs)
        self._begin()
        if self._scheduled is None:
            self._packer.switch = None  # another process's step cannot read a variable of this one
            self._scheduled = Scheduled(
                self._recorder.every,
                self._twin,
                lambda result: self._end_plain(self._packer, result, None, {}),
                lambda result, numbers: self._end_sample(self._packer, numbers, result, lambda: None),
            )
        return self._scheduled.schedule(coordinator, step, args, dict(kwargs or {}))

    @property
    def should_stop(self) -> bool:
        """Whether something was found that is to end the training, under on_finding="stop"."""
        return self._policy is not None and self._policy.should_stop

    def close(self) -> None:
        """Ends the recording; the watched function goes on without."""
        if self._scheduled is not None:
            self._scheduled.close()
        ended = self._recorder.active
        self._recorder.close()
        if ended and self._policy is not None:
            self._policy.finish()

    def __enter__(self) -> "TrainingMonitor":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _watched(self, step: Callable) -> WatchedStep | None:
        """None where this version's functions have no twin."""
        with self._recorder.guarded():
            return WatchedStep(step, self.model, self.optimizer, self._new_packer())
        return None

    def _twin(self, step: Callable) -> Callable | None:
        """None where this version's functions have none."""
        with self._recorder.guarded():
            return twin_of(step, self.model, self.optimizer, self._packer)
        return None

    def _takes_part(self) -> bool:
        """Whether a step has to be asked for: a worker whose recording ended still samples with the others."""
        return self._recorder.active or self._shared is not None

    def _begin_step(self) -> bool:
        shared = self._shared is not None and self._shared.next_is_sampled()  # first of all: nothing may skip it
        self._begin()
        sampled = self._recorder.begin_step() or shared
        if sampled:
            with self._recorder.guarded():
                self._awaited()  # or the sample would be taken to last as long as the steps that are still queued
        return sampled

    def _may_sample(self, one: WatchedStep, args: tuple, kwargs: Mapping[str, Any]) -> bool:
        with self._recorder.guarded():
            refusal = one.refusal(args, kwargs)
            if refusal is not None:
                self._recorder.sample_no_more(refusal)
            return refusal is None
        return False

    def _open(self, packer: Packer, sampled: bool) -> None:
        """Tells the twin what it is to compute in the next step."""
        if packer.gate is not None:
            packer.gate.set(sampled)
        if sampled:
            packer.switch.set(self._recorder.counts())

    def _new_packer(self) -> Packer:
        return Packer(has_sparse_labels(self.model), self._recorder.selection, replicas_of(self.model), self._loss)

    def _begin(self) -> None:
        if self._policy is not None and self._recorder.active:
            self._policy.act()
        if not self._started:
            self._started = True
            self._recorder.start()

    def _applied(self, packer: Packer) -> Applied:
        """What the next step applies, as far as it is known before it."""
        with self._recorder.guarded():
            return self._applied_rate.before(*packer.optimizers, None if packer.inside else 1)
        return {}

    def _end_plain(self, packer: Packer, result: Any, began: float | None, applied: Applied) -> None:
        """began: when the step did, None where that says nothing of how long it takes."""
        with self._recorder.guarded():
            if not self._recorder.active:
                return
            self._count_steps(packer)
            loss = _returned_loss(result)
            if loss is not None and is_awaited(loss):
                self._awaited = functools.partial(float, loss)
                self._timed += 1
                if self._timed > TIMED_STEPS or self._recorder.every != "auto":
                    self._recorder.record_plain(self._awaited, None, **applied)
                    return
            loss = None if loss is None else float(loss)
            self._recorder.record_plain(loss, None if began is None else time.perf_counter() - began, **applied)

    def _end_sample(
        self, packer: Packer, numbers: Mapping[str, Any], result: Any, seconds: Callable[[], float | None]
    ) -> None:
        """seconds: told once the sample is recorded, which counts as well."""
        with self._recorder.guarded():
            if self._recorder.active and not packer.holds(numbers):
                self._end_plain(packer, result, None, {})
            elif self._recorder.active:
                self._count_steps(packer)
                loss = _returned_loss(result)
                loss = None if loss is None else float(loss)
                self._eager_loss.learn(self._recorder.record_sample(packer.layout(numbers), numbers, loss))
                self._recorder.took(seconds())

    def _since(self, packer: Packer, began: float, traces: int) -> Callable[[], float | None]:
        """The seconds of a step; None where something was traced meanwhile."""
        return lambda: time.perf_counter() - began if packer.traces == traces else None

    def _count_steps(self, packer: Packer) -> None:
        """A call that loops over its data takes as many steps as the optimizer counted."""
        if packer.inside:
            done = int(keras.ops.convert_to_numpy(self.optimizer.iterations))
            self._recorder.width = max(1, done - self._recorder.step)


def _returned_loss(result: Any) -> Any:
    """A scalar, not read yet; None where the step returned none."""
    loss = result.get("loss") if isinstance(result, Mapping) else result
    return loss if loss is not None and np.ndim(loss) == 0 and not isinstance(loss, str) else None
