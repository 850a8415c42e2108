"""Weights that are used and never trained have their name, shape and holder on the card; others have not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.small_models import same
from tb_lossdiag import LossDiagnostics, TrainingMonitor

LAYERS = keras.layers


class Bare(LAYERS.Layer):
    """Keeps its weights as plain variables, in the way that `keep` says."""

    def __init__(self, keep, **options):
        super().__init__(**options)
        keep(self, tf.Variable(tf.ones((4, 4)) / 4, name="w"))

    def call(self, x):
        return tf.matmul(x, self.of(self))


def as_attribute(layer, variable):
    layer.w, layer.of = variable, lambda layer: layer.w


def as_private_attribute(layer, variable):
    layer._w, layer.of = variable, lambda layer: layer._w


def in_a_list(layer, variable):
    layer.ws, layer.of = [variable], lambda layer: layer.ws[0]


def in_a_dict(layer, variable):
    layer.ws, layer.of = {"w": variable}, lambda layer: layer.ws["w"]


class Holder:
    def __init__(self, held):
        self.held = held


def in_an_object(layer, variable):
    layer.box, layer.of = Holder([variable]), lambda layer: layer.box.held[0]


def from_a_closure(layer, variable):
    layer.of = lambda layer: variable


PLACES = {
    as_attribute: ("bare.w", "Bare"),
    as_private_attribute: ("bare._w", "Bare"),
    in_a_list: ("bare.ws[0]", "Bare"),
    in_a_dict: ("bare.ws['w']", "Bare"),
    in_an_object: ("bare.box.held[0]", "Bare"),
    from_a_closure: ("w", ""),
}


def net(*layers):
    return lambda: keras.Sequential([LAYERS.Input((4,)), *(make() for make in layers), LAYERS.Dense(1, name="out")])


def data():
    x = np.random.default_rng(0).normal(size=(16, 4)).astype("float32")
    return x, x[:, :1]


def untracked(log_dir):
    records = Records(log_dir)
    assert records.events("recording_stopped") == []
    return records.card.settings.get("untracked", [])


def fitted(tmp_path, build, **options):
    def weights(callbacks):
        keras.utils.set_random_seed(0)
        model = build()
        model.compile(keras.optimizers.SGD(0.01), "mse", **options)
        model.fit(*data(), batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=callbacks)
        return model.get_weights()

    assert same(weights([]), weights([LossDiagnostics(tmp_path, every=2)]))
    return untracked(tmp_path)


@pytest.mark.parametrize("keep", PLACES, ids=lambda keep: keep.__name__)
def test_a_variable_that_keras_does_not_track_is_told_with_its_place(tmp_path, keep):
    name, holder = PLACES[keep]
    assert fitted(tmp_path, net(lambda: Bare(keep, name="bare"))) == [{"name": name, "shape": [4, 4], "holder": holder}]


@pytest.mark.parametrize("options", [{"jit_compile": True}, {"run_eagerly": True}, {"steps_per_execution": 2}], ids=str)
def test_however_the_step_runs(tmp_path, options):
    (found,) = fitted(tmp_path, net(lambda: Bare(as_attribute, name="bare")), **options)
    assert found["name"] == "bare.w"


class Inside(LAYERS.Layer):
    """A layer in an object that Keras does not look into."""

    def __init__(self, **options):
        super().__init__(**options)
        self.box = Holder({"dense": LAYERS.Dense(4, name="hidden")})

    def call(self, x):
        return self.box.held["dense"](x)


def test_a_layer_in_an_object_of_the_users_own_is_told(tmp_path):
    found = fitted(tmp_path, net(lambda: Inside(name="inside")))
    assert [one["shape"] for one in found] == [[4, 4], [4]]
    assert all(one["name"].startswith("inside.box.held['dense'].") for one in found)


@pytest.mark.parametrize("wrapping", [lambda step: step, tf.function], ids=["eager", "function"])
def test_a_loop_of_the_users_own_is_looked_at(tmp_path, wrapping):
    model, optimizer = net(lambda: Bare(as_attribute, name="bare"))(), keras.optimizers.SGD(0.01)
    x, y = map(tf.constant, data())

    @wrapping
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x, training=True) - y))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    with TrainingMonitor(model, optimizer, tmp_path) as monitor:
        watched = monitor.watch(step)
        for _ in range(3):
            watched(x, y)
    assert untracked(tmp_path) == [{"name": "bare.w", "shape": [4, 4], "holder": "Bare"}]


def test_what_an_optimizer_has_is_trained_wherever_it_is_kept(tmp_path):
    model, optimizer = net(lambda: Bare(as_attribute, name="bare"))(), keras.optimizers.SGD(0.01)
    x, y = map(tf.constant, data())

    @tf.function
    def step():
        variables = [*model.trainable_variables, model.layers[0].w]
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x) - y))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    with TrainingMonitor(model, optimizer, tmp_path) as monitor:
        monitor.watch(step)()
    assert untracked(tmp_path) == []


class Annealed(LAYERS.Layer):
    """A number that a callback sets, a table that says it is fixed, an average that the step itself assigns."""

    def __init__(self, **options):
        super().__init__(**options)
        self.share = tf.Variable(0.5)
        self.table = tf.Variable(tf.ones((4,)), trainable=False)
        self.average = tf.Variable(tf.zeros((4,)))
        self.seen = tf.Variable(tf.zeros((4,), tf.int32))

    def call(self, x):
        self.average.assign(0.9 * self.average + 0.1 * tf.reduce_mean(x, 0))
        self.seen.assign_add(tf.ones((4,), tf.int32))
        return self.share * x * self.table - tf.cast(self.seen, tf.float32) * 1e-3 - self.average


class Taught(keras.Model):
    """A teacher in the loss, tracked by another model, and a frozen part of its own."""

    def __init__(self, teacher):
        super().__init__()
        self.base, self.out = LAYERS.Dense(4), LAYERS.Dense(1)
        self.base.trainable = False
        self.helper = Holder(teacher)

    def call(self, x):
        return self.out(self.base(x))

    def train_step(self, batch):
        x, _ = batch
        with tf.GradientTape() as tape:
            target = self.helper.held(x)
            loss = tf.reduce_mean(tf.square(self(x, training=True) - target))
            loss += tf.reduce_mean(tf.square(self.helper.held(self(x, training=True) * tf.ones((1, 4)))))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss}


HEALTHY = {
    "annealed": net(lambda: Annealed(name="annealed")),
    "a teacher in the loss": lambda: Taught(net()()),
    "moving statistics and seeds": net(LAYERS.BatchNormalization, lambda: LAYERS.Dropout(0.5)),
    "recurrent": lambda: keras.Sequential(
        [LAYERS.Input((4,)), LAYERS.Reshape((2, 2)), LAYERS.GRU(3, dropout=0.1), LAYERS.Dense(1)]
    ),
    "nested": lambda: keras.Sequential([LAYERS.Input((4,)), net(lambda: LAYERS.Dense(4))(), LAYERS.Dense(1)]),
}


@pytest.mark.parametrize("name", HEALTHY)
@pytest.mark.parametrize("options", [{}, {"run_eagerly": True}], ids=["graph", "eager"])
def test_what_the_model_tracks_or_sets_itself_is_not_told(tmp_path, name, options):
    assert fitted(tmp_path, HEALTHY[name], **options) == []
