"""Which points stand for many? Merged without losing a spike, a NaN or a hole, and cut to the steps asked for."""

from dataclasses import dataclass

import numpy as np

from tb_lossdiag.run import Series

# A distance between records is a hole when it is this many times longer than the distances on both sides of it. Changes
# of cadence are long on one side only; the flight recorder's samples after an accident stay below 5.
HOLE = 5


@dataclass(frozen=True)
class Points:
    """What is drawn of a series. steps, values: [n]; a merged value is the mean of the finite ones.

    low, high: [n], smallest and largest of what was merged; None where nothing was.
    gaps: places after which the line is broken, because records are missing there.
    """

    steps: np.ndarray
    values: np.ndarray
    low: np.ndarray | None
    high: np.ndarray | None
    gaps: np.ndarray


def points(series: Series, limit: int) -> Points:
    """At most `limit` points: both ends, and of each bucket its finite values as one and its first NaN or Inf."""
    values = series.values
    holes = _holes(series)
    if len(values) <= limit:
        return Points(series.steps, values, None, None, holes)
    starts = np.linspace(1, len(values) - 1, (limit - 2) // 2 + 1).astype(np.intp)[:-1]
    inner, finite = slice(0, len(values) - 1), np.isfinite(values[:-1])
    place = np.arange(len(values) - 1)

    def per_bucket(reduce: np.ufunc, of: np.ndarray) -> np.ndarray:
        return reduce.reduceat(of, starts)

    count = per_bucket(np.add, finite.astype(np.intp))
    low = per_bucket(np.minimum, np.where(finite, values[inner], np.inf))
    high = per_bucket(np.maximum, np.where(finite, values[inner], -np.inf))
    # So small a part of each value that even the sum of all is a number; a power of two, so nothing is rounded for it.
    small = 2.0 ** -np.ceil(np.log2(len(values)))
    mean = per_bucket(np.add, np.where(finite, values[inner], 0) * small) / np.maximum(count, 1)
    mean = np.clip(mean, low * small, high * small) / small
    newest = per_bucket(np.maximum, np.where(finite, place, -1))
    broken = per_bucket(np.minimum, np.where(finite, len(values), place))
    broken = broken[broken < len(values)]
    alone = np.concatenate([[0, len(values) - 1], broken])
    at = np.concatenate([newest[count > 0], alone])
    order = np.argsort(at, kind="stable")
    at = at[order]
    kept = [np.concatenate([part[count > 0], values[alone]])[order] for part in (mean, low, high)]
    gaps = np.unique(np.searchsorted(at, holes, side="right") - 1)
    return Points(series.steps[at], *kept, gaps)


def _holes(series: Series) -> np.ndarray:
    """Places after which records are missing; unknown, so none, when TensorBoard's sampling dropped some at random."""
    if series.written > len(series) or len(series) < 4:
        return np.zeros(0, np.intp)
    distance = np.diff(series.steps)
    beside = np.maximum(distance[:-2], distance[2:])
    return np.flatnonzero(distance[1:-1] > HOLE * beside) + 1


def within(steps: np.ndarray, window: tuple[int, int] | None) -> slice:
    """Where the steps first … last lie, and one more on each side, so that lines go on to the edge of the picture."""
    if window is None:
        return slice(0, len(steps))
    start, end = np.searchsorted(steps, window[0]), np.searchsorted(steps, window[1], side="right")
    return slice(max(0, int(start) - 1), int(end) + 1)


def columns(values: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """[rows, n] as at most `width` columns, and where each starts: the largest; NaN wins, -Inf over numbers."""
    n = values.shape[1]
    count = min(width, n)
    starts = np.arange(count) * n // max(count, 1)
    if count == n:
        return values, starts
    largest = np.maximum.reduceat(values, starts, axis=1)
    smallest = np.minimum.reduceat(values, starts, axis=1)
    return np.where(np.isneginf(smallest) & np.isfinite(largest), -np.inf, largest), starts
