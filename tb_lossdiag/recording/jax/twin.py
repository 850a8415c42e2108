"""How is a sampled step run on JAX? The user's own compiled step runs every step; before a sampled one a twin of it, a
function without effects of the same state and batch, tells what happens inside.

So no array that the twin computes ever reaches the training: not even its rounding can differ. A step that Keras runs
without compiling it may have effects in Python. It is run once, observed: there nothing is fused, and nothing rounds
differently for being read.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from tb_lossdiag.recording.jax.observation import Observation, arrays
from tb_lossdiag.recording.jax.packing import packed
from tb_lossdiag.recording.jax.taps import watching
from tb_lossdiag.recording.late import TIMED_STEPS, LateLosses
from tb_lossdiag.recording.layout import Layout
from tb_lossdiag.recording.loss_card import has_sparse_labels
from tb_lossdiag.recording.recorder import Recorder
from tb_lossdiag.recording.selection import Selection


class ObservedStep:
    """A model's train_step that also answers packed numbers: (state, data, counts) -> (what it answers, numbers).

    counts: whether there are histograms among them. traces: how often it was traced. error: what went wrong while
    numbers were packed; None mostly.
    """

    def __init__(self, model: keras.Model, selection: Selection) -> None:
        self.model = model
        self.selection = selection
        self.traces = 0
        self._sparse_labels = has_sparse_labels(model)
        self._layouts: list[Layout] = []
        self.error: Exception | None = None

    def __call__(self, state: Any, data: Any, counts: bool | jax.Array) -> tuple[Any, dict[str, Any]]:
        self.traces += any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(state))
        with ExitStack() as stack:
            observation = self._observing(stack, state[0])
            answer = self.model.train_step(state, data)
        if observation is None:
            return answer, {}
        try:
            if observation.error is not None:
                raise observation.error
            self.selection.checked(observation.structure.layers)
            if observation.seen.y is None and isinstance(data, tuple) and len(data) > 1:
                observation.seen.y = arrays(data[1])
            after = dict(zip(observation.before, answer[1][0], strict=True))
            layout, numbers = packed(observation, after, self._sparse_labels, self.selection, counts)
        except Exception as error:  # nothing of ours may reach the training
            self.error = error
            return answer, {}
        if layout not in self._layouts:
            self._layouts.append(layout)
        return answer, {**numbers, "layout": jnp.int32(self._layouts.index(layout))}

    def _observing(self, stack: ExitStack, weights: list[Any]) -> Observation | None:
        """Until the stack closes; None where this version cannot be observed."""
        try:
            observation = Observation(self.model, weights)
            stack.enter_context(watching(observation))
            return observation
        except Exception as error:  # nothing of ours may reach the training
            self.error = error
            return None

    def read(self, numbers: dict[str, np.ndarray]) -> tuple[Layout, dict[str, np.ndarray]]:
        """The layout of these numbers, and the rest of them; raises what went wrong while they were packed."""
        if self.error is not None:
            raise self.error
        numbers = dict(numbers)
        return self._layouts[int(numbers.pop("layout"))], numbers


class TrainFunction:
    """Stands in for `model.train_function` during one fit and decides call by call which function runs.

    It lives as long as the model's own train function, `plain`, and so does what it traced. fit, recorder: of the fit
    that is recorded, or was last. announced: set before each call by that fit; a call without it comes from elsewhere
    and runs plain.
    """

    takes_every_step = False

    def __init__(self, model: keras.Model, plain: Callable, selection: Selection) -> None:
        self.model = model
        self.plain = plain
        self.selection = selection
        self.fit: Any = None
        self.recorder: Recorder | None = None
        self.announced = False
        self.batch_loss = LateLosses()
        self._observed = ObservedStep(model, selection)
        self._twin = jax.jit(lambda state, data, counts: self._observed(state, data, counts)[1])
        self._is_compiled = bool(model.jit_compile) and not model.run_eagerly
        self._given: Callable[[list[Any]], Any] = iter
        self._timed = 0
        self._batch_size = 0

    def may_serve(self, selection: Selection) -> bool:
        """Whether a fit of which these layers are to be recorded can use what was traced for another."""
        return self._observed.error is None and self.selection == selection

    def __call__(self, state: Any, iterator: Iterator[Any] | list[Any]) -> Any:
        """iterator: of batches. Before Keras 3.7 it is a list, of which one compiled function takes all: splitting it
        would round differently.
        """
        announced, self.announced = self.announced, False
        if not announced or not self.recorder.active:
            return self.plain(state, iterator)
        sampled = self.recorder.begin_step() and (self.recorder.width == 1 or isinstance(iterator, Iterator))
        return self._sampled(state, iterator) if sampled else self._plain(state, iterator)

    def _plain(self, state: Any, iterator: Iterator[Any] | list[Any]) -> Any:
        is_timed = self.recorder.every == "auto" and self._timed < TIMED_STEPS
        if is_timed:
            jax.block_until_ready(state)
        began = time.perf_counter()
        logs, state = self.plain(state, iterator)
        if is_timed:
            jax.block_until_ready(state)
            self._timed += 1
        with self.recorder.guarded():
            self._record_plain(logs, time.perf_counter() - began if is_timed else None)
        return logs, state

    def _record_plain(self, logs: Any, seconds: float | None) -> None:
        width, reported = self.recorder.width, _reported_loss(logs)
        loss = None if reported is None else self.batch_loss.report(reported, width)
        self.recorder.record_plain(loss, seconds, last_in_epoch_counts=self.batch_loss.count == width)

    def _sampled(self, state: Any, iterator: Iterator[Any] | list[Any]) -> Any:
        """The first step of the call is recorded, others that Keras takes in the same call follow plainly."""
        width = self.recorder.width
        batches = list(itertools.islice(iterator, width))
        if not batches:
            return self.plain(state, iter(()))  # tells Keras in its own way that there is no more data
        self._given = iter if isinstance(iterator, Iterator) else list
        jax.block_until_ready(state)
        began, traces, counts = time.perf_counter(), self._observed.traces, self.recorder.counts()
        logs, state, numbers, failure = (self._twice if self._is_compiled else self._once)(state, batches[0], counts)
        if failure is not None:
            self.recorder.stop(failure)
        with self.recorder.guarded():
            if self.recorder.active:
                self.recorder.width = 1
                self._record_sample(logs, state, numbers)
        if len(batches) > 1:
            logs, state = self.plain(state, iter(batches[1:]))
            with self.recorder.guarded():
                if self.recorder.active:
                    self.recorder.width = len(batches) - 1
                    self._record_plain(logs, None)
        self.recorder.width = width
        if self.recorder.active:
            self.recorder.took(time.perf_counter() - began if self._observed.traces == traces else None)
        return logs, state

    def _twice(self, state: Any, data: Any, counts: bool) -> tuple[Any, Any, dict[str, Any], Exception | None]:
        """The twin, then the step itself, in which a mistake of the user's surfaces as ever."""
        numbers, failure = {}, None
        try:
            numbers = jax.device_get(self._twin(state, data, counts))
        except Exception as error:
            failure = error
        return *self.plain(state, self._given([data])), numbers, failure

    def _once(self, state: Any, data: Any, counts: bool) -> tuple[Any, Any, dict[str, Any], Exception | None]:
        (logs, state), numbers = self._observed(state, data, counts)
        return logs, state, jax.device_get(numbers), None

    def _record_sample(self, logs: Any, state: Any, numbers: dict[str, Any]) -> None:
        reported = _reported_loss(logs)
        reported = None if reported is None else float(reported)
        layout, numbers = self._observed.read(numbers)
        optimizer = self.model.optimizer
        # While an epoch lasts Keras keeps no values in its variables, and the card has the learning rate.
        with keras.StatelessScope(list(zip(optimizer.variables, state[2], strict=True))):
            loss = self.recorder.record_sample(layout, numbers, reported)
        if reported is None:
            return
        self.batch_loss.report(reported)
        size = int(numbers["batch"])
        self._batch_size = self._batch_size or size
        if layout.knows_loss and size == self._batch_size:  # the means of unequal batches are weighted
            self.batch_loss.learn(loss)


def _reported_loss(logs: Any) -> Any:
    return logs.get("loss") if isinstance(logs, Mapping) else None
