"""A run that EarlyStopping ended while it still got better, and the sound ones that look alike."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag import LossDiagnostics, diagnose
from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.stopping import Stopping, stopped_by_min_delta, stopped_by_wrong_mode
from tb_lossdiag.run import Run

FALLING = [1.0, 0.9, 0.82, 0.75]
RISING = [0.3, 0.4, 0.5, 0.55]
DEFAULTS = {"mode": "auto", "min_delta": 0.0, "patience": 3, "start_from_epoch": 0, "baseline": None}


def stopped(monitor="val_loss", values=FALLING, planned=100, ended=True, done=None, **config) -> Run:
    """done: epochs that were trained, where it is not one for each value."""
    callback = {"name": "EarlyStopping", "config": {"monitor": monitor, **DEFAULTS, **config}}
    run = s.healthy(card=s.card(settings={"callbacks": [callback]}, epochs=planned))
    losses = np.linspace(2.3, 0.8, done or len(values))
    return replace(run, epochs=s.epochs(loss=losses) | s.epochs(**{monitor: values}), ended=ended)


@pytest.mark.parametrize("run", [
    stopped(mode="max"),
    stopped("loss", mode="max"),
    stopped("val_accuracy", RISING, mode="min"),
    stopped("val_auc_1", RISING, mode="min"),
])  # fmt: skip
def test_a_wrong_mode_counts_no_gain(run):
    assert "counts every gain as none" in stopped_by_wrong_mode(run)
    assert not stopped_by_min_delta(run)
    cause = diagnose_run(run).causes[0]
    assert (cause.id, cause.severity) == ("undertrained", "warning") and "mode='auto'" in cause.fix.text


def test_gains_that_are_smaller_than_what_is_demanded_are_told():
    told = stopped_by_min_delta(stopped(min_delta=0.5))
    assert "4 of 100 epochs" in told and "gains of 0.5; no epoch gained more than 0.1" in told


@pytest.mark.parametrize(("end", "titles"), [(2.2, ["Early stopping demanded too much"]), (0.05, [])])
def test_they_are_a_cause_only_where_little_was_learned(end, titles):
    losses = np.linspace(2.3, end, 4)
    run = replace(stopped(values=losses, min_delta=5.0), steps=s.loss(s.falling(2.3, end)))
    run = replace(run, epochs=s.epochs(loss=losses, val_loss=losses))
    assert [one.title for one in diagnose_run(run).causes if one.title.startswith("Early")] == titles


@pytest.mark.parametrize("run", [
    stopped(),
    stopped(mode="min"),
    stopped("val_accuracy", RISING, mode="max"),
    # Nobody knows what is better.
    stopped("val_psnr", RISING, mode="max"),
    stopped("val_psnr", FALLING, mode="min"),
    stopped("val_brier_score", FALLING, mode="min"),
    stopped("val_reward", RISING, mode="max", min_delta=0.5),
    stopped(mode="max", planned=4),  # it came to its end
    stopped(mode="max", ended=False),  # it may go on
    stopped(mode="max", patience=9),  # something else ended it
    stopped(mode="max", patience=1),
    stopped(mode="max", baseline=0.5),
    stopped(mode="max", done=20),  # it validates every five epochs
    stopped(mode="max", values=[0.75, 0.75, 0.75, 0.75]),  # the right mode would have ended it as well
    stopped(mode="max", values=[1.0], patience=0),
    stopped(mode="max", values=[1.0, 0.9, 0.8, float("nan")]),
    stopped(min_delta=0.05),  # the first epochs gained as much
    stopped(min_delta=0.5, values=[1.0, 0.9, 0.95, 0.94]),  # one epoch lost
    stopped(mode="max", min_delta="much"),
    stopped(mode="max", patience=None),
    s.healthy(card=None),
    s.healthy(card=s.card(settings={"callbacks": [{"name": "EarlyStopping", "config": {"monitor": 3}}]})),
])  # fmt: skip
def test_sound_runs_were_not_stopped_too_soon(run):
    assert stopped_by_wrong_mode(run) is None and stopped_by_min_delta(run) is None


def fitted(log_dir, values, **arguments) -> int:
    """Epochs of a real fit whose validation loss is made to take these values."""

    class Told(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"] = values[epoch]

    x, y = np.eye(8, dtype="float32"), np.arange(8, dtype="float32")[:, None]
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    told = [Told(), keras.callbacks.EarlyStopping("val_loss", **arguments), LossDiagnostics(log_dir)]
    return len(model.fit(x, y, epochs=len(values), verbose=0, callbacks=told).history["loss"])


@pytest.mark.parametrize("values", [FALLING * 2, RISING * 2, [1, 1, 1, 0.9, 0.95, 0.9, 0.9, 0.9], [3, 2, 1] * 3])
@pytest.mark.parametrize("arguments", [
    {}, {"mode": "max", "patience": 2}, {"min_delta": 0.15, "patience": 1}, {"patience": 2, "start_from_epoch": 3},
])  # fmt: skip
def test_a_training_ends_where_keras_ends_it(tmp_path, values, arguments):
    known = {"mode": "min", "min_delta": 0.0, "patience": 0, "start_from_epoch": 0, **arguments}
    ends = Stopping("val_loss", **known).ends(np.array(values))
    assert fitted(tmp_path, values, **arguments) == (ends or len(values))


def test_a_real_fit_with_the_wrong_mode_is_told_and_one_with_the_right_mode_is_not(tmp_path):
    falling = list(np.linspace(1, 0.5, 12))
    assert fitted(tmp_path / "wrong", falling, mode="max", patience=3) == 4
    (report,) = diagnose(tmp_path / "wrong").values()
    assert any(cause.title == "Early stopping counted gains as none" for cause in report.causes)
    fitted(tmp_path / "right", falling, patience=3)
    (report,) = diagnose(tmp_path / "right").values()
    assert not any(cause.title.startswith("Early") for cause in report.causes)
