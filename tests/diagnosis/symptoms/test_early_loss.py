import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.early_loss import LEAP, START, WINDOW, check

CHANCE = np.log(s.CLASSES)


def run_with(values, **changes):
    return s.healthy(steps=s.loss(values), **changes)


def leaping(factor, at=10, steps=100):
    values = np.full(steps, CHANCE)
    values[at] = factor * CHANCE
    return run_with(values)


@pytest.mark.parametrize(("factor", "state"), [(LEAP - 0.1, "not_found"), (LEAP + 0.1, "found")])
def test_a_loss_must_leap_to_more_than_five_times_its_start(factor, state):
    found = check(leaping(factor))
    assert (found.state, found.sign("leapt")) == (state, state == "found")
    assert (found.evidence[0].value, found.evidence[0].threshold) == (pytest.approx(factor), LEAP)


def test_the_onset_is_the_step_of_the_leap():
    assert check(leaping(20.0, at=10)).onset == 11


def test_a_leap_after_the_first_steps_is_none_of_the_start():
    assert check(leaping(20.0, at=WINDOW)).state == "not_found"
    assert check(leaping(20.0, at=WINDOW - 1)).state == "found"


def test_a_loss_that_turns_nan_has_leapt():
    found = check(leaping(np.nan, at=4))
    assert (found.state, found.onset, found.sign("leap")) == ("found", 5, np.inf)


@pytest.mark.parametrize(("factor", "state"), [(START * 0.99, "not_found"), (START * 1.01, "found")])
def test_a_start_far_above_the_constant_guess_is_found(factor, state):
    found = check(run_with(np.linspace(factor, 0.5, 100) * CHANCE))
    assert (found.state, found.sign("high_start")) == (state, state == "found")


def test_the_evidence_of_a_high_start_is_the_start():
    (evidence,) = check(run_with(np.linspace(8, 0.5, 100) * CHANCE)).evidence
    assert evidence.value == pytest.approx(8) and evidence.threshold == START
    assert evidence.unit == "first / constant guess" and "8 times" in evidence.text


def test_without_targets_the_start_cannot_be_high():
    found = check(run_with(np.linspace(100, 1, 100), targets=None))
    assert found.state == "not_found" and "constant guess" not in found.evidence[0].text


def test_the_steps_seen_are_those_of_the_log():
    assert check(run_with(np.full(20, 2.0))).evidence[0].steps == (1, 20)


def test_a_loss_below_zero_has_no_ratio_to_leap_by():
    assert check(run_with(np.r_[-1.0, np.full(99, 50.0)])).state == "not_found"


def test_a_first_loss_that_is_not_finite_decides_nothing():
    assert check(run_with(np.r_[np.nan, np.full(99, 2.0)])).state == "inconclusive"


def test_nine_losses_are_too_few():
    assert check(run_with(np.full(9, 2.0))).state == "not_run"
    assert check(run_with(np.full(10, 2.0))).state == "not_found"


def test_a_penalty_is_no_high_start():
    run = s.with_steps(run_with(np.full(400, CHANCE + 50)), penalty=50.0)
    assert check(run).state == "not_found"


def test_where_examples_have_weights_a_first_loss_is_no_measure_of_the_start():
    weighed = run_with(np.linspace(2 * START, 0.5, 100) * CHANCE, card=s.card(settings={"sample_weight": True}))
    assert check(weighed).state == "not_found" and np.isnan(check(weighed).sign("start"))
