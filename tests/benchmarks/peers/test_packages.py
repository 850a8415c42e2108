"""The packages themselves, each on a small run: where one is not installed, its tests are skipped."""

import numpy as np
import pytest
import synthetic as s

from benchmarks.peers import PEERS, Case

PACKAGES = ("gradsnitch", "runmedic", "trainproof", "trainspotter")
RATE = np.full(len(s.STEPS), 1e-3)


def ask(package: str, run):
    pytest.importorskip(package)
    answer = PEERS[package](Case(run, None))
    assert answer.ran, answer.said
    return answer


def run_of(loss, rate=RATE, **epochs):
    return s.healthy(steps={"loss": s.series(loss), "learning_rate": s.series(rate)}, epochs=s.epochs(**epochs))


@pytest.mark.parametrize("package", PACKAGES)
def test_a_smooth_descent_alarms_nobody(package):
    assert not ask(package, run_of(s.falling(noise=0.01))).alarmed


@pytest.mark.parametrize("package", PACKAGES)
def test_a_flat_loss_alarms_everybody(package):
    assert ask(package, run_of(s.flat())).alarmed


@pytest.mark.parametrize("package", PACKAGES)
def test_a_loss_that_breaks_alarms_everybody(package):
    loss = s.falling(noise=0.01)
    loss[200:] = np.nan
    assert ask(package, run_of(loss)).alarmed


@pytest.mark.parametrize("package", PACKAGES)
def test_everybody_calls_overfitting_by_its_name(package):
    validation = np.r_[np.linspace(2, 1, 10), np.linspace(1, 1.4, 10)]
    assert "overfitting" in ask(package, run_of(s.falling(noise=0.01), val_loss=validation)).causes


@pytest.mark.parametrize("package", ("runmedic", "trainproof"))
def test_a_rate_of_zero_is_named_where_it_is_looked_at(package):
    assert ask(package, run_of(s.flat(noise=0.0), rate=RATE * 0)).causes[0] == "learning_rate_zero"


def test_gradsnitch_reads_the_update_ratio():
    def moving(update):
        norms = {"update_norm": s.series(RATE * 0 + update), "weight_norm": s.series(RATE * 0 + 1)}
        return s.healthy(steps={**s.loss(s.falling(noise=0.01)), **norms})

    assert ask("gradsnitch", moving(0.1)).causes == ("learning_rate_too_high",)
    assert ask("gradsnitch", moving(1e-5)).causes[0] == "learning_rate_too_low"
    assert not ask("gradsnitch", moving(1e-3)).alarmed


def test_trainspotters_warm_up_advice_is_said_and_no_alarm():
    answer = ask("trainspotter", run_of(s.falling(noise=0.01)))
    assert any("warmup" in words for words in answer.said) and not answer.alarmed
