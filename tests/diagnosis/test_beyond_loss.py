from dataclasses import replace

import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.loss_pairing import check


def without_value(low=-1.5, lowest_target=0.0, least=-3.0, highest_target=30.0, high=2.0, loss=np.nan, nonfinite=0.0):
    references = {
        "nonfinite": nonfinite,
        "loss": loss,
        "loss_least": least,
        "loss_constant": np.nan,
        "min": low,
        "max": high,
    }
    return a.run(np.full(400, np.nan), references, {"min": lowest_target, "max": highest_target})


def test_outputs_of_which_the_loss_has_no_value_are_found_where_it_has_one_at_the_targets():
    found = check(without_value())
    assert found.sign("fault") == "outside_the_loss" and found.sign("certain")
    assert check(without_value(low=0.1, high=1.5, highest_target=1.0)).sign("fault") == "outside_the_loss"
    broke_at_once = np.where(a.STEPS > 1, 320.0, 0.0)
    assert check(without_value(nonfinite=broke_at_once)).sign("fault") == "outside_the_loss"


@pytest.mark.parametrize("run", [
    without_value(low=0.1), without_value(lowest_target=-2.0), without_value(least=np.nan), without_value(loss=1.0),
    without_value(low=-3.1e38),
], ids=["outputs above 0", "targets below 0", "no value at the targets either", "a value", "overflown"])  # fmt: skip
def test_a_loss_without_a_value_may_have_other_reasons(run):
    assert check(run).sign("fault") is None


def test_a_distance_has_a_value_of_any_output_and_only_overflows():
    run = without_value()
    card = s.with_layer(replace(run.card, loss={"name": "mean_squared_error"}), "output", activation="linear")
    assert check(replace(run, card=card)).sign("fault") is None


def overlap(name="DiceLoss", least=-4.0, low=-1.5, high=6.0, spread=0.4):
    """A loss of a network's own outputs and of masks, called as it is named, that comes down from 0.6 to `least`."""
    loss = np.linspace(0.6, least, 400)
    run = a.run(
        loss, {"min": low, "max": high, "loss_constant": 0.5}, {"min": 0.0, "max": 1.0, "mean": 0.2, "std": spread}
    )
    return replace(run, card=replace(run.card, loss={**run.card.loss, "name": name}))


@pytest.mark.parametrize("name", ["DiceLoss", "soft_jaccard", "iou_loss", "TverskyLoss"])
def test_an_overlap_that_changes_its_sign_was_given_no_shares(name):
    found = check(overlap(name))
    assert found.sign("fault") == "outside_the_loss" and found.sign("certain")


@pytest.mark.parametrize("run", [
    overlap(least=0.05), overlap("indices_loss"), overlap(low=0.0, high=1.0), overlap(least=-0.001),
    overlap("GeneralizedIoULoss", spread=0.3), overlap(least=-0.98), overlap("BCEMinusDice"),
], ids=["a sigmoid inside", "another loss", "shares", "rounding", "corners", "turned round", "a sum"])  # fmt: skip
def test_an_overlap_of_one_sign_and_other_losses_are_left_alone(run):
    assert check(run).sign("fault") is None
