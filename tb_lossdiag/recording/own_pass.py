"""How is the model asked once more in a sampled step? By a pass of our own over the same batch, in a branch of the twin
that is entered where histograms are counted.

The training does not notice: the pass shares nothing with the step but the batch and the values from before it, Keras
keeps what its layers assign to themselves, and a pass that would do more than compute is not taken.
"""

import inspect
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tb_lossdiag.recording.branch import branch
from tb_lossdiag.recording.draws import nodes_of
from tb_lossdiag.recording.observation import Observation, current_graph
from tb_lossdiag.recording.patch import patched
from tb_lossdiag.recording.reference_losses import READS
from tb_lossdiag.recording.switch import Switch
from tb_lossdiag.recording.tensorflow_private import definition_of
from tb_lossdiag.recording.workers import alone

# Operators that have a state for TensorFlow and do no more than compute: which random algorithm a device has, a check
# that the step itself has passed, a recurrent layer of cuDNN.
_COMPUTES = ("Assert", "CudnnRNN", "StatelessRandom")
_ASKS_PYTHON = "PyFuncStateless"
_FUNCTION = type(tf.function(lambda: None))


class NotTaken(Exception):
    """The pass would tell nothing, or do more than compute."""


def may_be_taken(observation: Observation, switch: Switch | None) -> bool:
    """Not in a step that is eager, computes its loss by itself, or runs in several replicas, nor where a loss of the
    user's own has an effect.
    """
    model = observation.model
    if switch is None or current_graph() is None or observation.loss_arguments is None or observation.gate is not None:
        return False
    if not alone(model) or type(model).compute_loss is not keras.Model.compute_loss:
        return False
    known = {id(variable) for variable, _ in observation.state}
    has_state = all(id(variable) in known for variable in model.non_trainable_variables)
    return has_state and all(call.effect() is None for call in observation.losses)


def own_pass(compute: Callable[[], tf.Tensor], switch: Switch, otherwise: Callable[[], tf.Tensor]) -> tf.Tensor | None:
    """What `compute` answers where the switch is on, `otherwise` elsewhere; None where it is not to be taken."""
    python, numpy = random.getstate(), np.random.get_state()  # as a layer's call may draw when it is traced
    try:
        with _calling_no_function():
            taken = tf.function(compute, autograph=False).get_concrete_function()
    except Exception:  # NotTaken, or whatever a user's layers raise in a pass that only we ask for
        return None
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
    return branch(switch.is_on(), taken, otherwise) if _only_computes(taken.graph) else None


@contextmanager
def before_the_step(observation: Observation) -> Iterator[None]:
    """In the block the model has its values from before the step, and keeps nothing that it assigns or adds."""
    weights = [(variable, observation.before[path]) for path, variable in observation.structure.variables.items()]
    with keras.StatelessScope(state_mapping=[*weights, *observation.state], collect_losses=True):
        yield


def computed_loss(observation: Observation, prediction: Any, training: bool) -> tf.Tensor:
    """What the model's compute_loss gives for the batch and this prediction."""
    compute, given = observation.model.compute_loss, observation.loss_arguments
    # Keras before 3.6 does not tell it in which mode it is.
    mode = {"training": training} if "training" in inspect.signature(compute).parameters else {}
    return compute(**{**given, "y_pred": prediction, **mode})


@contextmanager
def _calling_no_function() -> Iterator[None]:
    """A tf.function that a layer calls would keep its trace, with the pass's own tensors in it, for the training; or
    it has one, which reads the variables themselves.
    """
    original, thread = _FUNCTION.__call__, threading.get_ident()

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() == thread:
            raise NotTaken
        return original(self, *args, **kwargs)

    undo = patched(_FUNCTION, "__call__", call)
    try:
        yield
    finally:
        undo()


def _only_computes(graph: Any) -> bool:
    """Whether a graph neither changes, draws, prints nor asks Python anything."""
    for node in nodes_of(graph):
        definition = definition_of(node.op)
        has_state = definition is not None and definition.is_stateful
        if node.op == _ASKS_PYTHON or (has_state and node.op not in READS and not node.op.startswith(_COMPUTES)):
            return False
    return True
