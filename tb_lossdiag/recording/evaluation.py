"""What would this batch's loss be in evaluation mode? One more forward pass, at the weights before the update.

A BatchNormalization whose moving statistics lag, or a Dropout that takes too much, shows in it without any validation
data. It runs in a branch of the twin where histograms are counted, and only for a model some of whose layers do another
thing in training. The model does not notice: Keras keeps what its layers assign to itself, and a pass that would assign
or draw past Keras is not taken.
"""

import inspect
import random

import keras
import numpy as np
import tensorflow as tf

from tb_lossdiag.recording.branch import branch
from tb_lossdiag.recording.draws import changes_variables, draws
from tb_lossdiag.recording.observation import Observation, current_graph
from tb_lossdiag.recording.switch import Switch
from tb_lossdiag.recording.training_mode import differs
from tb_lossdiag.recording.workers import alone


def evaluation_loss(observation: Observation, switch: Switch | None) -> tf.Tensor | None:
    """NaN where the switch is off; None for a step of which it cannot be had: one that is eager, computes its loss by
    itself, or runs in several replicas.
    """
    if switch is None or current_graph() is None or not _applies(observation):
        return None
    python, numpy = random.getstate(), np.random.get_state()  # as a layer's call may draw when it is traced
    try:
        evaluated = tf.function(lambda: _evaluated(observation), autograph=False).get_concrete_function()
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
    if changes_variables(evaluated.graph) or draws(evaluated.graph):
        return None
    return branch(switch.is_on(), evaluated, lambda: tf.constant(float("nan")))


def _applies(observation: Observation) -> bool:
    model, given = observation.model, observation.loss_arguments
    if given is None or observation.gate is not None or not alone(model):
        return False
    is_kerass = type(model).compute_loss is keras.Model.compute_loss
    known = {id(variable) for variable, _ in observation.state}
    has_state = all(id(variable) in known for variable in model.non_trainable_variables)
    called = {call.path for call in observation.calls}
    layers = observation.structure.layers
    return is_kerass and has_state and any(path in called and differs(layer) for path, layer in layers.items())


def _evaluated(observation: Observation) -> tf.Tensor:
    model, given = observation.model, observation.loss_arguments
    weights = [(variable, observation.before[path]) for path, variable in observation.structure.variables.items()]
    with keras.StatelessScope(state_mapping=[*weights, *observation.state]):
        prediction = model(given["x"], training=False)
        # Keras before 3.6 does not tell it in which mode it is.
        mode = {"training": False} if "training" in inspect.signature(model.compute_loss).parameters else {}
        loss = model.compute_loss(**{**given, "y_pred": prediction, **mode})
    return tf.cast(loss, tf.float32)
