"""What does a watched step return beside its own results? The packed numbers; or that something of ours failed."""

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, TypeVar

import keras
import tensorflow as tf

from tb_lossdiag.recording.afterwards import Afterwards
from tb_lossdiag.recording.apart import apart
from tb_lossdiag.recording.draws import KeepsRandomState, refuse_own_state
from tb_lossdiag.recording.gate import Gate
from tb_lossdiag.recording.inner import Clones, Kept
from tb_lossdiag.recording.layout import Layout
from tb_lossdiag.recording.loss_terms import returned_terms
from tb_lossdiag.recording.observation import Observation, current_graph
from tb_lossdiag.recording.packing import packed
from tb_lossdiag.recording.selection import Selection
from tb_lossdiag.recording.switch import Switch
from tb_lossdiag.recording.taps import watching
from tb_lossdiag.recording.workers import first_replicas, stops_replica

Result = TypeVar("Result")
NUMBERS = "lossdiag"  # beside the results of a step, and in the names of our operations
# Not of our files, which are in the tracebacks that a message has of whatever was called through a hook.
_OUR_NODE = re.compile(rf"\bnode '?[^\s'}}]*\b{NUMBERS}(_\d+)?/")


class Packer:
    """Packs observations and remembers, for every trace, what its tensors stand for.

    replicas: that take a step together. loss: that the user named for the steps of a loop. error: what went wrong
    while packing; None mostly. traces: how often a step was traced. inside: whether the update was seen in a loop or
    function inside the step, so that one call may take several steps. switch: on where the next call is to count
    histograms; None where a step cannot read it, and then has none. gate: of a twin that takes every step and is
    sampled where the gate is open; None for one that runs in samples only and must not draw from a state of its own.
    seeds: of what the plain step draws, None where it is not known. refusal: why the twin must not take turns with
    the plain step, "" where it may.
    optimizers: which one was given the gradients first, and which of them updates most weights; None each before a step
    was observed, and where nothing was updated.
    """

    def __init__(self, sparse_labels: bool | None, selection: Selection, replicas: int = 1, loss: Any = None) -> None:
        self.sparse_labels = sparse_labels
        self.selection = selection
        self.replicas = replicas
        self.loss = loss
        self.layouts: list[Layout] = []
        self.error: Exception | None = None
        self.traces = 0
        self.inside = False
        self.switch: Switch | None = Switch()
        self.gate: Gate | None = None
        self.seeds: frozenset | None = None
        self.refusal = ""
        self.optimizers: tuple[Any, Any] = (None, None)
        self._traced = False
        self._clones = Clones(self.take_every_step)
        self._kept = Kept()
        self._afterwards = Afterwards()

    def take_every_step(self) -> Gate:
        """The gate, open, of a twin that is to take every step from this one on, and has not run before."""
        if self.gate is None:
            self.gate = Gate(closes=self.replicas == 1)
            self.gate.set(True)
        return self.gate

    def observe(self, stack: ExitStack, model: keras.Model, optimizer: Any = None) -> Observation | None:
        """Observes the model until the stack closes; None when something of ours failed."""
        try:
            observation = Observation(model, optimizer, self._finish, self._clones, self.gate, not self.layouts)
            stack.callback(self._observed, observation)
            self.selection.checked(observation.structure.layers)
            stack.enter_context(watching(observation))
            return observation
        except Exception as error:
            self.error = error
            return None

    def ours(self, function: Callable[..., Result], *args: Any) -> Result:
        """What the function answers. What it raises is known for ours then, so that the plain step is taken instead."""
        try:
            return function(*args)
        except Exception as error:
            self.error = error
            raise

    def _observed(self, observation: Observation) -> None:
        self.error = self.error or observation.error
        self._traced = not tf.executing_eagerly()

    def broke(self, error: Exception) -> bool:
        """Whether a twin that raised this did so through us and before it took its step, or in a kernel of ours.

        What our code asks of other replicas, or fails to ask, is raised where all of them meet, outside of our reach.
        """
        if isinstance(error, tf.errors.OpError):
            return not isinstance(error, tf.errors.OutOfRangeError) and _OUR_NODE.search(str(error)) is not None
        return self.error is not None and self._traced

    def numbers(
        self, observation: Observation | None, arguments: Any = (), result: Any = None, afterwards: bool = False
    ) -> dict[str, Any]:
        """The packed tensors with the number of their layout; no tensors when something of ours failed.

        arguments: of the step; the second are the targets, unless compute_loss was seen with others. result: of a step
        of the user's own. afterwards: gives what `packed_afterwards` is to be given once the step is over.
        """
        graph = current_graph()
        self.traces += graph is not None
        try:
            if graph is not None and not afterwards:
                refuse_own_state(graph, self.gate is not None, self.seeds)
            if self.error is not None:
                raise self.error
            if observation.y is None and isinstance(arguments, tuple) and len(arguments) > 1:
                second = first_replicas(observation.model, arguments[1])
                observation.y = None if _is_an_input(second, observation.x) else second
            if observation.x is None:  # the step called parts of the model, and never the model itself
                given = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
                observation.x = first_replicas(observation.model, given)
            for name, value in returned_terms(result).items():
                observation.saw_term(name, value)
            self.inside = not observation.optimizers and observation.numbers is not None
            if self.inside:
                return {name: tf.convert_to_tensor(variable) for name, variable in observation.numbers.items()}
            if afterwards and graph is not None:
                return self._afterwards.read(lambda: self._packed(observation))
            return self._packed(observation)
        except KeepsRandomState as found:
            self.refusal = str(found)  # autograph puts the user's lines around it
            raise
        except Exception as error:  # nothing of ours may reach the training
            self.error = error
            if stops_replica(error):
                raise
            return {"layout": tf.constant(-1.0)}

    def packed_afterwards(self, numbers: Mapping[str, Any]) -> Mapping[str, tf.Tensor]:
        """The packed tensors of a step that has returned `numbers(..., afterwards=True)`."""
        try:
            return numbers if "layout" in numbers else self._afterwards.computed(numbers)
        except Exception as error:  # nothing of ours may reach the training
            self.error = error
            return {"layout": tf.constant(-1.0)}

    def _packed(self, observation: Observation) -> dict[str, tf.Tensor]:
        if self.gate is None:
            return self._computed(observation)
        with apart():
            return self.gate.passed(lambda: self._computed(observation))

    def _computed(self, observation: Observation) -> dict[str, tf.Tensor]:
        layout, tensors = packed(observation, self.sparse_labels, self.selection, self.switch, self.loss)
        if observation.optimizers:
            self.optimizers = observation.optimizers[0], observation.rates.main_optimizer
        if layout not in self.layouts:
            self.layouts.append(layout)
        with apart():
            return {**tensors, "layout": tf.constant(float(self.layouts.index(layout)))}

    def _finish(self, observation: Observation, part: Observation) -> None:
        """Packs a part of the step in its own graph, where its update has just been built."""
        observation.numbers = self._kept.assigned(self._packed(part))

    def holds(self, numbers: Mapping[str, tf.Tensor]) -> bool:
        """Whether a sample has numbers: not where the update stands in a branch that this step has not entered."""
        return "step" not in numbers or bool(numbers["step"].shape[0])

    def layout(self, numbers: dict[str, tf.Tensor]) -> Layout:
        """The layout of packed tensors that a step returned; raises what went wrong while they were packed."""
        if self.error is not None:
            raise self.error
        return self.layouts[int(numbers["layout"])]


def _is_an_input(second: Any, x: Any) -> bool:
    """Whether a step's second argument is one of several inputs that the model was called on."""
    inputs = keras.tree.flatten(x)
    return len(inputs) > 1 and any(one is given for one in keras.tree.flatten(second) for given in inputs)
