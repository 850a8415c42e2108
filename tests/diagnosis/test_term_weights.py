from dataclasses import replace

import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.term_weights import weights
from tb_lossdiag.run import Series

FIRST, SECOND = np.exp(-a.STEPS / 60), a.along(0.5, 0.9)
PARTS = np.stack([FIRST, SECOND], axis=1)


def of(total, certain=(False, False)):
    run = s.healthy(steps={"loss": Series(a.STEPS, np.asarray(total, float), len(a.STEPS))})
    return weights(run, a.STEPS, PARTS, list(certain))


@pytest.mark.parametrize("small", [1.0, 0.05, 20.0])
def test_the_weights_of_a_sum_are_read_off_its_course(small):
    total = (FIRST + small * SECOND).astype(np.float32)
    assert of(total) == pytest.approx([1.0, small], rel=0.05)


def test_a_weight_that_never_shows_is_known_only_of_a_part_that_is_in_the_sum():
    assert np.isnan(of(FIRST)[1]) and of(FIRST)[0] == pytest.approx(1)
    assert of(FIRST, (True, True)) == pytest.approx([1, 0], abs=1e-6)


def test_weights_that_change_are_not_known():
    warmed = np.linspace(0, 5, len(a.STEPS))
    assert np.isnan(of(FIRST + warmed * SECOND)).all()


def test_a_loss_with_another_part_that_is_not_told_is_not_known():
    assert np.isnan(of(FIRST + SECOND + np.linspace(0, 3, len(a.STEPS)))).all()


def test_without_a_loss_or_with_losses_below_nothing_nothing_is_known():
    assert np.isnan(of(-FIRST)).all() and np.isnan(of(np.full(len(a.STEPS), np.nan))).all()
    assert np.isnan(weights(replace(s.healthy(), steps={}), a.STEPS, PARTS, [True, True])).all()
