"""What would this batch's loss be in evaluation mode? One more forward pass, at the weights before the update.

A BatchNormalization whose moving statistics lag, or a Dropout that takes too much, shows in it without any validation
data. It is taken where histograms are counted, and only of a model some of whose layers do another thing in training.
"""

import tensorflow as tf

from tb_lossdiag.recording.observation import Observation
from tb_lossdiag.recording.own_pass import before_the_step, computed_loss, may_be_taken, own_pass
from tb_lossdiag.recording.switch import Switch
from tb_lossdiag.recording.training_mode import differs


def evaluation_loss(observation: Observation, switch: Switch | None) -> tf.Tensor | None:
    """NaN where the switch is off; None for a step of which it cannot be had."""
    called = {call.path for call in observation.calls}
    layers = observation.structure.layers
    does_differ = any(path in called and differs(layer) for path, layer in layers.items())
    if not does_differ or not may_be_taken(observation, switch):
        return None
    return own_pass(lambda: _evaluated(observation), switch, lambda: tf.constant(float("nan")))


def _evaluated(observation: Observation) -> tf.Tensor:
    with before_the_step(observation):
        prediction = observation.model(observation.loss_arguments["x"], training=False)
        return tf.cast(computed_loss(observation, prediction, training=False), tf.float32)
