"""How is a sampled step run? The user's own compiled step stays untouched; a twin of it, traced when first needed, also
returns what happened inside.
"""

import functools
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import tensorflow as tf

from tb_lossdiag.recording.keras_private import is_plain_functional
from tb_lossdiag.recording.loss_card import has_sparse_labels
from tb_lossdiag.recording.observation import Observation
from tb_lossdiag.recording.packer import NUMBERS, Packer
from tb_lossdiag.recording.patch import patched
from tb_lossdiag.recording.recorder import Recorder
from tb_lossdiag.recording.running_mean import BatchLoss
from tb_lossdiag.recording.tensorflow_private import clone, clone_not_compiled, is_compiled
from tb_lossdiag.recording.workers import alone


class _One(int):
    """One step, by the loop that asks whether data are left.

    For steps_per_execution=1 Keras takes the next batch unasked, and past the end the optimizer's count and the dropout
    seeds have moved by the time it fails.
    """

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = int.__hash__


class TrainFunction:
    """Stands in for `model.train_function` during one fit and decides call by call which function runs.

    announced: set before each call by the fit that is recorded; a call without it comes from elsewhere and runs plain.
    """

    def __init__(self, model: keras.Model, recorder: Recorder) -> None:
        self.model = model
        self.recorder = recorder
        plain = model.train_function
        self.plain = plain.plain if isinstance(plain, TrainFunction) else plain  # one may be left of a fit that raised
        self.announced = False
        self.batch_loss = BatchLoss()
        self._packer = Packer(has_sparse_labels(model), recorder.selection)
        self._plain_calls = 0
        self._batch_size = 0
        self._twin: Callable | None = None
        self._rest_function: Callable | None = None

    def __call__(self, iterator: Any) -> Any:
        announced, self.announced = self.announced, False
        if not announced or not self.recorder.active:
            return self.plain(iterator)
        sampled = self.recorder.begin_step() and self._may_be_split()
        return self._sampled(iterator) if sampled else self._plain(iterator)

    def _may_be_split(self) -> bool:
        """Whether the next call's steps may be taken one by one.

        Before Keras 3.7 one that lacks data ends in an error, with nobody knows how many of them taken.
        """
        one_by_one = self.recorder.width == 1 or hasattr(self.model, "unrolled_steps_per_execution")
        return one_by_one or self.recorder.has_room()

    def _plain(self, iterator: Any) -> Any:
        began = time.perf_counter()
        logs = self.plain(iterator)
        self._plain_calls += 1
        with self.recorder.guarded():
            seconds = time.perf_counter() - began if self._plain_calls > 1 else None
            self._record_plain(logs, seconds)
        return logs

    def _record_plain(self, logs: Any, seconds: float | None) -> None:
        width = self.recorder.width
        loss = self.batch_loss.recover(_reported_loss(logs), width)
        self.recorder.record_plain(loss, seconds, last_in_epoch_counts=self.batch_loss.count == width)

    def _sampled(self, iterator: Any) -> Any:
        began, traces, width = time.perf_counter(), self._packer.traces, self.recorder.width
        self._packer.switch.set(self.recorder.counts())
        if self._twin is None:
            with self.recorder.guarded():
                build_optimizer(self.model)
                self._rest_function = _made(self.model, self.model.train_step)
                self._twin = _twin_train_function(self.model, self._packer)
            if self._twin is None:
                return self.plain(iterator)
        with _taking(self.model, 1 if width == 1 else _One(1)):
            result = run_twin(self._twin, self._packer, self.recorder, iterator)
        if result is None:
            return self.plain(iterator)
        if not _is_twins(result):
            self.recorder.stop(NotImplementedError(f"keras {keras.__version__} takes a train_step in another way"))
            return self._rest(iterator, width - 1, result) if width > 1 else result
        self.recorder.width = 1
        logs, numbers = result["logs"], result[NUMBERS]
        with self.recorder.guarded():
            reported = _reported_loss(logs)
            layout = self._packer.layout(numbers)
            loss = self.recorder.record_sample(layout, numbers, reported)
            self.batch_loss.recover(reported)
            size = int(numbers["batch"])
            self._batch_size = self._batch_size or size
            if layout.knows_loss and size == self._batch_size:  # the means of unequal batches are weighted
                self.batch_loss.learn(loss)
        if width > 1:
            logs = self._rest(iterator, width - 1, logs)
            self.recorder.width = width
        with self.recorder.guarded():
            self.recorder.took(time.perf_counter() - began if self._packer.traces == traces else None)
        return logs

    def _rest(self, iterator: Any, steps: int, logs: Any) -> Any:
        """Takes the other steps of a sampled call plainly; the logs after the last, those given where data ran out."""
        try:
            with _taking(self.model, _One(1) if steps == 1 else steps):
                logs = self._rest_function(iterator)
        except (StopIteration, tf.errors.OutOfRangeError):
            return logs
        self.recorder.width = steps
        with self.recorder.guarded():
            self._record_plain(logs, None)
        return logs


def build_optimizer(model: keras.Model) -> None:
    """Makes the optimizer's variables now, where it is known which they will be.

    Made inside of a function's first trace, as Keras does it, they cost a second trace: of ours, which is traced first,
    and of a step of thousands of operations that is many seconds.
    """
    known = is_plain_functional(model) and model.built
    optimizer, step = model.optimizer, getattr(model.train_step, "__func__", None)
    if not known or step is not keras.Model.train_step or optimizer.built or not model.trainable_weights:
        return
    with keras.name_scope(optimizer.name, caller=optimizer):
        optimizer.build(model.trainable_weights)


def run_twin(twin: Callable, packer: Packer, recorder: Recorder, *args: Any, **kwargs: Any) -> Any:
    """What the twin returns; None when it failed through us, and then the plain step is to be run instead."""
    try:
        return twin(*args, **kwargs)
    except Exception as error:
        if not packer.broke(error):
            raise
        recorder.stop(error)
        return None


def _is_twins(result: Any) -> bool:
    """Whether a twin returned it, and not a step that was taken in the twin's place."""
    return isinstance(result, Mapping) and set(result) == {"logs", NUMBERS}


def _reported_loss(logs: Any) -> float:
    return float(logs["loss"]) if isinstance(logs, Mapping) and "loss" in logs else math.nan


def _twin_train_function(model: keras.Model, packer: Packer) -> Callable:
    """What Keras makes of an observed train_step; it is traced at its first call."""
    train_step = model.train_step
    afterwards = bool(model.jit_compile) and not model.run_eagerly and alone(model)

    @functools.wraps(train_step)
    def observed_step(data: Any) -> dict[str, Any]:
        with ExitStack() as stack:
            observation = packer.observe(stack, model)
            logs = train_step(data)
        return {"logs": logs, NUMBERS: packer.numbers(observation, data, afterwards=afterwards)}

    if not afterwards:
        return _made(model, observed_step)
    compiled_step = tf.function(observed_step, autograph=False, jit_compile=True, reduce_retracing=True)

    @functools.wraps(train_step)
    def step(data: Any) -> dict[str, Any]:
        result = compiled_step(data)
        return {"logs": result["logs"], NUMBERS: packer.packed_afterwards(result[NUMBERS])}

    model.jit_compile = False
    try:
        return _made(model, step)
    finally:
        model.jit_compile = True


def _made(model: keras.Model, step: Callable) -> Callable:
    """What Keras makes of this step in the place of the model's own.

    Keras before 3.7 asks the model for it when it is traced, and in an eager step each time.
    """
    plain, undo = model.train_function, patched(model, "train_step", step)
    try:
        model.make_train_function(force=True)
        made = model.train_function
    finally:
        model.train_function = plain
        undo()

    def function(iterator: Any) -> Any:
        undo = patched(model, "train_step", step)
        try:
            return made(iterator)
        finally:
            undo()

    return function


@contextmanager
def _taking(model: keras.Model, steps: int) -> Iterator[None]:
    """Whatever is traced in the block takes so many steps a call."""
    own = model.steps_per_execution
    model.steps_per_execution = steps
    try:
        yield
    finally:
        model.steps_per_execution = own


def twin_of(function: Callable, model: keras.Model, optimizer: Any, packer: Packer) -> Callable:
    """A step function's twin: same arguments, answers (what the function returns, packed numbers).

    A tf.function gives a tf.function with the same options, anything else a plain function.
    """
    is_function = hasattr(function, "python_function")
    inner = function.python_function if is_function else function
    afterwards = is_function and is_compiled(function) and alone(model)

    @tf.autograph.experimental.do_not_convert
    def begin(stack: ExitStack) -> Observation | None:
        return packer.observe(stack, model, optimizer)

    @tf.autograph.experimental.do_not_convert
    def end(observation: Observation | None, args: tuple, result: Any) -> Mapping[str, Any]:
        return packer.numbers(observation, args, result, afterwards)

    @functools.wraps(inner)
    def observed(*args: Any, **kwargs: Any) -> tuple[Any, Mapping[str, Any]]:
        with ExitStack() as stack:
            observation = begin(stack)
            result = inner(*args, **kwargs)
        return result, end(observation, args, result)

    if not is_function:
        return observed
    watched = clone(function, observed)
    if not afterwards:
        return watched

    @tf.autograph.experimental.do_not_convert
    def after(numbers: Mapping[str, Any]) -> Mapping[str, tf.Tensor]:
        return packer.packed_afterwards(numbers)

    @functools.wraps(inner)
    def whole(*args: Any, **kwargs: Any) -> tuple[Any, Mapping[str, tf.Tensor]]:
        result, numbers = watched(*args, **kwargs)
        return result, after(numbers)

    return clone_not_compiled(function, whole)
