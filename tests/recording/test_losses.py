"""Losses: each output finds its own, however compile() was given them."""

import keras
import pytest

from recording.small_models import LAYERS
from tb_lossdiag.recording.losses import Loss, losses_by_output

MSE = Loss("MeanSquaredError", False, False)
LABELS = Loss("SparseCategoricalCrossentropy", False, False)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("mse", [MSE, MSE]),
        (["sparse_categorical_crossentropy", "mse"], [LABELS, MSE]),
        ({"a": "mse", "z": "sparse_categorical_crossentropy"}, [LABELS, MSE]),
        ({"a": "mse"}, [None, MSE]),
        (None, [None, None]),
    ],
)
def test_two_outputs_have_the_losses_they_were_given(given, expected):
    x = keras.Input((2,))
    model = keras.Model(x, [LAYERS.Dense(3, "softmax", name="z")(x), LAYERS.Dense(1, name="a")(x)])
    model.compile("sgd", given)
    assert losses_by_output(model, 2) == expected


def test_options_come_from_the_loss():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=1)
    model = keras.Sequential([LAYERS.Input((2,)), LAYERS.Dense(3)])
    model.compile("sgd", loss)
    assert losses_by_output(model, 1) == [Loss("SparseCategoricalCrossentropy", True, True)]
