"""How is a custom training loop recorded? TrainingMonitor watches the step function, eager, tf.function or XLA."""

import functools
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import numpy as np

from tb_lossdiag.recording.cadence import checked_every
from tb_lossdiag.recording.loss_card import has_sparse_labels
from tb_lossdiag.recording.policy import policy
from tb_lossdiag.recording.recorder import Recorder
from tb_lossdiag.recording.selection import selection
from tb_lossdiag.recording.twin import Packer, run_twin, twin_of
from tb_lossdiag.recording.writer import checked_directory


class TrainingMonitor:
    """Records a training that is not a `model.fit` into `<log_dir>/diagnostics`.

        monitor = TrainingMonitor(model, optimizer, "logs/run1")

        @monitor.watch
        @tf.function
        def train_step(x, y):
            ...
            return loss

    What only the loss function tells is recorded where the model is compiled with it.

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
    ) -> None:
        if not isinstance(model, keras.Model):
            raise TypeError(f"model={model!r}: expected a keras.Model, got {type(model).__name__}")
        if not isinstance(optimizer, keras.optimizers.Optimizer):
            raise TypeError(f"optimizer={optimizer!r}: expected a Keras optimizer, got {type(optimizer).__name__}")
        self.model = model
        self.optimizer = optimizer
        log_dir, every = checked_directory(log_dir), checked_every(every)
        self._policy = policy(on_finding, min_severity, log_dir)
        self._recorder = Recorder(model, optimizer, log_dir, every)
        self._recorder.selection = selection(include, exclude)
        self._packer = Packer(has_sparse_labels(model), self._recorder.selection)
        self._started = False

    def watch(self, step: Callable) -> Callable:
        """The step function, recorded at each call; takes the same arguments and returns the same.

        The step returns a scalar loss, a dict with "loss", or something else, and then the loss is known on sampled
        steps only. Its second positional argument, when there is one, is taken for the targets. A tf.function that
        loops over a dataset is one call of many steps, whose last is recorded.
        """
        twin = twin_of(step, self.model, self.optimizer, self._packer)
        plain_calls = 0

        @functools.wraps(step)
        def watched(*args: Any, **kwargs: Any) -> Any:
            nonlocal plain_calls
            if not self._recorder.active:
                return step(*args, **kwargs)
            began, traces = time.perf_counter(), self._packer.traces
            if self._begin_step():
                both = run_twin(twin, self._recorder, *args, **kwargs)
                if both is None:
                    return step(*args, **kwargs)
                result, numbers = both
                self._end_sample(numbers, result, began, traces)
                return result
            result = step(*args, **kwargs)
            plain_calls += 1
            with self._recorder.guarded():
                self._count_steps()
                loss = _returned_loss(result)
                self._recorder.record_plain(loss, time.perf_counter() - began if plain_calls > 1 else None)
            return result

        return watched

    @contextmanager
    def step(self) -> Iterator[None]:
        """One eager training step stands in the block. Between samples its loss is not known."""
        if not self._recorder.active:
            yield
            return
        began, traces = time.perf_counter(), self._packer.traces
        if self._begin_step():
            with ExitStack() as stack:
                observation = self._packer.observe(stack, self.model, self.optimizer)
                yield
            self._end_sample(self._packer.numbers(observation), None, began, traces)
            return
        yield
        with self._recorder.guarded():
            self._recorder.record_plain(None, time.perf_counter() - began)

    @property
    def should_stop(self) -> bool:
        """Whether something was found that is to end the training, under on_finding="stop"."""
        return self._policy is not None and self._policy.should_stop

    def close(self) -> None:
        """Ends the recording; the watched function goes on without."""
        ended = self._recorder.active
        self._recorder.close()
        if ended and self._policy is not None:
            self._policy.finish()

    def __enter__(self) -> "TrainingMonitor":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _begin_step(self) -> bool:
        if self._policy is not None:
            self._policy.act()
        if not self._started:
            self._started = True
            self._recorder.start()
        return self._recorder.begin_step()

    def _end_sample(self, numbers: Mapping[str, Any], result: Any, began: float, traces: int) -> None:
        with self._recorder.guarded():
            self._count_steps()
            self._recorder.record_sample(self._packer.layout(numbers), numbers, _returned_loss(result))
            self._recorder.took(time.perf_counter() - began if self._packer.traces == traces else None)

    def _count_steps(self) -> None:
        """A call that loops over its data takes as many steps as the optimizer counted."""
        if self._packer.inside:
            done = int(keras.ops.convert_to_numpy(self.optimizer.iterations))
            self._recorder.width = max(1, done - self._recorder.step)


def _returned_loss(result: Any) -> float | None:
    loss = result.get("loss") if isinstance(result, Mapping) else result
    return float(loss) if loss is not None and np.ndim(loss) == 0 and not isinstance(loss, str) else None
