"""How does a fit of Keras on TensorFlow take sampled steps and plain ones by turns?

The user's own compiled step takes the plain ones, a twin of it the sampled ones. Where the step draws random numbers
from a state that lives in its own trace, turns would change what is drawn: then the twin takes every step.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import keras
import tensorflow as tf

from tb_lossdiag.recording.applied import Applied, AppliedRate
from tb_lossdiag.recording.draws import OWN_STATE, KeepsRandomState, draws, seeds
from tb_lossdiag.recording.loss_card import has_sparse_labels
from tb_lossdiag.recording.loss_entry import LossEntry
from tb_lossdiag.recording.packer import NUMBERS, Packer
from tb_lossdiag.recording.recorder import Recorder
from tb_lossdiag.recording.running_mean import BatchLoss
from tb_lossdiag.recording.selection import Selection
from tb_lossdiag.recording.slots import make_slots
from tb_lossdiag.recording.twin import (
    OneStep,
    has_run,
    is_twins,
    made,
    run_twin,
    taking,
    traced,
    twin_train_function,
)
from tb_lossdiag.recording.workers import replicas_of


class TrainFunction:
    """Stands in for `model.train_function` during a fit and decides call by call which function runs.

    It lives as long as the model's own train function, `plain`, and so does what it traced. fit, recorder: of the fit
    that is recorded, or was last. announced: set before each call by that fit; a call without it comes from elsewhere.
    """

    def __init__(self, model: keras.Model, plain: Callable, selection: Selection) -> None:
        self.model = model
        self.plain = plain
        self.selection = selection
        self.fit: Any = None
        self.recorder: Recorder | None = None
        self.announced = False
        self.batch_loss = BatchLoss()
        self._entry = LossEntry()
        self._packer = Packer(has_sparse_labels(model), selection, replicas_of(model))
        self._applied_rate = AppliedRate()
        self._plain_calls = 0
        self._batch_size = 0
        self._twin: Callable | None = None
        self._rest_function: Callable | None = None

    def may_serve(self, selection: Selection) -> bool:
        """Whether a fit of which these layers are to be recorded can use what was traced for another."""
        return self.takes_every_step or (self._packer.error is None and self.selection == selection)

    @property
    def takes_every_step(self) -> bool:
        """Whether it has to stay the model's train function, recorded or not: the random state is the twin's."""
        return self._packer.gate is not None and self._twin is not None

    def __call__(self, iterator: Any) -> Any:
        announced, self.announced = self.announced, False
        if not announced or not self.recorder.active:
            return self._unrecorded(iterator)
        is_sampled = self.recorder.begin_step()
        if is_sampled and self._twin is None:
            is_sampled = self._make_twin(iterator)
        if self.takes_every_step:
            return self._by_twin(iterator, is_sampled)
        return self._sampled(iterator) if is_sampled and self._may_be_split() else self._plain(iterator)

    def _may_be_split(self) -> bool:
        """Whether the next call's steps may be taken one by one.

        Before Keras 3.7 one that lacks data ends in an error, with nobody knows how many of them taken.
        """
        one_by_one = self.recorder.width == 1 or hasattr(self.model, "unrolled_steps_per_execution")
        return one_by_one or self.recorder.has_room()

    def _unrecorded(self, iterator: Any) -> Any:
        """A step as it would be without us; train_on_batch has traces of its own, and hands over no iterator of tf."""
        if not self.takes_every_step or not isinstance(iterator, (tf.data.Iterator, tf.distribute.DistributedIterator)):
            return self.plain(iterator)
        self._packer.gate.set(False)
        return self._twin(iterator)["logs"]

    def _make_twin(self, iterator: Any) -> bool:
        """Whether the step may be sampled. The plain step is traced first, as it will be needed, and looked at."""
        with self.recorder.guarded():
            make_slots(self.model)
            has_run_before, graph = has_run(self.plain), None
            with suppress(Exception):  # the user's, which is raised when the step is run
                graph = traced(self.plain, iterator)
            found = () if graph is None else draws(graph)
            if found and has_run_before:
                self.recorder.sample_no_more(f"{', '.join(found)} {OWN_STATE}; compile the model again before the fit")
                return False
            if found:
                self._packer.seeds = seeds(graph)
                self._packer.take_every_step()
            self._rest_function = made(self.model, self.model.train_step)
            self._twin = twin_train_function(self.model, self._packer, self.plain)
        return self._twin is not None

    def _plain(self, iterator: Any) -> Any:
        began, applied = time.perf_counter(), self._applied(self.recorder.width)
        logs = self.plain(iterator)
        self._plain_calls += 1
        with self.recorder.guarded():
            seconds = time.perf_counter() - began if self._plain_calls > 1 else None
            self._record_plain(logs, seconds, applied)
        return logs

    def _applied(self, steps: int) -> Applied:
        """What the last of the next so many steps applies, as far as it is known before them."""
        with self.recorder.guarded():
            return self._applied_rate.before(*self._packer.optimizers, steps)
        return {}

    def _record_plain(self, logs: Any, seconds: float | None, applied: Applied) -> None:
        width = self.recorder.width
        loss = self.batch_loss.recover(self._entry.of(logs), width)
        self.recorder.record_plain(loss, seconds, self.batch_loss.count == width, **applied)

    def _sampled(self, iterator: Any) -> Any:
        began, traces, width = time.perf_counter(), self._packer.traces, self.recorder.width
        self._packer.switch.set(self.recorder.counts())
        try:
            with taking(self.model, 1 if width == 1 else OneStep(1)):
                result = run_twin(self._twin, self._packer, self.recorder, iterator)
        except KeepsRandomState:
            self.recorder.sample_no_more(self._packer.refusal)
            return self._plain(iterator)
        if result is None:
            return self.plain(iterator)
        if not is_twins(result):
            self.recorder.stop(NotImplementedError(f"keras {keras.__version__} takes a train_step in another way"))
            return self._rest(iterator, width - 1, result) if width > 1 else result
        self.recorder.width = 1
        logs = result["logs"]
        self._record_sample(logs, result[NUMBERS])
        if width > 1:
            logs = self._rest(iterator, width - 1, logs)
            self.recorder.width = width
        self._took(began, traces)
        return logs

    def _record_sample(self, logs: Any, numbers: Mapping[str, Any]) -> None:
        with self.recorder.guarded():
            width, layout = self.recorder.width, self._packer.layout(numbers)
            loss = self.recorder.record_sample(layout, numbers, self._entry.of(logs))
            if self._entry.learn(logs, loss) and self._entry.name not in {metric.name for metric in self.model.metrics}:
                self.batch_loss.take_as_reported()
            self.batch_loss.recover(self._entry.of(logs), width)
            size = int(numbers["batch"])
            self._batch_size = self._batch_size or size
            if width == 1 and layout.knows_loss and size == self._batch_size:  # means of unequal batches are weighted
                self.batch_loss.learn(loss)

    def _took(self, began: float, traces: int) -> None:
        with self.recorder.guarded():
            self.recorder.took(time.perf_counter() - began if self._packer.traces == traces else None)

    def _rest(self, iterator: Any, steps: int, logs: Any) -> Any:
        """Takes the other steps of a sampled call plainly; the logs after the last, those given where data ran out."""
        applied = self._applied(steps)
        try:
            with taking(self.model, OneStep(1) if steps == 1 else steps):
                logs = self._rest_function(iterator)
        except (StopIteration, tf.errors.OutOfRangeError):
            return logs
        self.recorder.width = steps
        with self.recorder.guarded():
            self._record_plain(logs, None, applied)
        return logs

    def _by_twin(self, iterator: Any, is_sampled: bool) -> Any:
        """Any step of a fit whose steps are all the twin's; of a call of several steps the last is recorded."""
        began, traces = time.perf_counter(), self._packer.traces
        applied = {} if is_sampled else self._applied(self.recorder.width)
        self._packer.gate.set(is_sampled)
        if is_sampled:
            self._packer.switch.set(self.recorder.counts())
        try:
            result = run_twin(self._twin, self._packer, self.recorder, iterator)
        except KeepsRandomState:  # it has not run yet, nor will it
            self._packer.gate = None
            self.recorder.sample_no_more(self._packer.refusal)
            return self._plain(iterator)
        if result is None:
            return self._unrecorded(iterator)
        logs = result["logs"]
        if is_sampled:
            self._record_sample(logs, result[NUMBERS])
            self._took(began, traces)
            return logs
        with self.recorder.guarded():
            seconds = time.perf_counter() - began if self._packer.traces == traces else None
            self._record_plain(logs, seconds, applied)
        return logs
