"""A loss that is given the model's output as its target is told, in loops and inside a loss of the user's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from tb_lossdiag import LossDiagnostics, TrainingMonitor

LAYERS = keras.layers
X = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")
LOSS = keras.losses.BinaryCrossentropy(from_logits=True)


def swapped_back(y, p):
    return keras.losses.binary_crossentropy(y, p)


def swapped(y, p):
    return keras.losses.binary_crossentropy(p, y)


def net(head=None):
    keras.utils.set_random_seed(0)
    return keras.Sequential([LAYERS.Input((4,)), LAYERS.Dense(8, "relu"), LAYERS.Dense(1, head)])


def told_of_a_loop(tmp_path, loss_of):
    model, optimizer = net(), keras.optimizers.SGD(0.1)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    with TrainingMonitor(model, optimizer, tmp_path, every=2) as monitor:
        watched = monitor.watch(step)
        for _ in range(3):
            watched(tf.constant(X), tf.constant(Y))
    return Records(tmp_path).card.settings.get("swapped_arguments")


@pytest.mark.parametrize(("loss_of", "told"), [
    (lambda y, p: LOSS(p, y), "BinaryCrossentropy"),
    (lambda y, p: LOSS(y, p), None),
    (lambda y, p: keras.losses.MeanSquaredError()(p, y), None),  # the same either way round
    (lambda y, p: LOSS(tf.stop_gradient(tf.sigmoid(p)), p), None),  # labels that the model makes for itself
    (lambda y, p: LOSS(tf.sigmoid(p), tf.reverse(p, [0])), None),  # two outputs are compared
])  # fmt: skip
def test_an_output_in_the_place_of_the_target_is_told_where_that_matters(tmp_path, loss_of, told):
    assert told_of_a_loop(tmp_path, loss_of) == told


@pytest.mark.parametrize(("loss", "told"), [(swapped, "BinaryCrossentropy"), (swapped_back, None)])
def test_it_is_told_inside_a_loss_of_the_users_own(tmp_path, loss, told):
    model = net("sigmoid")
    model.compile("sgd", loss=loss)
    model.fit(X, Y, batch_size=16, epochs=2, verbose=0, callbacks=[LossDiagnostics(tmp_path, every=2)])
    assert Records(tmp_path).card.settings.get("swapped_arguments") == told
