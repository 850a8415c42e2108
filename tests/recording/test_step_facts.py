"""Of a model that is called several times in a step, the call that the loss was made of is told, and how many."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.small_models import batches, mlp, same
from tb_lossdiag import LossDiagnostics, TrainingMonitor

LAYERS = keras.layers
WRAPPINGS = {"eager": lambda step: step, "function": tf.function}


def values(shift, rows=8):
    return tf.constant(np.random.default_rng(3).normal(loc=shift, size=(rows, 4)).astype("float32"))


def net():
    keras.utils.set_random_seed(0)
    return keras.Sequential([LAYERS.Input((4,)), LAYERS.Dense(6, "tanh"), LAYERS.Dense(2)])


def q_learning(model, state, after):
    """The value of what comes after is a target: no gradient flows through it."""
    best = tf.reduce_max(model(after), axis=1)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(state)[:, 0] - best))
    return tape, loss


def inside_the_tape(model, state, after):
    with tf.GradientTape() as tape:
        best = tf.stop_gradient(tf.reduce_max(model(after), axis=1))
        loss = tf.reduce_mean(tf.square(model(state)[:, 0] - best))
    return tape, loss


def recorded(tmp_path, wrapping, forward):
    def weights(records):
        model, optimizer = net(), keras.optimizers.SGD(0.1)

        @WRAPPINGS[wrapping]
        def step(state, after):
            tape, loss = forward(model, state, after)
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            return loss

        with TrainingMonitor(model, optimizer, tmp_path, every=2) as monitor:
            taken = monitor.watch(step) if records else step
            for _ in range(3):
                taken(values(0.0), values(50.0))
        return model.get_weights()

    assert same(weights(False), weights(True))
    return Records(tmp_path)


@pytest.mark.parametrize(
    ("wrapping", "forward"), [("eager", q_learning), ("function", q_learning), ("function", inside_the_tape)]
)
def test_the_call_that_a_gradient_flows_through_is_the_steps(tmp_path, wrapping, forward):
    records = recorded(tmp_path, wrapping, forward)
    (name,) = [row.name for row in records.card.data_rows if row.kind == "input"]
    assert np.abs(records.data(name, "mean")).max() < 1
    assert records.card.settings["calls_per_step"] == 2


def test_a_model_that_is_called_once_has_no_such_number(tmp_path):
    model = mlp()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(*batches(), batch_size=8, verbose=0, callbacks=[LossDiagnostics(tmp_path)])
    assert "calls_per_step" not in Records(tmp_path).card.settings


def test_what_the_loss_was_given_comes_first(tmp_path):
    class Twice(keras.Model):
        def __init__(self):
            super().__init__()
            self.out = LAYERS.Dense(3, "softmax")

        def call(self, x):
            return self.out(x)

        def train_step(self, batch):
            x, y = batch
            with tf.GradientTape() as tape:
                noisy = self(x + 100.0)
                loss = self.compute_loss(x, y, self(x)) + 0.0 * tf.reduce_sum(noisy)
            self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            return {"loss": loss}

    model = Twice()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(*batches(), batch_size=8, verbose=0, callbacks=[LossDiagnostics(tmp_path)])
    records = Records(tmp_path)
    assert np.abs(records.data("input:input", "mean")).max() < 5
    assert records.card.settings["calls_per_step"] == 2


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_inputs_and_outputs_that_are_made_of_several_tensors_do_no_harm(tmp_path, wrapping):
    class Sparse(keras.Model):
        def __init__(self):
            super().__init__()
            self.out = LAYERS.Dense(2)
            self.out.build((None, 4))

        def call(self, x):
            out = self.out(tf.ensure_shape(tf.sparse.to_dense(x), (None, 4)))
            return {"dense": out, "sparse": tf.sparse.from_dense(out)}

    model, optimizer = Sparse(), keras.optimizers.SGD(0.1)

    @WRAPPINGS[wrapping]
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x)["dense"]))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    with TrainingMonitor(model, optimizer, tmp_path) as monitor:
        watched = monitor.watch(step)
        for _ in range(2):
            watched(tf.sparse.from_dense(values(0.0)))
    records = Records(tmp_path)
    assert records.events("recording_stopped") == []
    assert len(records.column("loss")) == 2


class Parts(keras.Model):
    """An encoder and a decoder that the step calls; the model itself is never called. losses: how often one is."""

    def __init__(self, losses=1):
        super().__init__()
        self.encoder, self.decoder, self.losses_called = LAYERS.Dense(2, "tanh"), LAYERS.Dense(4), losses

    def call(self, x):
        return self.decoder(self.encoder(x))

    def train_step(self, x):
        with tf.GradientTape() as tape:
            made = self.decoder(self.encoder(x))
            loss = sum(tf.reduce_mean(keras.losses.mean_squared_error(x, made)) for _ in range(self.losses_called))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss}


def fitted(folder, losses=1):
    keras.utils.set_random_seed(0)
    model = Parts(losses)
    model.compile("sgd")
    model(values(0.0))
    model.fit(values(0.0), batch_size=8, epochs=3, verbose=0, callbacks=[LossDiagnostics(folder)] if folder else [])
    return model.get_weights()


def test_where_a_step_calls_parts_of_its_model_its_only_loss_has_output_and_target(tmp_path):
    assert same(fitted(None), fitted(tmp_path))
    records = Records(tmp_path)
    kinds = [row.kind for row in records.card.data_rows]
    assert kinds.count("target") == kinds.count("prediction") == 1
    assert records.card.loss["name"] == "MeanSquaredError"
    assert records.data("target:target", "mean")[0] == pytest.approx(values(0.0).numpy().mean(), rel=1e-5)
    assert np.isfinite(records.data("prediction:prediction", "loss_shuffled")).any()


def test_of_several_losses_nobody_knows_which_is_the_models(tmp_path):
    fitted(tmp_path, losses=2)
    assert {row.kind for row in Records(tmp_path).card.data_rows} == {"input"}


def bent(model, x, twice):
    """The mean of the squared first or second derivative of the output by x."""
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            z = model(x)
        slope = inner.gradient(z, x)
    return tf.reduce_mean(tf.square(outer.gradient(slope, x) if twice else slope))


@pytest.mark.parametrize("twice", [True, False])
def test_second_derivatives_of_outputs_by_inputs_are_told(tmp_path, twice):
    model, optimizer = net(), keras.optimizers.SGD(0.01)

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            loss = bent(model, x, twice) + tf.reduce_mean(tf.square(model(x)))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    with TrainingMonitor(model, optimizer, tmp_path) as monitor:
        watched = monitor.watch(step)
        for _ in range(2):
            watched(values(0.0))
    assert Records(tmp_path).card.settings.get("second_derivatives", False) == twice


def test_a_gradient_of_a_gradient_by_weights_is_no_derivative_by_inputs(tmp_path):
    model, optimizer = net(), keras.optimizers.SGD(0.01)

    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            with tf.GradientTape() as inner:
                loss = tf.reduce_mean(tf.square(model(x)))
            norms = [tf.reduce_sum(tf.square(one)) for one in inner.gradient(loss, model.trainable_variables)]
            loss += tf.add_n(norms)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    with TrainingMonitor(model, optimizer, tmp_path) as monitor:
        watched = monitor.watch(step)
        for _ in range(2):
            watched(values(0.0))
    assert "second_derivatives" not in Records(tmp_path).card.settings
