import numpy as np
import pytest
from scipy import stats

from tb_lossdiag.diagnosis.trend import theil_sen, trend

STEPS = np.arange(400)


def noise(size: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0, size, len(STEPS))


@pytest.mark.parametrize("seed", range(5))
def test_slope_and_interval_agree_with_scipy(seed):
    values = np.random.default_rng(seed).normal(size=20).cumsum()
    slope, low, high = theil_sen(values)
    expected = stats.theilslopes(values, np.arange(20), 0.95)
    assert slope == pytest.approx(expected.slope)
    # scipy rounds the ranks inwards, we round outwards: at most one slope wider on each side.
    assert low <= expected.low_slope and high >= expected.high_slope
    assert high - low == pytest.approx(expected.high_slope - expected.low_slope, rel=0.35)


def test_noise_around_a_level_is_accepted_as_flat():
    assert trend(STEPS, 2.3 + noise(0.05)).direction == "flat"


def test_a_slow_decay_under_noise_is_falling():
    assert trend(STEPS, 2.3 - 0.3 * STEPS / 400 + noise(0.05)).direction == "falling"


def test_a_climb_is_rising():
    assert trend(STEPS, 1 + STEPS / 400 + noise(0.05)).direction == "rising"


def test_noise_too_large_to_tell_is_unclear_and_never_flat():
    assert trend(STEPS, 1 + np.abs(noise(2.0))).direction == "unclear"


def test_one_spike_does_not_move_the_slope():
    values = 2.3 + noise(0.02)
    values[350] = 1e6
    assert trend(STEPS, values).direction == "flat"


def test_few_points_are_called_short():
    found = trend(STEPS[:20], 2.3 + noise(0.05)[:20])
    assert found.direction == "short" and found.points == 20


def test_epoch_means_need_no_binning():
    assert trend(STEPS[:20], np.linspace(2, 1, 20), noisy=False).direction == "falling"


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300, 1.7e308])
def test_a_trend_does_not_depend_on_the_size_of_the_values(size):
    line = np.linspace(-1, 1, 100)
    assert trend(np.arange(100), size * line).change == pytest.approx(trend(np.arange(100), line).change)
    assert trend(np.arange(100), np.full(100, size)).direction == "flat"
