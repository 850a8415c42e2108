"""Outputs that beat one number for all, and score as well with other examples' targets, have no skill."""

from dataclasses import replace

import asked_losses as a
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.skill import HALF_WAY, MOST, check

CARD = s.card(loss={"name": "mean_squared_error"})


def pictures(loss, dealt, std=1.0):
    """Targets of variance 1 or more, and an output that scores `dealt` with the targets of other examples."""
    targets = s.target_table([0.5], [std])
    at = s.flat(loss, 0.02 * loss)
    references = {"loss_shuffled": a.noisy(dealt, 0.01), "loss_constant": a.noisy(dealt, 0.01, 1), "loss_least": 0.0}
    return replace(a.run(at, references, card=CARD), targets=targets)


def test_the_mean_picture_for_every_picture_is_no_skill():
    found = check(pictures(loss=0.7, dealt=0.7))
    assert found.state == "found" and found.sign("level") == "none" and abs(found.sign("skill")) < 0.05


@pytest.mark.parametrize("dealt", [1.0, 2.0])
def test_outputs_that_belong_to_their_examples_keep_their_skill(dealt):
    found = check(pictures(loss=0.7, dealt=dealt))
    assert found.state == "not_found" and found.sign("skill") == pytest.approx(0.3, abs=0.05)


def test_beyond_half_way_it_is_the_batches_that_hold_too_little_variety():
    loss = 0.9 * (1 - HALF_WAY)
    assert check(pictures(loss=loss, dealt=loss)).state == "not_found"


def test_targets_that_differ_between_batches_only_tell_nothing():
    run = pictures(loss=0.7, dealt=0.7, std=0.1)
    values = run.targets.values.copy()
    values[::2, :, run.targets.columns.index("mean")] = -1.5
    between = replace(run, targets=replace(run.targets, values=values))
    assert MOST > 0.1**2 and check(between).sign("level") == "some"
