"""Is a noisy curve falling, rising, or demonstrably flat?

Not rejecting slope zero is no proof of flatness, so flatness must be accepted: the whole confidence interval of the
slope has to lie within a band around zero (an equivalence test). Slope and interval are those of Theil (1950) and
Sen (1968) on medians of equal bins, which one spike cannot move.
"""

from dataclasses import dataclass

import numpy as np

# 20 medians were enough to call 0 of 11 healthy and 21 of 35 faulty calibration runs (10-class MLPs) flat.
BINS = 20
# Fewer bins give an interval too wide to accept anything: with 8 it spans the 5th to the 24th of 28 slopes.
MIN_BINS = 8
# Per-batch losses need a few points a bin before a median calms them; epoch means are medians already.
POINTS_PER_BIN = 3
# A change under 5 % of the loss over the window is what a reader calls flat; under 1 % cannot be called a movement.
FLAT_BAND = 0.05
MOVING_BAND = 0.01
Z_95 = 1.96


@dataclass(frozen=True)
class Trend:
    """direction: "flat", "falling", "rising", "unclear" or "short" (too few points).

    change, low, high: relative change over the window and its 95 % interval; negative falls.
    start, end: the level it began and ended at, the medians of the outer bins.
    """

    direction: str
    change: float
    low: float
    high: float
    first: int
    last: int
    points: int
    start: float = np.nan
    end: float = np.nan


def trend(steps: np.ndarray, values: np.ndarray, noisy: bool = True) -> Trend:
    """The movement of `values` over their whole length.

    steps: int64 [n]. values: float64 [n], finite. A change is relative to the median |bin|.
    noisy: whether single points need binning (batch losses) or stand for themselves (epoch means).
    """
    first, last = (int(steps[0]), int(steps[-1])) if len(steps) else (0, 0)
    bins = min(BINS, len(values) // (POINTS_PER_BIN if noisy else 1))
    if bins < MIN_BINS:
        return Trend("short", np.nan, np.nan, np.nan, first, last, len(values))
    size = float(np.abs(values).max()) or 1.0
    values = values / size  # what is relative stays as it is, and nothing can overflow
    medians = np.array([np.median(part) for part in np.array_split(values, bins)])
    slope, low, high = theil_sen(medians)
    unit = float(np.median(np.abs(medians))) or 1.0
    change, low, high = (float(x) * (bins - 1) / unit for x in (slope, low, high))
    start, end = float(medians[0]) * size, float(medians[-1]) * size
    return Trend(_direction(low, high), change, low, high, first, last, len(values), start, end)


def _direction(low: float, high: float) -> str:
    if high < -MOVING_BAND and not low > -FLAT_BAND:
        return "falling"
    if low > MOVING_BAND and not high < FLAT_BAND:
        return "rising"
    if low > -FLAT_BAND and high < FLAT_BAND:
        return "flat"
    return "unclear"


@np.errstate(over="ignore", invalid="ignore")  # a difference beyond 1e308 is infinite and still has its sign
def theil_sen(values: np.ndarray) -> tuple[float, float, float]:
    """Median slope per index and its 95 % interval (Sen 1968, normal approximation of Kendall's S)."""
    n = len(values)
    i, j = np.triu_indices(n, 1)
    slopes = np.sort((values[j] - values[i]) / (j - i))
    spread = Z_95 * np.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = int(np.floor((len(slopes) - spread) / 2))
    high = int(np.ceil((len(slopes) + spread) / 2))
    return float(np.median(slopes)), float(slopes[max(low, 0)]), float(slopes[min(high, len(slopes) - 1)])
