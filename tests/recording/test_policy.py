"""What is found while training is told between steps, once, and may end the training."""

import threading
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.small_models import LAYERS, same
from tb_lossdiag import LossDiagnostics, TrainingMonitor
from tb_lossdiag.recording.policy import SHARE, policy


def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(512, 8)).astype("float32")
    return x, (x[:, 0] > 0).astype("int64")


def model(rate=0.1):
    keras.utils.set_random_seed(0)
    net = keras.Sequential([LAYERS.Input((8,)), LAYERS.Dense(16, "relu"), LAYERS.Dense(2, "softmax")])
    net.compile(keras.optimizers.SGD(rate), "sparse_categorical_crossentropy")
    return net


def fit(net, callbacks, epochs=30):
    net.fit(*data(), epochs=epochs, batch_size=32, verbose=0, callbacks=callbacks)


def test_a_callable_gets_each_cause_once_with_the_report_on_the_trainings_own_thread(tmp_path):
    told = []
    net = model(rate=0.0)
    fit(net, [LossDiagnostics(tmp_path, on_finding=lambda *found: told.append((*found, threading.current_thread())))])
    [(cause, report, thread)] = told
    assert cause.id == report.causes[0].id == "learning_rate_zero"
    assert thread is threading.current_thread()


def test_a_healthy_training_hears_nothing_and_trains_to_the_same_bits(tmp_path):
    bare, recorded = model(), model()
    fit(bare, [])
    fit(recorded, [LossDiagnostics(tmp_path, on_finding="warn")])  # a warning is an error here
    assert same(bare.get_weights(), recorded.get_weights())


def test_stop_ends_the_fit_with_the_headline_the_fix_and_where_to_read_more(tmp_path):
    net, epochs = model(rate=0.0), 3000
    with pytest.warns(RuntimeWarning, match="Learning rate is zero.*The training stops here.*tensorboard --logdir"):
        fit(net, [LossDiagnostics(tmp_path, on_finding="stop")], epochs)
    assert 0 < int(net.optimizer.iterations) < epochs * 16


@pytest.mark.parametrize(("severity", "told"), [("note", True), ("warning", True), ("critical", False)])
def test_milder_findings_than_asked_for_are_not_told(tmp_path, severity, told):
    found = []
    keep = LossDiagnostics(tmp_path, on_finding=lambda cause, _: found.append(cause.severity), min_severity=severity)
    fit(model(), [keep], epochs=2)  # stopped too early, which is a warning
    assert ("warning" in found) is told


def test_an_error_of_the_users_callable_is_the_users(tmp_path):
    def on_finding(cause, report):
        raise StopAsyncIteration(cause.id)

    with pytest.raises(StopAsyncIteration, match="learning_rate_zero"):
        fit(model(rate=0.0), [LossDiagnostics(tmp_path, on_finding=on_finding)])


def test_a_loop_asks_whether_to_stop(tmp_path):
    net = model(rate=0.0)
    loss_of = keras.losses.SparseCategoricalCrossentropy()
    x, y = data()
    with TrainingMonitor(net, net.optimizer, tmp_path, on_finding="stop") as monitor:

        @monitor.watch
        @tf.function
        def step(x, y):
            with tf.GradientTape() as tape:
                loss = loss_of(y, net(x, training=True))
            net.optimizer.apply(tape.gradient(loss, net.trainable_variables), net.trainable_variables)
            return loss

        taken = 0
        with pytest.warns(RuntimeWarning, match="Learning rate is zero"):
            while not monitor.should_stop and taken < 100_000:
                step(x[:32], y[:32])
                taken += 1
    assert 0 < taken < 100_000


def test_a_look_rests_fifty_times_as_long_as_it_took(tmp_path, monkeypatch):
    looks = []
    clock = iter(np.arange(0.0, 100.0))
    monkeypatch.setattr("tb_lossdiag.recording.policy.time.monotonic", lambda: float(next(clock)))
    monkeypatch.setattr("tb_lossdiag.diagnose", lambda log_dir: looks.append(log_dir) or {}, raising=False)
    watch = policy("warn", "warning", tmp_path)
    for _ in range(60):
        watch.act()
        if watch._look is not None:
            watch._look.join()
    assert 1 / SHARE == 50
    assert len(looks) == 2


def test_a_log_that_cannot_be_read_is_no_finding(tmp_path):
    watch = policy("warn", "warning", tmp_path / "nothing here")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        watch.finish()
    assert not watch.should_stop


@pytest.mark.parametrize(("arguments", "error", "message"), [
    ({"on_finding": "halt"}, ValueError, "on_finding='halt': expected None, 'warn', 'stop' or a callable"),
    ({"on_finding": 1}, TypeError, "on_finding=1"),
    ({"min_severity": "bad"}, ValueError, "min_severity='bad': expected one of 'critical', 'warning', 'note'"),
])  # fmt: skip
def test_wrong_arguments_are_refused_at_construction(tmp_path, arguments, error, message):
    with pytest.raises(error, match=message):
        LossDiagnostics(tmp_path, **arguments)
