"""The loss card: one name per loss however it was given, and whether it sees through the output's softmax."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from tb_lossdiag import LossDiagnostics, TrainingMonitor
from tb_lossdiag.recording.loss_card import has_sparse_labels


def loss_card(tmp_path, loss, output="softmax", units=3, labels="sparse", eager=False):
    """What the card says of a model with this output and loss after one recorded step."""
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(units, activation=output)])
    model.compile("sgd", loss, run_eagerly=eager)
    y = {"sparse": np.array([0, 1]), "one-hot": np.eye(units)[:2], "binary": np.array([0.0, 1.0])}[labels]
    model.fit(np.ones((2, 2), np.float32), y, verbose=0, callbacks=[LossDiagnostics(tmp_path)])
    return Records(tmp_path).card.loss


@pytest.mark.parametrize(
    ("loss", "labels"),
    [
        ("sparse_categorical_crossentropy", "sparse"),
        (keras.losses.sparse_categorical_crossentropy, "sparse"),
        (keras.losses.SparseCategoricalCrossentropy(), "sparse"),
    ],
)
def test_string_function_and_class_give_the_same_card(tmp_path, loss, labels):
    expected = {"name": "SparseCategoricalCrossentropy", "from_logits": False, "reads_logits": True}
    assert loss_card(tmp_path, loss, labels=labels) == expected


@pytest.mark.parametrize(
    ("loss", "output", "units", "labels", "reads"),
    [
        ("categorical_crossentropy", "softmax", 3, "one-hot", True),
        ("categorical_crossentropy", "linear", 3, "one-hot", False),
        ("binary_crossentropy", "sigmoid", 1, "binary", True),
        ("binary_focal_crossentropy", "sigmoid", 1, "binary", True),
        ("categorical_focal_crossentropy", "softmax", 3, "one-hot", False),
        ("mse", "sigmoid", 1, "binary", False),
    ],
)
def test_reading_logits_takes_a_crossentropy_and_an_output_that_keeps_them(
    tmp_path, loss, output, units, labels, reads
):
    assert loss_card(tmp_path, loss, output, units, labels)["reads_logits"] is reads


def test_an_eager_output_keeps_its_logits_too(tmp_path):
    assert loss_card(tmp_path, "binary_crossentropy", "sigmoid", 1, "binary", eager=True)["reads_logits"] is True


def test_from_logits_is_taken_from_the_loss(tmp_path):
    card = loss_card(tmp_path, keras.losses.CategoricalCrossentropy(from_logits=True), "linear", 3, "one-hot")
    assert card == {"name": "CategoricalCrossentropy", "from_logits": True, "reads_logits": False}


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize(
    ("loss", "reads"),
    [
        (lambda y, p: tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=p), False),
        (lambda y, p: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.argmax(y, 1), logits=p), False),
        (lambda y, p: tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=p), False),
        (keras.losses.CategoricalCrossentropy(), True),
        (lambda y, p: keras.losses.categorical_crossentropy(y, p), True),
    ],
    ids=["tf.nn", "tf.nn sparse", "tf.nn sigmoid", "Keras's class", "Keras's function"],
)
def test_only_kerass_own_losses_look_for_the_logits_behind_a_softmax(tmp_path, loss, reads, eager):
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(3, activation="softmax")])
    optimizer = keras.optimizers.SGD()

    def step(x, y):
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(loss(y, model(x, training=True)))
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return value

    with TrainingMonitor(model, optimizer, tmp_path) as monitor:
        watched = monitor.watch(step if eager else tf.function(step))
        for _ in range(3):
            watched(tf.ones((3, 2)), tf.eye(3))
    assert Records(tmp_path).card.loss["reads_logits"] is reads
    assert Records(tmp_path).card.loss["reads_logits"] is reads


def test_a_users_function_goes_by_its_name(tmp_path):
    def my_loss(y_true, y_pred):
        return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)

    assert loss_card(tmp_path, my_loss, "sigmoid", 1, "binary")["name"] == "my_loss"


@pytest.mark.parametrize(("loss", "sparse"), [("mse", False), ("sparse_categorical_crossentropy", True), (None, None)])
def test_the_compiled_loss_says_whether_labels_are_classes(loss, sparse):
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(2)])
    model.compile("sgd", loss)
    assert has_sparse_labels(model) is sparse
