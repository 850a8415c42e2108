"""Steps whose update lies in a graph of its own: loops over a dataset, functions in a step, branches."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.small_models import LAYERS, batches, mlp, same
from tb_lossdiag import LossDiagnostics, TrainingMonitor, schema

LOSS = keras.losses.SparseCategoricalCrossentropy()


def training():
    """(model, optimizer, its step)."""
    model, optimizer = mlp(), keras.optimizers.SGD(0.1, momentum=0.9)

    def step(x, y):
        with tf.GradientTape() as tape:
            loss = LOSS(y, model(x, training=True))
        optimizer.apply_gradients(
            zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables, strict=True)
        )
        return loss

    return model, optimizer, step


def dataset():
    return tf.data.Dataset.from_tensor_slices(batches()).batch(8)


def one_by_one(step, calls=2):
    for _ in range(calls):
        for x, y in dataset():
            step(x, y)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """The records of six steps in single calls."""
    log_dir = tmp_path_factory.mktemp("reference")
    model, optimizer, step = training()
    with TrainingMonitor(model, optimizer, log_dir, every=1) as monitor:
        one_by_one(monitor.watch(tf.function(step)))
    return Records(log_dir)


def alike(records, reference, steps):
    """The variables and outputs of these steps are those of the reference, but for what looks back on other samples."""
    mine, theirs = dict(records.of(schema.LAYERS)), dict(reference.of(schema.LAYERS))
    assert list(mine) == steps
    names = [row.name for row in reference.card.rows]
    place = [[row.name for row in records.card.rows].index(name) for name in names]
    own = [column != "activation_silent_share" for column in schema.LAYER_COLUMNS]
    for step in steps:
        np.testing.assert_allclose(mine[step][place][:, own], theirs[step][:, own], rtol=2e-3, atol=1e-5)


WRAPPINGS = {
    "in line": lambda step: step,
    "function": tf.function,
    "XLA": tf.function(jit_compile=True),
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_function_that_loops_over_a_dataset_records_the_last_step_of_each_call(tmp_path, reference, wrapping):
    def train(watch=lambda function: function, monitored=None):
        model, _, step = monitored or training()
        inner = WRAPPINGS[wrapping](step)

        @watch
        @tf.function
        def epoch(data):
            loss = 0.0
            for x, y in data:
                loss = inner(x, y)
            return loss

        losses = [float(epoch(dataset())) for _ in range(2)]
        return [*model.get_weights(), *losses]

    bare, monitored = train(), training()
    with TrainingMonitor(*monitored[:2], tmp_path, every=1) as monitor:
        assert same(bare, train(monitor.watch, monitored))
    records = Records(tmp_path)
    assert records.card.rows == reference.card.rows
    assert list(records.column("loss").values()) == pytest.approx(bare[-2:])
    [(step, lines)] = records.of(schema.HISTOGRAMS)
    assert step == 3 and lines.sum(axis=1) == pytest.approx(np.ones(len(lines)), abs=1e-3)
    if wrapping != "XLA":  # which drops out other units
        alike(records, reference, [3, 6])


def test_the_inner_functions_own_trace_stays_free_of_our_operations(tmp_path):
    model, optimizer, step = training()
    inner = tf.function(step)

    @tf.function
    def epoch(data):
        for x, y in data:
            inner(x, y)

    with TrainingMonitor(model, optimizer, tmp_path, every=9) as monitor:
        watched = monitor.watch(epoch)
        for _ in range(4):
            watched(dataset())
    assert Records(tmp_path).steps(schema.LAYERS) == [3, 9]
    traces = [traced.graph for traced in inner._list_all_concrete_functions()]
    assert traces
    assert not [operation for trace in traces for operation in trace.get_operations() if "lossdiag" in operation.name]


def test_a_function_called_in_an_eager_block_is_recorded_each_time(tmp_path, reference):
    bare, _, step = training()
    one_by_one(tf.function(step))
    model, optimizer, step = training()
    compiled = tf.function(step)
    with TrainingMonitor(model, optimizer, tmp_path, every=1) as monitor:

        def in_a_block(x, y):
            with monitor.step():
                compiled(x, y)

        one_by_one(in_a_block)
    assert same(bare.get_weights(), model.get_weights())
    alike(Records(tmp_path), reference, [1, 2, 3, 4, 5, 6])


def test_a_function_that_was_traced_for_two_batch_sizes_records_the_one_that_ran(tmp_path):
    model, optimizer, step = training()
    compiled, losses = tf.function(step), []
    with TrainingMonitor(model, optimizer, tmp_path, every=1) as monitor:
        for _ in range(2):
            for x, y in tf.data.Dataset.from_tensor_slices(batches()).batch(16):
                with monitor.step():
                    losses.append(float(compiled(x, y)))
    assert list(Records(tmp_path).column("loss").values()) == pytest.approx(losses)


def test_an_update_inside_a_branch_is_recorded(tmp_path, reference):
    def train(watch=lambda function: function, monitored=None):
        model, optimizer, _ = monitored or training()

        @watch
        @tf.function
        def step(x, y):
            with tf.GradientTape() as tape:
                loss = LOSS(y, model(x, training=True))
            gradients = tape.gradient(loss, model.trainable_variables)
            if tf.math.is_finite(loss):
                optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
            return loss

        one_by_one(step)
        return model.get_weights()

    bare, monitored = train(), training()
    with TrainingMonitor(*monitored[:2], tmp_path, every=1) as monitor:
        assert same(bare, train(monitor.watch, monitored))
    alike(Records(tmp_path), reference, [1, 2, 3, 4, 5, 6])
    assert set(Records(tmp_path).column("learning_rate").values()) == {np.float32(0.1)}


class Decorated(keras.Model):
    """Its train_step is a tf.function with a condition that only autograph can compile."""

    def __init__(self):
        super().__init__()
        self.hidden, self.out = LAYERS.Dense(8, "relu", name="hidden"), LAYERS.Dense(3, "softmax", name="out")

    def call(self, x):
        return self.out(self.hidden(x))

    @tf.function
    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
            if loss > 1e6:
                loss = 0.0 * loss
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"loss": loss}


def test_a_decorated_train_step_is_recorded(tmp_path):
    def train(callbacks):
        keras.utils.set_random_seed(0)
        model = Decorated()
        model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        model.fit(*batches(), epochs=2, batch_size=8, verbose=0, callbacks=callbacks)
        return model.get_weights()

    assert same(train([]), train([LossDiagnostics(tmp_path, every=1)]))
    records = Records(tmp_path)
    assert records.steps(schema.LAYERS) == [1, 2, 3, 4, 5, 6]
    assert [row.name for row in records.card.rows if row.kind == "output"] == ["hidden", "out"]
    gradients, updates = records.column("gradient_norm"), records.column("update_norm")
    assert list(updates.values()) == pytest.approx([0.1 * gradients[step] for step in updates], rel=1e-4)
    assert [row.kind for row in records.card.data_rows] == ["input", "target", "prediction"]
