"""Is a step that was looked into as if it had never run, and does what XLA compiles keep its rounding?"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.small_models import same
from tb_lossdiag import LossDiagnostics, TrainingMonitor, schema
from tb_lossdiag.recording.undone import put_back, values_before

EXAMPLES, BATCH = 250, 32  # the last batch is a partial one


def test_what_a_step_adds_assigns_and_counts_is_undone():
    total, count, last = tf.Variable([1.0, 2.0]), tf.Variable(0, dtype=tf.int64), tf.Variable(0.5)

    @tf.function(jit_compile=True)
    def step(x):
        count.assign_add(1)  # a variable that is never read
        last.assign(x)
        return total.assign_add([x, x])

    @tf.function
    def seen(x):
        before = values_before(step.get_concrete_function(x))
        result = step(x)
        put_back(before)
        return result

    for _ in range(2):
        np.testing.assert_array_equal(seen(tf.constant(3.0)), [4.0, 5.0])
        np.testing.assert_array_equal(total, [1.0, 2.0])
        assert (int(count), float(last)) == (0, 0.5)
    step(tf.constant(3.0))
    np.testing.assert_array_equal(total, [4.0, 5.0])
    assert (int(count), float(last)) == (1, 3.0)


def net():
    """Layers whose gradients XLA fuses in another way where a step also returns what is inside."""
    keras.utils.set_random_seed(0)
    hidden = [
        keras.layers.Dense(32),
        keras.layers.BatchNormalization(),
        keras.layers.ReLU(),
        keras.layers.Dropout(0.3),
    ]
    return keras.Sequential([keras.Input((20,)), *hidden, keras.layers.Dense(3)])


def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(EXAMPLES, 20)).astype(np.float32), rng.integers(0, 3, EXAMPLES)


def state(model, optimizer):
    return [np.array(variable) for variable in (*model.variables, *optimizer.variables)]


def loss_function():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def fitted(callbacks, **options):
    model = net()
    model.compile(keras.optimizers.Adam(0.01), loss_function(), jit_compile=True, **options)
    history = model.fit(*data(), epochs=3, batch_size=BATCH, verbose=0, callbacks=callbacks).history
    return state(model, model.optimizer), history["loss"]


@pytest.mark.parametrize("every", [2, 5, "auto"])
@pytest.mark.parametrize("options", [{}, {"steps_per_execution": 4}], ids=str)
def test_a_compiled_fit_with_batch_norm_dropout_and_a_partial_batch_keeps_its_bits(tmp_path, every, options):
    bare, losses = fitted([], **options)
    recorded, recorded_losses = fitted([LossDiagnostics(tmp_path, every=every)], **options)
    assert same(bare, recorded) and losses == recorded_losses
    assert len(Records(tmp_path).steps(schema.LAYERS)) > 2


def looped(log_dir=None):
    model, optimizer, loss_of = net(), keras.optimizers.Adam(0.01), loss_function()
    optimizer.build(model.trainable_variables)

    @tf.function(jit_compile=True)
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_of(y, model(x, training=True))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    x, y = data()
    monitor = TrainingMonitor(model, optimizer, log_dir, every=2) if log_dir else None
    taken = monitor.watch(step) if monitor else step
    losses = [
        float(taken(tf.constant(x[first : first + BATCH]), tf.constant(y[first : first + BATCH])))
        for _ in range(3)
        for first in range(0, EXAMPLES, BATCH)
    ]
    if monitor:
        monitor.close()
    return state(model, optimizer), losses


def test_a_watched_step_that_xla_compiles_keeps_its_bits(tmp_path):
    bare, losses = looped()
    recorded, recorded_losses = looped(tmp_path)
    assert same(bare, recorded) and losses == recorded_losses
    assert len(Records(tmp_path).steps(schema.LAYERS)) > 2


def test_the_users_own_step_is_compiled_once_for_samples_and_plain_steps(tmp_path):
    traces = []

    class Counted(keras.Sequential):
        def train_step(self, given):
            traces.append(tf.executing_eagerly())
            return super().train_step(given)

    model = Counted(net().layers)
    model.compile(keras.optimizers.Adam(0.01), loss_function(), jit_compile=True)
    model.optimizer.build(model.trainable_variables)  # the step that makes its slots is traced twice
    model.fit(*data(), batch_size=BATCH, verbose=0, callbacks=[LossDiagnostics(tmp_path, every=2)])
    assert traces == [False, False]  # one for the plain step, one for the observed one


@pytest.mark.parametrize("name", ["values_before", "put_back"])
@pytest.mark.parametrize("train", [fitted, looped], ids=["fit", "watched"])
def test_what_fails_of_it_ends_the_recording_and_not_the_training(tmp_path, monkeypatch, name, train):
    def broken(_):
        raise RuntimeError("ours")

    bare = train([] if train is fitted else None)
    monkeypatch.setattr(f"tb_lossdiag.recording.twin.{name}", broken)
    with pytest.warns(RuntimeWarning, match="ours"):
        recorded = train([LossDiagnostics(tmp_path, every=2)] if train is fitted else tmp_path)
    assert same(bare[0], recorded[0]) and bare[1] == recorded[1]


@pytest.fixture
def eager_functions():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.parametrize("train", [fitted, looped], ids=["fit", "watched"])
@pytest.mark.usefixtures("eager_functions")
@pytest.mark.filterwarnings("ignore:Even though the .tf.config.experimental_run_functions_eagerly:UserWarning")
def test_functions_that_run_eagerly_are_recorded_to_the_same_bits(tmp_path, train):
    bare = train([] if train is fitted else None)
    recorded = train([LossDiagnostics(tmp_path, every=2)] if train is fitted else tmp_path)
    assert same(bare[0], recorded[0]) and bare[1] == recorded[1]
    assert len(Records(tmp_path).steps(schema.LAYERS)) > 2
