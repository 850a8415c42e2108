from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.epoch_course import check
from tb_lossdiag.run import Run

PER_EPOCH, EPOCHS = 40, 10
EPOCH = (s.STEPS - 1) // PER_EPOCH


def course(loss, noise=0.01, card=None):
    wave = np.random.default_rng(1).normal(0, noise, len(s.STEPS))
    return s.healthy(steps=s.loss(np.asarray(loss, float) + wave), card=card or s.card(steps_per_epoch=PER_EPOCH))


def test_a_loss_that_steps_down_from_epoch_to_epoch_learns_rows_by_heart():
    found = check(course(2.3 - 0.05 * EPOCH))
    assert found.found and abs(found.sign("share")) < 0.2
    assert "rows that come again" in found.evidence[0].text and found.evidence[0].steps == (41, 400)


@pytest.mark.parametrize("loss", [2.3 - 0.45 * s.STEPS / 400, 0.8 + 1.5 * np.exp(-s.STEPS / 150)])
def test_a_loss_that_falls_all_the_time_learns_what_rows_have_in_common(loss):
    found = check(course(loss))
    assert found.state == "not_found" and found.sign("share") > 0.7


@pytest.mark.parametrize("run", [
    course(np.full(400, 2.3)),  # no fall
    course(2.3 - 0.01 * EPOCH, noise=0.3),  # none to be seen
    course(2.3 - 0.05 * EPOCH + 0.2 * np.sin(s.STEPS % PER_EPOCH)),  # the same batches in the same order
], ids=["flat", "noise", "one order"])  # fmt: skip
def test_without_a_fall_or_with_batches_in_one_order_nothing_is_told(run):
    assert check(run).state == "inconclusive"


def test_the_ends_of_epochs_may_be_told_by_their_losses():
    run = course(2.3 - 0.05 * EPOCH, card=s.card(steps_per_epoch=None))
    assert check(run).state == "not_run"
    ends = s.series(np.linspace(2.3, 1.9, EPOCHS), PER_EPOCH * np.arange(1, EPOCHS + 1))
    assert check(replace(run, epochs={"loss": ends})).found


@pytest.mark.parametrize("run", [Run("empty"), s.healthy(steps={}), course(np.full(400, np.nan))])
def test_without_losses_of_whole_epochs_nothing_is_run(run):
    assert check(run).state == "not_run"
