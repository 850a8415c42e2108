from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.generalization_gap import MIN_EPOCHS, PLATEAU_RATIO, RATIO, RISE, SHARED, check

TRAIN = np.linspace(2.0, 0.2, 20)


def turning(rise, train=TRAIN):
    """Validation falls to 1 at epoch 8 and climbs to 1 + rise, which the mean of the last three epochs meets."""
    val = np.r_[np.linspace(2.0, 1.0, 8), np.linspace(1.0, 1 + rise, 10)[1:], np.full(3, 1 + rise)]
    return s.healthy(epochs=s.epochs(loss=train, val_loss=val))


@pytest.mark.parametrize(("rise", "state"), [(RISE - 0.01, "not_found"), (RISE + 0.01, "found")])
def test_validation_must_rise_by_a_tenth_above_its_best(rise, state):
    found = check(turning(rise))
    assert found.state == state and found.sign("rise") == pytest.approx(rise)


def test_the_evidence_carries_the_rise_the_threshold_and_the_best_epoch():
    found = check(turning(0.5))
    (evidence,) = found.evidence
    assert evidence.value == pytest.approx(0.5) and evidence.threshold == RISE
    assert evidence.steps == (160, 400) and "best at 1 (epoch 8 of 20)" in evidence.text
    assert (found.onset, found.sign("best_epoch")) == (160, 8)


@pytest.mark.parametrize(("ratio", "state"), [(RATIO * 0.98, "not_found"), (RATIO * 1.02, "found")])
def test_validation_must_stand_well_above_training(ratio, state):
    train = np.r_[np.linspace(2.0, 1.3, 8), np.linspace(1.3, 1.2 / ratio, 9), np.full(3, 1.2 / ratio)]
    assert check(turning(0.2, train)).state == state


def test_a_rise_in_step_with_training_is_no_gap():
    assert check(turning(0.5, train=np.r_[np.linspace(2.0, 0.2, 8), np.linspace(0.25, 0.4, 12)])).state == "not_found"


def test_both_falling_is_no_gap():
    assert check(s.healthy(epochs=s.epochs(loss=TRAIN, val_loss=TRAIN + 0.1))).state == "not_found"


@pytest.mark.parametrize(("ratio", "state"), [(PLATEAU_RATIO * 0.98, "not_found"), (PLATEAU_RATIO * 1.02, "found")])
def test_a_plateau_far_above_training_is_a_gap(ratio, state):
    train = np.r_[np.linspace(2.0, 1.0, 8), np.linspace(0.9, 1 / ratio, 9), np.full(3, 1 / ratio)]
    val = np.r_[np.linspace(2.0, 1.0, 8), np.full(12, 1.0)]
    found = check(s.healthy(epochs=s.epochs(loss=train, val_loss=val)))
    assert found.state == state
    if state == "found":
        assert found.evidence[0].value == pytest.approx(ratio) and found.evidence[0].threshold == PLATEAU_RATIO


def test_the_epochs_both_curves_share_are_compared():
    epochs = turning(0.5).epochs
    val = epochs["val_loss"]
    every_second = type(val)(val.steps[1::2], val.values[1::2])
    found = check(s.healthy(epochs={**epochs, "val_loss": every_second}))
    assert (found.state, found.sign("epochs")) == ("found", 10)


@pytest.mark.parametrize(("count", "state"), [(MIN_EPOCHS - 1, "inconclusive"), (MIN_EPOCHS, "not_found")])
def test_few_epochs_decide_nothing(count, state):
    epochs = s.epochs(loss=TRAIN[:count], val_loss=TRAIN[:count])
    assert check(s.healthy(epochs=epochs)).state == state


def test_losses_that_are_not_finite_decide_nothing():
    epochs = s.epochs(loss=TRAIN, val_loss=np.r_[TRAIN[:19], np.inf])
    assert check(s.healthy(epochs=epochs)).state == "inconclusive"


def test_without_validation_the_check_asks_for_it():
    found = check(s.healthy(epochs=s.epochs(loss=TRAIN)))
    assert found.state == "not_run" and "validation_data" in found.needs


def test_a_training_loss_of_exactly_zero_is_an_endless_ratio():
    found = check(turning(0.5, train=np.r_[np.linspace(2.0, 0.1, 10), np.zeros(10)]))
    assert found.state == "found" and found.sign("ratio") == np.inf


def test_losses_near_the_end_of_the_number_range_are_compared():
    assert check(turning(1e308)).found


def test_the_skill_that_was_lost_is_told_where_a_constant_guess_is_known():
    found = check(turning(0.5))
    assert found.sign("lost_skill") == pytest.approx(0.5 / np.log(s.CLASSES))
    assert check(s.healthy(epochs=turning(0.5).epochs, targets=None)).sign("lost_skill") is None


def test_what_validation_gained_since_its_first_epoch_is_told():
    assert check(turning(0.5)).sign("improved") == pytest.approx(0.5)
    assert check(s.healthy(epochs=s.epochs(loss=TRAIN, val_loss=TRAIN[::-1]))).sign("improved") == 0


@pytest.mark.parametrize(("share", "state"), [(SHARED * 0.9, "found"), (SHARED * 1.1, "not_found")])
def test_what_training_rows_share_in_evaluation_mode_was_not_memorised(share, state):
    """Their loss lies this share of the way from the training loss to the validation loss."""
    run = turning(0.5)
    evaluated = TRAIN[-1] + share * (1.5 - TRAIN[-1])
    found = check(
        replace(run, steps={**run.steps, "evaluation_loss": s.series([9.0, evaluated, evaluated, evaluated])})
    )
    assert (found.state, found.sign("shared_by_training")) == (state, state == "not_found")
    assert ("nothing was memorised" in found.evidence[0].text) == (state == "not_found")


@pytest.mark.parametrize(("rise", "state"), [(0.2, "not_found"), (0.5, "found")])
def test_a_loss_that_may_be_below_zero_rises_in_shares_of_the_way_it_came_down(rise, state):
    """A density's: from 2 to -0.8 is a way of 2.8, whose tenth is a third of 0.8."""
    train = np.linspace(2.0, -2.2, 20)
    val = np.r_[np.linspace(2.0, -0.8, 8), np.linspace(-0.8, rise - 0.8, 10)[1:], np.full(3, rise - 0.8)]
    assert check(s.healthy(epochs=s.epochs(loss=train, val_loss=val))).state == state


@pytest.mark.parametrize(("level", "state"), [(2.2, "found"), (1.3, "not_found")])
def test_most_of_what_is_known_by_heart_is_a_gap_though_validation_still_falls_a_little(level, state):
    """A guess scores 2.3 in ten classes; training comes to 0.1."""
    train = np.linspace(2.3, 0.1, 20)
    run = s.healthy(epochs=s.epochs(loss=train, val_loss=np.linspace(2.3, level, 20)))
    assert check(run).state == state
