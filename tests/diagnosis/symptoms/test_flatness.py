import re

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.flatness import check
from tb_lossdiag.diagnosis.trend import FLAT_BAND
from tb_lossdiag.run import Run


def moving(change, noise=0.001):
    """A loss around 2 that changes by this share of itself over its last half."""
    wave = np.random.default_rng(0).normal(0, noise, 400)
    return s.healthy(steps=s.loss(2 * (1 + change * (s.STEPS - 300) / 200) + wave))


@pytest.mark.parametrize(("change", "state", "direction"), [
    (0.0, "found", "flat"),
    (-0.04, "found", "flat"),
    (-0.07, "not_found", "falling"),
    (0.04, "found", "flat"),
    (0.07, "found", "rising"),
])  # fmt: skip
def test_a_change_of_five_percent_ends_flatness(change, state, direction):
    found = check(moving(change))
    assert (found.state, found.sign("direction")) == (state, direction)


def test_noise_that_hides_the_trend_is_inconclusive():
    found = check(moving(0.0, noise=3.0))
    assert (found.state, found.sign("direction")) == ("inconclusive", "unclear")


def test_the_evidence_carries_change_threshold_and_span():
    (evidence,) = check(moving(0.0)).evidence
    assert abs(evidence.value) < 0.01 and evidence.threshold == FLAT_BAND
    assert evidence.steps == (201, 400) and "does not move" in evidence.text


def test_flatness_begins_where_the_judged_half_does():
    assert check(moving(0.0)).onset == 201
    assert check(moving(-0.2)).onset is None


def test_a_long_fall_ahead_of_the_last_half_is_no_movement_now():
    loss = np.r_[np.linspace(10, 2, 200), np.full(200, 2.0)]
    found = check(s.healthy(steps=s.loss(loss)))
    assert found.state == "found" and found.sign("fallen") == pytest.approx(0.8, abs=0.03)


def test_a_short_run_is_judged_as_a_whole():
    assert check(s.healthy(steps=s.loss(np.linspace(2, 1, 30)))).evidence[0].steps == (1, 30)


def test_too_few_points_are_inconclusive_and_counted():
    found = check(s.healthy(steps=s.loss(np.full(20, 2.0))))
    assert found.state == "inconclusive" and "20 are too few" in found.needs


def test_epoch_means_are_judged_when_there_is_nothing_else():
    falling = check(Run("epochs", epochs=s.epochs(loss=np.linspace(2, 1, 20))))
    assert falling.sign("direction") == "falling" and falling.evidence[0].steps == (220, 400)


def test_values_that_are_not_finite_are_left_out():
    loss = s.flat()
    loss[::7] = np.nan
    assert check(s.healthy(steps=s.loss(loss))).sign("direction") == "flat"


def test_a_loss_that_is_never_finite_decides_nothing():
    assert check(s.healthy(steps=s.loss(np.full(400, np.nan)))).state == "inconclusive"


def test_a_penalty_that_falls_does_not_hide_a_flat_loss():
    penalty = np.linspace(2, 0, 400)
    steps = {"loss": s.series(s.flat() + penalty), "penalty": s.series(penalty)}
    assert check(s.healthy(steps=steps)).sign("direction") == "flat"


def test_no_share_of_a_loss_is_more_than_all_of_it():
    for falls in np.linspace(0.1, 8.0, 40):
        values = 2.0 * np.exp(-falls * s.STEPS / s.STEPS[-1])
        text = check(s.healthy(steps=s.loss(values))).evidence[0].text
        shares = [abs(float(share)) for share in re.findall(r"([-+]?[0-9.]+)%", text.replace("95 %", ""))]
        assert all(share <= 100 for share in shares)


@pytest.mark.parametrize("loss", [
    1e-2 * np.exp(-s.STEPS / 30),
    np.linspace(4.0, -9.0, 400) ** 3,
    np.linspace(1e-3, 1e6, 400),
    np.random.default_rng(0).normal(0, 5.0, 400),
], ids=["to the last thousandth", "through 0", "a thousand million times", "around 0"])  # fmt: skip
def test_a_change_beyond_itself_is_told_by_its_levels_and_never_as_more_than_all_of_it(loss):
    (evidence,) = check(s.healthy(steps=s.loss(loss))).evidence
    assert "at first and" in evidence.text and abs(evidence.value) <= 1
    assert all(abs(float(told)) <= 100 for told in re.findall(r"([-+\d.]+)%", evidence.text))


def test_a_loss_that_is_nearly_gone_has_fallen_by_nearly_all():
    (evidence,) = check(s.healthy(steps=s.loss(1e-2 * np.exp(-s.STEPS / 30)))).evidence
    assert evidence.value == pytest.approx(-1, abs=0.01) and "still falls: -99." in evidence.text


def test_what_comes_down_from_a_leap_has_not_fallen():
    leapt = np.r_[0.7, np.full(60, 1.5), np.full(339, 0.6)]
    assert check(s.healthy(steps=s.loss(leapt))).sign("fallen") == pytest.approx(1 - 0.6 / 0.7)
    assert check(s.healthy(steps=s.loss(np.r_[1.2, leapt[1:]]))).sign("fallen") == pytest.approx(0.6)
