"""The rate and the scale of a step that is not sampled: those that it applies, read before it."""

import keras
import pytest

from recording.reading import Records
from recording.small_models import batches, mlp, same
from tb_lossdiag import LossDiagnostics, TrainingMonitor
from tb_lossdiag.recording.applied import AppliedRate

SCHEDULES = keras.optimizers.schedules


@pytest.fixture(autouse=True)
def reading_costs_nothing(monkeypatch):
    """However quick the steps are."""
    monkeypatch.setattr("tb_lossdiag.recording.applied.READ_SHARE", float("inf"))


class Halving(SCHEDULES.LearningRateSchedule):
    """A schedule of the user's own, which counts how often it is asked."""

    asked = 0

    def __call__(self, step):
        self.asked += 1
        return 0.5

    def get_config(self):
        return {}


class ByBatch(keras.callbacks.Callback):
    """Sets another rate before each batch, and keeps it."""

    def __init__(self):
        super().__init__()
        self.set = []

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = rate = 0.1 / (1 + len(self.set))
        self.set.append(rate)


def test_a_rate_that_is_a_number_is_read_at_each_step():
    optimizer, applied = keras.optimizers.SGD(0.25), AppliedRate()
    assert applied.before(optimizer, optimizer) == {"learning_rate": 0.25}
    optimizer.learning_rate = 0.5
    assert applied.before(optimizer, optimizer) == {"learning_rate": 0.5}


def test_of_quick_steps_some_only_are_read(monkeypatch):
    monkeypatch.setattr("tb_lossdiag.recording.applied.READ_SHARE", 0.01)
    now = iter([0.0, 1e-5, 5e-4, 1.005e-3, 1.015e-3, 1.02e-3])
    monkeypatch.setattr("time.perf_counter", lambda: next(now))
    optimizer, applied = keras.optimizers.SGD(0.25), AppliedRate()
    found = [applied.before(optimizer, optimizer) for _ in range(4)]
    assert [bool(one) for one in found] == [True, False, False, True]


def test_before_a_step_was_observed_nothing_is_known():
    assert AppliedRate().before(None, None) == {}


def test_a_schedule_of_keras_is_asked_once_a_second_for_the_steps_to_come(monkeypatch):
    optimizer = keras.optimizers.SGD(SCHEDULES.ExponentialDecay(1.0, 1, 0.5))
    optimizer.iterations.assign(3)
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    applied = AppliedRate()
    assert applied.before(optimizer, optimizer) == {"learning_rate": 0.125}
    assert applied.before(optimizer, optimizer) == {}
    now[0] += 1.0
    assert applied.before(optimizer, optimizer, steps=2) == {"learning_rate": 0.0625}
    now[0] += 1.0
    assert applied.before(optimizer, optimizer, steps=None) == {}


def test_a_schedule_of_the_users_own_is_not_called():
    schedule = Halving()
    optimizer = keras.optimizers.SGD(schedule)
    assert AppliedRate().before(optimizer, optimizer) == {}
    assert schedule.asked == 0


def test_a_loss_scale_is_the_one_that_the_step_multiplies_with():
    inner = keras.optimizers.SGD(0.25)
    optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale=64.0)
    assert AppliedRate().before(optimizer, inner) == {"learning_rate": 0.25}
    optimizer.build([keras.Variable([1.0])])
    assert AppliedRate().before(optimizer, inner) == {"learning_rate": 0.25, "loss_scale": 64.0}


def test_what_a_device_may_still_compute_is_read_later_and_is_what_it_was(monkeypatch):
    monkeypatch.setattr("tb_lossdiag.recording.applied.is_awaited", lambda value: True)
    optimizer = keras.optimizers.SGD(0.25)
    found = AppliedRate().before(optimizer, optimizer)
    optimizer.learning_rate = 0.5
    assert found["learning_rate"]() == 0.25


@pytest.mark.parametrize("steps_per_execution", [1, 2])
def test_a_fit_records_the_rate_of_each_step(tmp_path, steps_per_execution):
    def trained(*callbacks):
        model, by_batch = mlp(), ByBatch()
        optimizer = keras.optimizers.SGD(0.1)
        model.compile(optimizer, "sparse_categorical_crossentropy", steps_per_execution=steps_per_execution)
        fit = {"batch_size": 8, "epochs": 4, "shuffle": False, "verbose": 0}
        model.fit(*batches(32), **fit, callbacks=[by_batch, *callbacks])
        return model, by_batch.set

    bare, _ = trained()
    model, rates = trained(LossDiagnostics(tmp_path, every=100))
    assert same(bare.get_weights(), model.get_weights())
    each = [rate for rate in rates for _ in range(steps_per_execution)]
    recorded = Records(tmp_path).column("learning_rate")
    assert len(recorded) > 5
    assert recorded == pytest.approx({step: each[step - 1] for step in recorded}, rel=1e-6)


def test_a_fit_records_the_loss_scale_of_each_step(tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = mlp()
    finally:
        keras.config.set_dtype_policy("float32")
    optimizer = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.01), initial_scale=8.0, dynamic_growth_steps=3
    )
    model.compile(optimizer, "sparse_categorical_crossentropy")
    fit = {"batch_size": 8, "epochs": 3, "shuffle": False, "verbose": 0}
    model.fit(*batches(32), **fit, callbacks=[LossDiagnostics(tmp_path, every=100)])
    scales, expected = Records(tmp_path).column("loss_scale"), [8.0] * 3 + [16.0] * 3 + [32.0] * 3 + [64.0] * 3
    assert len(scales) >= 10
    assert scales == {step: expected[step - 1] for step in scales}


def test_of_two_optimizers_the_rate_is_that_of_the_one_with_most_weights(tmp_path):
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential([layers.Input((4,)), layers.Dense(16, "relu"), layers.Dense(1)])
    small, large = keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.25)
    x, _ = batches(8)

    def step():
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x)))
        variables = model.trainable_variables
        gradients = tape.gradient(loss, variables)
        small.apply(gradients[2:], variables[2:])
        large.apply(gradients[:2], variables[:2])
        return loss

    with TrainingMonitor(model, small, tmp_path, every=100) as monitor:
        watched = monitor.watch(step)
        for _ in range(4):
            watched()
    assert list(Records(tmp_path).column("learning_rate").values()) == [0.25] * 4
