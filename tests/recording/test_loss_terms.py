"""The terms of a loss: recorded by the names that the user knows them by, with the values of the batch."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.small_models import THREE_TERMS, batches, ends, mlp, three_terms
from recording.trainings import Penalised
from tb_lossdiag import LossDiagnostics, TrainingMonitor
from tb_lossdiag.recording.loss_terms import MAX_TERMS


def terms(folder):
    return Records(folder).terms()


@pytest.mark.parametrize("compiled", [False, True])
def test_the_losses_of_outputs_are_those_that_keras_reports_and_what_a_layer_adds_is_the_rest(tmp_path, compiled):
    model, recorded = three_terms(), LossDiagnostics(tmp_path, every=1)
    model.compile("sgd", THREE_TERMS, jit_compile=compiled)
    fitted = model.fit(*ends(), batch_size=24, epochs=3, verbose=0, callbacks=[recorded])
    Records(tmp_path).check_three_terms(fitted.history)


def test_what_a_layer_adds_is_a_term_under_its_name_and_a_weights_penalty_is_none(tmp_path):
    penalised = keras.layers.Dense(6, kernel_regularizer="l2", name="wide")
    model = keras.Sequential([keras.Input((4,)), penalised, Penalised(name="adds"), keras.layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    before = 0.01 * np.square(penalised.kernel.numpy()).sum()
    model.fit(*batches(), batch_size=24, verbose=0, callbacks=[LossDiagnostics(tmp_path)])
    ((name, values),) = terms(tmp_path).items()
    assert name == "adds"
    assert values[0] > 0
    assert values[0] + before == pytest.approx(Records(tmp_path).column("penalty")[1], rel=1e-5)


def test_what_a_train_step_of_ones_own_averages_under_a_name_with_loss_in_it_is_a_term(tmp_path):
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.out = keras.layers.Dense(3)
            self.fit_loss, self.size_loss, self.ratio = (
                keras.metrics.Mean(name=name) for name in ("fit_loss", "size_loss", "ratio")
            )

        def call(self, x):
            return self.out(x)

        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                z = self(x)
                fit = keras.losses.sparse_categorical_crossentropy(y, z, from_logits=True)  # of each example
                size = 0.1 * tf.reduce_mean(tf.square(z))
                loss = tf.reduce_mean(fit) + size
            self.optimizer.apply(tape.gradient(loss, self.trainable_weights), self.trainable_weights)
            self.fit_loss.update_state(fit)
            self.size_loss.update_state(size)
            self.ratio.update_state(size / loss)
            return {"loss": loss, "size_loss": self.size_loss.result()}

    model = Own()
    model.compile("sgd")
    model.fit(*batches(), batch_size=8, verbose=0, callbacks=[LossDiagnostics(tmp_path, every=1)])
    found = terms(tmp_path)
    assert sorted(found) == ["fit_loss", "size_loss"]
    losses = list(Records(tmp_path).column("loss").values())
    np.testing.assert_allclose(found["fit_loss"] + found["size_loss"], losses, rtol=1e-5)


@pytest.mark.parametrize("wrap", [lambda step: step, tf.function, tf.function(jit_compile=True)])
def test_what_a_step_returns_beside_its_loss_is_a_term_where_it_is_called_a_loss(tmp_path, wrap):
    model, optimizer = mlp(), keras.optimizers.SGD(0.1)

    @wrap
    def step(x, y):
        with tf.GradientTape() as tape:
            fit = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, model(x)))
            size_loss = 0.1 * tf.reduce_mean(tf.square(model.layers[0].kernel))
            loss = fit + size_loss
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return {"loss": loss, "size_loss": size_loss, "share": fit / loss}

    x, y = (tf.constant(part) for part in batches(8))
    with TrainingMonitor(model, optimizer, tmp_path, every=1) as monitor:
        watched = monitor.watch(step)
        given = [float(watched(x, y)["size_loss"]) for _ in range(3)]
    ((name, values),) = terms(tmp_path).items()
    assert name == "size_loss"
    np.testing.assert_allclose(values, given, rtol=1e-6)


def test_a_loss_of_one_term_has_no_terms_and_one_of_very_many_has_the_first(tmp_path_factory):
    def fit(model):
        folder = tmp_path_factory.mktemp("log")
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(*batches(8), verbose=0, callbacks=[LossDiagnostics(folder)])
        return terms(folder)

    assert fit(mlp()) == {}
    many = [Penalised(name=f"adds_{place}") for place in range(MAX_TERMS + 2)]
    found = fit(keras.Sequential([keras.Input((4,)), *many, keras.layers.Dense(3, "softmax")]))
    assert list(found) == [layer.name for layer in many[:MAX_TERMS]]


class Rebuilding(keras.Model):
    """Adds all of its loss by itself: how far it is from its input, and how large its code is."""

    def __init__(self):
        super().__init__()
        self.code, self.made = keras.layers.Dense(2), keras.layers.Dense(4)

    def call(self, x):
        code = self.code(x)
        made = self.made(code)
        self.add_loss(keras.ops.mean(keras.ops.square(made - x)))
        self.add_loss(0.01 * keras.ops.mean(keras.ops.square(code)))
        return made


def test_what_one_layer_adds_in_several_terms_is_numbered_and_how_hard_each_pulls_is_measured(tmp_path):
    keras.utils.set_random_seed(0)
    model = Rebuilding()
    model.compile("sgd")
    x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
    model.fit(x, batch_size=8, epochs=2, verbose=0, callbacks=[LossDiagnostics(tmp_path, every=1)])
    found = terms(tmp_path)
    assert sorted(found) == [f"{model.name}[0]", f"{model.name}[1]"]
    losses = list(Records(tmp_path).column("loss").values())
    np.testing.assert_allclose(sum(found.values()), losses, rtol=1e-5)
    pulls = [Records(tmp_path).data(f"loss:{name}", "gradient_norm") for name in sorted(found)]
    known = np.isfinite(pulls[0])
    assert known.any() and (pulls[0][known] > pulls[1][known]).all()
