"""A run that EarlyStopping ended while it still got better, and the sound ones that look alike."""

from dataclasses import replace

import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.stopping import stopped_by_min_delta, stopped_by_wrong_mode
from tb_lossdiag.run import Run

FALLING = [1.0, 0.9, 0.82, 0.75]
RISING = [0.3, 0.4, 0.5, 0.55]


def stopped(monitor="val_loss", values=FALLING, planned=100, ended=True, **config) -> Run:
    callback = {"name": "EarlyStopping", "config": {"monitor": monitor, "mode": "auto", "min_delta": 0.0, **config}}
    run = s.healthy(card=s.card(settings={"callbacks": [callback]}, epochs=planned))
    return replace(run, epochs=run.epochs | s.epochs(**{monitor: values}), ended=ended)


@pytest.mark.parametrize("run", [
    stopped(mode="max"),
    stopped("loss", mode="max"),
    stopped("val_accuracy", RISING, mode="min"),
])  # fmt: skip
def test_a_wrong_mode_counts_no_gain(run):
    assert "counts every gain as none" in stopped_by_wrong_mode(run)
    assert not stopped_by_min_delta(run)
    cause = diagnose_run(run).causes[0]
    assert (cause.id, cause.severity) == ("undertrained", "warning") and "mode='auto'" in cause.fix.text


def test_gains_that_are_smaller_than_what_is_demanded_are_told():
    told = stopped_by_min_delta(stopped(min_delta=0.5))
    assert "4 of 100 epochs" in told and "gains of 0.5; no epoch gained more than 0.1" in told


@pytest.mark.parametrize("run", [
    stopped(),
    stopped(mode="min"),
    stopped("val_accuracy", RISING, mode="max"),
    stopped(mode="max", planned=4),  # it came to its end
    stopped(mode="max", ended=False),  # it may go on
    stopped(mode="max", values=[1.0]),
    stopped(mode="max", values=[1.0, float("nan")]),
    stopped("val_psnr", FALLING, mode="min"),  # nobody knows what is better
    stopped(min_delta=0.05),  # the first epochs gained as much
    stopped(min_delta=0.5, values=[1.0, 0.9, 0.95]),  # one epoch lost
    stopped(min_delta="much"),
    stopped(monitor="val_loss", values=FALLING, patience=3),
    s.healthy(card=None),
    s.healthy(card=s.card(settings={"callbacks": [{"name": "EarlyStopping", "config": {"monitor": 3}}]})),
])  # fmt: skip
def test_sound_runs_were_not_stopped_too_soon(run):
    assert stopped_by_wrong_mode(run) is None and stopped_by_min_delta(run) is None
