"""What becomes of numbers from a graph that ends before the step does? Variables keep them until the step is over.

A loop over a dataset inside a tf.function has a graph for its body, and a tf.function called in a step one of its own.
Their tensors cannot be read from outside, so they are packed where the update happens and assigned to variables. A
function is run as a clone meanwhile: its own trace, which the steps in between use, stays free of our ops.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import tensorflow as tf

from tb_lossdiag.recording.apart import apart
from tb_lossdiag.recording.draws import changes_variables, draws
from tb_lossdiag.recording.gate import Gate
from tb_lossdiag.recording.observation import Observation
from tb_lossdiag.recording.tensorflow_private import bare_variable, clone, is_compiled


class Kept:
    """Variables for packed tensors. Traces whose tensors have the same shapes share them: which of a function's traces
    has run is not known afterwards, and what is read is what the last one left."""

    def __init__(self) -> None:
        self._variables: dict[tuple, dict[str, tf.Variable]] = {}

    def assigned(self, tensors: Mapping[str, tf.Tensor]) -> dict[str, tf.Variable]:
        """A variable for each tensor, assigned in the current graph."""
        shapes = tuple((name, tensor.dtype, tuple(tensor.shape)) for name, tensor in tensors.items())
        with apart():
            if shapes not in self._variables:
                with tf.init_scope():
                    made = {name: bare_variable(tensor.shape, tensor.dtype) for name, tensor in tensors.items()}
                self._variables[shapes] = made
            for name, variable in self._variables[shapes].items():
                variable.assign(tensors[name])
        return self._variables[shapes]


class Clones:
    """The clones of the tf.functions that a watched step has called, and what each of them keeps.

    A function that draws from a random state of its own must not take turns with a clone: the clone takes every step,
    or the function does. gate: makes the gate of a clone that takes every step.
    """

    def __init__(self, gate: Callable[[], Gate]) -> None:
        self._gate = gate
        self._clones: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
        self._left_alone: WeakSet[Any] = WeakSet()
        self._kept: dict[int, Mapping[str, Any]] = {}

    def look_at(self, function: Any, observation: Observation, args: tuple, kwargs: Mapping[str, Any]) -> None:
        """Before a step that runs eagerly calls the function for the first time: who is to run, it or a clone?"""
        if function in self._clones or function in self._left_alone:
            return
        try:
            if is_compiled(function):
                return
            has_run = bool(function.experimental_get_tracing_count())
            graph = None
            with suppress(Exception):  # the user's, which is raised when the function runs
                graph = function.get_concrete_function(*args, **kwargs).graph
            if graph is None or (draws(graph) and (has_run or not changes_variables(graph))):
                self._left_alone.add(function)
            elif draws(graph):
                observation.gate = self._gate()
        except Exception as error:  # ours, such as a private name that this version does not have
            observation.error = error

    def is_clone(self, function: Any) -> bool:
        return any(known is function for known in self._clones.values())

    @contextmanager
    def running(self, function: Any, observation: Observation) -> Iterator[Any]:
        """The function's clone, to be called in the block; traced before, it keeps what it kept then."""
        if function in self._left_alone:
            yield function
            return
        if function not in self._clones:
            self._clones[function] = clone(function)
        copy, before = self._clones[function], observation.numbers
        observation.numbers = None
        yield copy
        if observation.numbers is None:
            observation.numbers = self._kept.get(id(copy), before)
        else:
            self._kept[id(copy)] = observation.numbers
