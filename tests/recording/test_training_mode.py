"""Whether the model ran as in training: 1 where it did, 0 where its layers were in evaluation mode, else unknown."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.small_models import batches, mlp
from tb_lossdiag import LossDiagnostics, TrainingMonitor

LAYERS = keras.layers
LOSS = keras.losses.SparseCategoricalCrossentropy()


class Forgetful(keras.Model):
    """Takes no argument that says whether it trains, so fit does not say it."""

    def __init__(self):
        super().__init__()
        self.norm, self.out = LAYERS.BatchNormalization(), LAYERS.Dense(3, "softmax")

    def call(self, x):
        return self.out(self.norm(x))


class Careful(Forgetful):
    def call(self, x, training=None):
        return super().call(x)


def plain():
    return keras.Sequential([LAYERS.Input((4,)), LAYERS.Dense(3, "softmax")])


class Base(keras.Model):
    """A part in evaluation mode on purpose, as in fine-tuning."""

    def __init__(self):
        super().__init__()
        self.base = keras.Sequential([LAYERS.Input((4,)), LAYERS.Dense(4), LAYERS.BatchNormalization()])
        self.out = LAYERS.Dense(3, "softmax")

    def call(self, x, training=None):
        return self.out(self.base(x, training=False))


def frozen():
    keras.utils.set_random_seed(0)
    norm = LAYERS.BatchNormalization(trainable=False)
    return keras.Sequential([LAYERS.Input((4,)), norm, LAYERS.Dense(3, "softmax")])


def modes(log_dir):
    records = Records(log_dir)
    assert records.events("recording_stopped") == []
    return list(records.column("training_mode").values())


@pytest.mark.parametrize(
    ("build", "mode"), [(mlp, 1), (Careful, 1), (Forgetful, 0), (plain, 1), (Base, 1), (frozen, 1)]
)
@pytest.mark.parametrize("options", [{}, {"run_eagerly": True}, {"jit_compile": True}], ids=str)
def test_a_fit_tells_how_the_layers_ran(tmp_path, build, mode, options):
    model = build()
    model.compile("sgd", "sparse_categorical_crossentropy", **options)
    model.fit(*batches(), batch_size=8, verbose=0, callbacks=[LossDiagnostics(tmp_path)])
    assert modes(tmp_path) == [mode] * 3


@pytest.mark.parametrize("wrapping", [lambda step: step, tf.function], ids=["eager", "function"])
@pytest.mark.parametrize(
    ("build", "arguments", "mode"),
    [
        (mlp, {"training": True}, 1),
        (mlp, {}, 0),
        (mlp, {"training": False}, 0),
        (plain, {}, np.nan),
        (plain, {"training": True}, 1),
        (frozen, {}, np.nan),
        (Forgetful, {"training": True}, 1),
        (Forgetful, {}, 0),
    ],
)
def test_a_loop_of_the_users_own_tells_it_too(tmp_path, wrapping, build, arguments, mode):
    model, optimizer = build(), keras.optimizers.SGD(0.1)
    model(np.zeros((1, 4), "float32"))

    @wrapping
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = LOSS(y, model(x, **arguments))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    with TrainingMonitor(model, optimizer, tmp_path) as monitor:
        watched = monitor.watch(step)
        for _ in range(2):
            watched(*map(tf.constant, batches(8)))
    np.testing.assert_array_equal(modes(tmp_path), [mode] * 2)


def test_a_mode_that_the_trace_does_not_know_is_not_told(tmp_path):
    model, optimizer = mlp(), keras.optimizers.SGD(0.1)

    @tf.function
    def step(x, y, training):
        with tf.GradientTape() as tape:
            loss = LOSS(y, tf.cond(training, lambda: model(x, training=True), lambda: model(x, training=False)))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    with TrainingMonitor(model, optimizer, tmp_path) as monitor:
        monitor.watch(step)(*map(tf.constant, batches(8)), tf.constant(True))
    assert modes(tmp_path) == [1] or np.isnan(modes(tmp_path)).all()
