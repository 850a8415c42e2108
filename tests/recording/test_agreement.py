"""The agreement of a batch's halves against two backward passes, for every output and loss it is known for."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.reference import cosine, last_kernel_gradients
from recording.small_models import LAYERS
from tb_lossdiag import LossDiagnostics
from tb_lossdiag.recording import agreement

LOSSES = keras.losses
RNG = np.random.default_rng(5)
LABELS = RNG.integers(0, 3, 10)
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]
NUMBERS = RNG.normal(size=(10, 3)).astype(np.float32)
YES = RNG.integers(0, 2, (10, 1)).astype(np.float32)
TOKENS = RNG.integers(0, 3, (10, 4))


def recorded(tmp_path, output, y, loss, before=(), shape=(5,)):
    """(agreement of the first step, that of two backward passes) of a small model with these last layers."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([LAYERS.Input(shape), *before, LAYERS.Dense(6, "relu"), *output])
    x = RNG.normal(size=(len(y), *shape)).astype(np.float32)
    expected = cosine(*last_kernel_gradients(model, loss, x, y))
    model.compile("sgd", loss)
    model.fit(x, y, batch_size=len(y), shuffle=False, verbose=0, callbacks=[LossDiagnostics(tmp_path)])
    return Records(tmp_path).column("gradient_agreement")[1], expected


@pytest.mark.parametrize(
    ("output", "y", "loss"),
    [
        ([LAYERS.Dense(3, "softmax")], ONE_HOT, LOSSES.CategoricalCrossentropy()),
        ([LAYERS.Dense(3, "softmax")], LABELS, LOSSES.SparseCategoricalCrossentropy()),
        ([LAYERS.Dense(3, "softmax")], LABELS[:, None], LOSSES.SparseCategoricalCrossentropy()),
        ([LAYERS.Dense(3)], LABELS, LOSSES.SparseCategoricalCrossentropy(from_logits=True)),
        ([LAYERS.Dense(3), LAYERS.Softmax()], ONE_HOT, LOSSES.CategoricalCrossentropy()),
        ([LAYERS.Dense(3), LAYERS.Activation("softmax")], LABELS, LOSSES.SparseCategoricalCrossentropy()),
        ([LAYERS.Dense(1, "sigmoid")], YES, LOSSES.BinaryCrossentropy()),
        ([LAYERS.Dense(1), LAYERS.Activation("linear")], YES, LOSSES.BinaryCrossentropy(from_logits=True)),
        ([LAYERS.Dense(3)], NUMBERS, LOSSES.MeanSquaredError()),
        ([LAYERS.Dense(1)], NUMBERS[:, 0], LOSSES.MeanSquaredError()),
        ([LAYERS.Dense(3)], NUMBERS[:7], LOSSES.MeanAbsoluteError()),
    ],
    ids=[
        *("one-hot", "labels", "labels in a column", "logits", "softmax layer", "activation layer", "sigmoid"),
        *("binary logits", "squared error", "squared error of a vector", "absolute error, odd batch"),
    ],
)
def test_it_is_the_cosine_of_two_backward_passes(tmp_path, output, y, loss):
    found, expected = recorded(tmp_path, output, y, loss)
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_sequences_positions_belong_to_their_example(tmp_path):
    loss = LOSSES.SparseCategoricalCrossentropy()
    found, expected = recorded(tmp_path, [LAYERS.Dense(3, "softmax")], TOKENS, loss, shape=(4, 5))
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize(
    ("output", "y", "loss"),
    [
        ([LAYERS.Dense(3)], NUMBERS, LOSSES.Huber()),
        ([LAYERS.Dense(3, "tanh")], NUMBERS, LOSSES.MeanSquaredError()),
        ([LAYERS.Dense(3, "softmax")], LABELS, LOSSES.SparseCategoricalCrossentropy(ignore_class=0)),
        ([LAYERS.Dense(3), LAYERS.Reshape((3,))], NUMBERS, LOSSES.MeanSquaredError()),
        ([LAYERS.Dense(3)], NUMBERS[:3], LOSSES.MeanSquaredError()),
    ],
    ids=["Huber", "bounded", "ignored class", "reshaped", "three examples"],
)
def test_it_is_left_out_where_the_residual_is_not_known(tmp_path, output, y, loss):
    assert np.isnan(recorded(tmp_path, output, y, loss)[0])


def test_it_is_left_out_under_a_mask(tmp_path):
    before = [LAYERS.Masking()]
    loss = LOSSES.SparseCategoricalCrossentropy()
    assert np.isnan(recorded(tmp_path, [LAYERS.Dense(3, "softmax")], TOKENS, loss, before, shape=(4, 5))[0])


def test_a_large_output_layer_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(agreement, "MAX_KERNEL_ELEMENTS", 17)
    assert np.isnan(recorded(tmp_path, [LAYERS.Dense(3)], NUMBERS, LOSSES.MeanSquaredError())[0])


def test_an_activation_of_another_precision_is_seen_through(tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        output = [LAYERS.Dense(3), LAYERS.Activation("softmax", dtype="float32")]
        found, expected = recorded(tmp_path, output, ONE_HOT, LOSSES.CategoricalCrossentropy())
    finally:
        keras.config.set_dtype_policy("float32")
    assert found == pytest.approx(expected, abs=0.01)


def test_equal_halves_agree_opposite_ones_do_not_and_a_fitted_one_has_no_direction():
    h, r = tf.constant(RNG.normal(size=(4, 3)), tf.float32), tf.constant(RNG.normal(size=(4, 2)), tf.float32)
    both = tf.concat([h, h], 0)
    assert float(agreement.agreement(both, tf.concat([r, r], 0))) == pytest.approx(1.0)
    assert float(agreement.agreement(both, tf.concat([r, -r], 0))) == pytest.approx(-1.0)
    assert np.isnan(agreement.agreement(both, tf.concat([r, 0 * r], 0)))
