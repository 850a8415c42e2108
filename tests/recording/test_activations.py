"""Activation names: the one a diagnosis knows, whichever way it was given."""

import keras
import pytest

from tb_lossdiag.recording.activations import activation_name

LAYERS = keras.layers


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (LAYERS.Dense(1), "linear"),
        (LAYERS.Dense(1, activation="relu"), "relu"),
        (LAYERS.Dense(1, activation=LAYERS.LeakyReLU()), "leaky_relu"),
        (LAYERS.Activation("tanh"), "tanh"),
        (LAYERS.ReLU(), "relu"),
        (LAYERS.ReLU(max_value=6), "relu6"),
        (LAYERS.ReLU(negative_slope=0.1), "leaky_relu"),
        (LAYERS.LeakyReLU(), "leaky_relu"),
        (LAYERS.Softmax(), "softmax"),
        (LAYERS.LSTM(1), "tanh"),
        (LAYERS.Bidirectional(LAYERS.GRU(1)), "tanh"),
        (LAYERS.TimeDistributed(LAYERS.Dense(1, activation="sigmoid")), "sigmoid"),
        (LAYERS.Dropout(0.1), None),
        (LAYERS.BatchNormalization(), None),
        (None, None),
    ],
)
def test_the_name_is_keras_own(layer, name):
    assert activation_name(layer) == name
