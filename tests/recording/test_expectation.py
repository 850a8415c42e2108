"""What a frozen normalization layer expects of its input is on its card; of one that learns it is not."""

import keras
import numpy as np
import pytest

from recording.small_models import LAYERS
from tb_lossdiag.recording.card import initial_weights
from tb_lossdiag.recording.expectation import expectation


def trained_norm(trainable):
    norm = LAYERS.BatchNormalization(name="norm")
    norm.build((None, 2))
    norm.set_weights([np.array(pair, "float32") for pair in ([2.0, 4.0], [1.0, 3.0], [100.0, 140.0], [9.0, 25.0])])
    norm.trainable = trainable
    return norm


def test_a_frozen_batch_normalization_tells_its_averages():
    expected = {"moving_mean": 120.0, "moving_variance": 17.0, "scale_mean": 3.0, "offset_mean": 2.0}
    assert expectation(trained_norm(False)) == pytest.approx(expected)
    assert expectation(trained_norm(True)) == {}


def test_one_without_scale_and_offset_tells_the_others():
    norm = LAYERS.BatchNormalization(scale=False, center=False, trainable=False)
    norm.build((None, 2))
    assert expectation(norm) == {"moving_mean": 0.0, "moving_variance": 1.0}


@pytest.mark.parametrize("made", ["adapted", "given"])
def test_a_normalization_of_inputs_tells_what_it_was_given(made):
    rows = np.array([[1.0, 10.0], [3.0, 30.0]], "float32")
    norm = (
        LAYERS.Normalization() if made == "adapted" else LAYERS.Normalization(mean=[2.0, 20.0], variance=[1.0, 100.0])
    )
    if made == "adapted":
        norm.adapt(rows)
    else:
        norm.build((None, 2))
    assert expectation(norm) == pytest.approx({"moving_mean": 11.0, "moving_variance": 50.5})


def test_other_layers_expect_nothing():
    assert expectation(LAYERS.Dense(3)) == expectation(LAYERS.LayerNormalization()) == {}
    assert expectation(LAYERS.BatchNormalization(trainable=False)) == {}  # not built yet


def test_it_stands_among_the_settings_of_the_layer():
    model = keras.Sequential([LAYERS.Input((2,)), trained_norm(False), LAYERS.Dense(1)])
    assert initial_weights(model)["norm"]["moving_mean"] == pytest.approx(120.0)
