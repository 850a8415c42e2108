"""How do two runs' layers differ? A statistic of one minus that of another, row by row and step by step.

Magnitudes are compared by their ratio, in decades: +1 is ten times as large as in the baseline.
"""

from dataclasses import replace

import numpy as np

from tb_lossdiag.plugin.statistics import Statistic, values_of
from tb_lossdiag.run import Table

_INT32 = np.iinfo(np.int32)


def as_difference(statistic: Statistic) -> Statistic:
    """The statistic as its difference is shown: around 0, in decades where its scale is logarithmic."""
    unit = "decades" if statistic.scale == "log" else statistic.unit
    return replace(statistic, scale="linear", unit=unit, healthy=0.0)


def difference_bytes(base: Table, other: Table, statistic: Statistic, width: int) -> bytes:
    """The matrix of http_api.md: `other` against `base` for the rows both have, over the steps both cover.

    Row indices are those of `base`. Where one has no record at a step its last one counts.
    """
    named = {row.name: at for at, row in enumerate(other.rows)}
    pairs = [(at, named[r.name]) for at, r in enumerate(base.rows) if r.kind == statistic.kind and r.name in named]
    ours, theirs = ([pair[side] for pair in pairs] for side in (0, 1))
    steps = _common_steps(base.steps, other.steps)
    values = _difference(
        _at_steps(base, statistic, ours, steps), _at_steps(other, statistic, theirs, steps), statistic.scale
    )
    buckets = np.array_split(np.arange(len(steps)), min(width, len(steps))) if len(steps) else []
    with np.errstate(over="ignore"):  # a difference beyond the 3e38 of what is sent is infinite there
        merged = np.array([_most(values[bucket]) for bucket in buckets], "<f4").reshape(len(buckets), len(ours)).T
    first, last = (np.clip([steps[b[end]] for b in buckets], _INT32.min, _INT32.max) for end in (0, -1))
    header = np.array([len(ours), len(buckets), *ours], "<u4")
    return b"".join(part.tobytes() for part in (header, first.astype("<i4"), last.astype("<i4"), merged))


def _common_steps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if not len(a) or not len(b):
        return np.zeros(0, np.int64)
    steps = np.union1d(a, b)
    return steps[(steps >= max(a[0], b[0])) & (steps <= min(a[-1], b[-1]))]


def _at_steps(table: Table, statistic: Statistic, rows: list[int], steps: np.ndarray) -> np.ndarray:
    """float64 [steps, rows]: each row's newest value at or before each step."""
    at = np.searchsorted(table.steps, steps, side="right") - 1
    return values_of(table, statistic, rows)[at].astype(np.float64)


def _difference(base: np.ndarray, other: np.ndarray, scale: str) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        if scale != "log":
            return other - base
        # Twice nothing is no change, and so is twice too much; nothing against something is infinitely far.
        return np.where(other == base, 0.0, np.log10(other) - np.log10(base))


def _most(values: np.ndarray) -> np.ndarray:
    """[rows] from [steps, rows]: of merged steps the one furthest from no difference; a NaN wins."""
    return values[np.argmax(np.where(np.isnan(values), np.inf, np.abs(values)), axis=0), np.arange(values.shape[1])]
