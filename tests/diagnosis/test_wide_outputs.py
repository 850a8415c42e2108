from dataclasses import replace

import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.wide_outputs import WIDE, starts_wide, summed


def seen(run):
    return starts_wide(Findings(run, {}, "slow"))


@pytest.mark.parametrize(("times", "is_told"), [(WIDE * 1.1, True), (WIDE * 0.9, False)])
def test_a_cross_entropy_that_starts_far_above_a_guess_starts_wide(times, is_told):
    run = s.healthy(steps=s.loss(np.full(400, times * np.log(10))))
    assert (seen(run) is not None) is is_told


@pytest.mark.parametrize(("prediction", "is_told"), [
    ({"mean": 0.6, "std": 7.2}, True), ({"mean": 0.6, "std": 1.0}, False), ({"mean": 40.0, "std": 7.2}, False),
], ids=["wide", "as wide as the targets", "beside them"])  # fmt: skip
def test_outputs_that_spread_many_times_as_far_as_their_targets_start_wide(prediction, is_told):
    data = a.table({"output": {"loss": 50.0, **prediction}}, {"mean": 0.5, "std": 0.9})
    run = s.healthy(card=a.own(loss={"name": "mse"}), data=data, targets=None)
    assert (seen(run) is not None) is is_told


def test_without_statistics_nothing_is_told():
    assert seen(s.healthy(card=a.own(loss={"name": "mse"}), data=None, targets=None)) is None
    assert seen(replace(s.healthy(), card=None)) is None


def test_weights_make_any_first_loss_large():
    run = s.healthy(steps=s.loss(np.full(400, 2 * WIDE * np.log(10))), card=s.card(settings={"sample_weight": True}))
    assert seen(run) is None


SUM = 32 * np.log(10)


def test_outputs_that_are_too_tame_to_make_the_first_loss_do_not_start_wide():
    """The healthy run's first predictions are shares from 0 to 1, which allow anything; these do not."""
    tame = s.data_table(prediction={"min": 0.05, "max": 0.3})
    run = s.healthy(steps=s.loss(np.full(400, SUM)), data=tame)
    assert seen(run) is None
    assert "summed over the batch" in summed(run)


@pytest.mark.parametrize(("first", "size"), [(3 * SUM, 32), (SUM, 4), (np.log(10), 32)])
def test_another_multiple_small_batches_and_a_usual_start_are_no_sum(first, size):
    tame = s.data_table(prediction={"min": 0.05, "max": 0.3})
    assert summed(s.healthy(steps=s.loss(np.full(400, first)), data=tame, card=s.card(batch_size=size))) is None
