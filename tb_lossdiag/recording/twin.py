"""How is a sampled step run? The user's own compiled step stays untouched; a twin of it, traced when first needed, also
returns what happened inside.
"""

import functools
import inspect
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tb_lossdiag.recording.draws import KeepsRandomState
from tb_lossdiag.recording.loss_terms import logs_of_its_own
from tb_lossdiag.recording.observation import Observation
from tb_lossdiag.recording.packer import NUMBERS, Packer
from tb_lossdiag.recording.patch import patched
from tb_lossdiag.recording.recorder import Recorder
from tb_lossdiag.recording.tensorflow_private import clone, clone_not_compiled, is_compiled
from tb_lossdiag.recording.undone import put_back, values_before
from tb_lossdiag.recording.workers import alone


class OneStep(int):
    """One step, by the loop that asks whether data are left.

    For steps_per_execution=1 Keras takes the next batch unasked, and past the end the optimizer's count and the dropout
    seeds have moved by the time it fails.
    """

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = int.__hash__


def traced(function: Callable, *args: Any, **kwargs: Any) -> Any:
    """The graph of a tf.function, or of Keras's train function, for these arguments; None where nothing is traced.

    It is traced as at its first call. Python's and numpy's random numbers are then as they were when its last trace
    began, so that another trace finds the same: the first of two is what only makes the optimizer's variables.
    """
    (step,) = _steps(function) or (None,)
    if step is None:
        return None
    owner = next(kind for kind in type(tf.distribute.get_strategy()).__mro__ if "run" in vars(kind))
    states, run = [_random_states()], owner.run

    def noting(*arguments: Any, **named: Any) -> Any:
        states.append(_random_states())
        return run(*arguments, **named)

    undo = patched(owner, "run", noting)  # in which Keras takes its step
    try:
        return step.get_concrete_function(*args, **kwargs).graph
    finally:
        undo()
        python, numpy = states[-1]
        random.setstate(python)
        np.random.set_state(numpy)


def _random_states() -> tuple[Any, Any]:
    return random.getstate(), np.random.get_state()


def has_run(function: Callable) -> bool:
    """Whether a tf.function, or Keras's train function, was ever traced; of one that runs eagerly nothing is."""
    return any(step.experimental_get_tracing_count() for step in _steps(function))


def _steps(function: Callable) -> list[Any]:
    """The tf.function that takes an iterator: the train function itself, or the one that it calls."""
    if hasattr(function, "get_concrete_function"):
        return [function]
    if not inspect.isfunction(function):
        return []
    found = [value for name, value in inspect.getclosurevars(function).nonlocals.items() if "iterator" in name]
    return [one for one in found if hasattr(one, "get_concrete_function")][:1]


def _step_on_data(function: Any) -> Callable | None:
    """The compiled step on one batch inside of Keras's train function, which is compiled already; None if not found."""
    inner = getattr(function, "python_function", function)
    inner = inspect.unwrap(inner) if callable(inner) else inner
    if not inspect.isfunction(inner):
        return None
    known = inspect.getclosurevars(inner).nonlocals
    nested = (_step_on_data(value) for name, value in known.items() if "iterator" in name)
    return known.get("one_step_on_data") or next(filter(None, nested), None)


def run_twin(twin: Callable, packer: Packer, recorder: Recorder, *args: Any, **kwargs: Any) -> Any:
    """What the twin returns; None when it failed through us, and then the plain step is to be run instead.

    Raises KeepsRandomState before it has run, where that step must not be taken by the twin and the plain one by turns.
    """
    try:
        return twin(*args, **kwargs)
    except KeepsRandomState:
        raise
    except Exception as error:
        if not packer.broke(error):
            raise
        recorder.stop(error)
        return None


def is_twins(result: Any) -> bool:
    """Whether a twin returned it, and not a step that was taken in the twin's place."""
    return isinstance(result, Mapping) and set(result) == {"logs", NUMBERS}


def twin_train_function(model: keras.Model, packer: Packer, plain: Callable) -> Callable:
    """What Keras makes of an observed train_step; it is traced at its first call.

    plain: the model's own train function. A compiled one takes the step behind the observed one, which is undone.
    """
    train_step = model.train_step
    afterwards = bool(model.jit_compile) and not model.run_eagerly and alone(model)

    @functools.wraps(train_step)
    def observed_step(data: Any) -> dict[str, Any]:
        with ExitStack() as stack:
            observation = packer.observe(stack, model)
            logs = train_step(data)
        own = logs_of_its_own(model, logs)
        return {"logs": logs, NUMBERS: packer.numbers(observation, data, own, afterwards)}

    if not afterwards:
        return made(model, observed_step)
    compiled_step = tf.function(observed_step, autograph=False, jit_compile=True, reduce_retracing=True)
    own_step = _step_on_data(plain) or tf.function(train_step, jit_compile=True, reduce_retracing=True)

    @functools.wraps(train_step)
    def step(data: Any) -> dict[str, Any]:
        if tf.executing_eagerly():  # tf.config.run_functions_eagerly: nothing is compiled
            return observed_step(data)
        before = packer.ours(values_before, compiled_step.get_concrete_function(data))
        numbers = packer.packed_afterwards(compiled_step(data)[NUMBERS])
        packer.ours(put_back, before)
        return {"logs": own_step(data), NUMBERS: numbers}

    model.jit_compile = False
    try:
        return made(model, step)
    finally:
        model.jit_compile = True


def made(model: keras.Model, step: Callable) -> Callable:
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
def taking(model: keras.Model, steps: int) -> Iterator[None]:
    """Whatever is traced in the block takes so many steps a call."""
    own = model.steps_per_execution
    model.steps_per_execution = steps
    try:
        yield
    finally:
        model.steps_per_execution = own


def twin_of(function: Callable, model: keras.Model, optimizer: Any, packer: Packer) -> Callable:
    """A step function's twin: same arguments, answers (what the function returns, packed numbers).

    A tf.function gives a tf.function with the same options, anything else a plain function. One that XLA compiles takes
    the step itself, behind an observed one that is undone.
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

    @functools.wraps(inner)
    @tf.autograph.experimental.do_not_convert
    def looked_into(*args: Any, **kwargs: Any) -> Mapping[str, tf.Tensor]:
        before = packer.ours(values_before, watched.get_concrete_function(*args, **kwargs))
        _, numbers = watched(*args, **kwargs)
        packed = packer.packed_afterwards(numbers)
        packer.ours(put_back, before)
        return packed

    numbers_of = clone_not_compiled(function, looked_into)

    def taken(*args: Any, **kwargs: Any) -> tuple[Any, Mapping[str, tf.Tensor]]:
        if tf.config.functions_run_eagerly():
            return watched(*args, **kwargs)
        numbers = numbers_of(*args, **kwargs)
        return function(*args, **kwargs), numbers

    return taken
