"""How are two ways to train compared on a machine that others use too? By pairs of short stretches, one after the
other, and the median of their ratios.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
CONFIDENCE = 95  # %, of the bootstrap interval
MIN_PAIRS = 5  # fewer have no spread to speak of
MAX_PAIRS = 400


@dataclass(frozen=True)
class Spread:
    """A median over pairs with its bootstrap interval."""

    median: float
    low: float
    high: float
    pairs: int


@dataclass(frozen=True)
class Seconds:
    """What one stretch of steps took. cpu: of all threads of the process."""

    cpu: float
    wall: float


@dataclass(frozen=True)
class Comparison:
    """steps: in each stretch. plain: median seconds of a plain step. cpu, wall: with to without."""

    steps: int
    plain: float
    cpu: Spread
    wall: Spread


@dataclass(frozen=True)
class Line:
    """cost = fixed + slope * size."""

    fixed: float
    slope: float


def turns(rng: random.Random) -> Iterator[bool]:
    """Whether the next stretch is a plain one, without end: pairs, each in an order of its own."""
    while True:
        first = rng.random() < 0.5
        yield from (first, not first)


def enough(pairs: int, began: float, now: float, seconds: float) -> bool:
    return pairs >= MAX_PAIRS or (pairs >= MIN_PAIRS and now - began > seconds)


def compared(steps: int, plain: Sequence[Seconds], other: Sequence[Seconds]) -> Comparison:
    return Comparison(
        steps,
        float(np.median([one.wall for one in plain])) / steps,
        spread([b.cpu / a.cpu for a, b in zip(plain, other, strict=True)]),
        spread([b.wall / a.wall for a, b in zip(plain, other, strict=True)]),
    )


def spread(ratios: Sequence[float]) -> Spread:
    values = np.asarray(ratios)
    draws = np.random.default_rng(0).choice(values, (RESAMPLES, len(values)))
    rest = (100 - CONFIDENCE) / 2
    low, high = np.percentile(np.median(draws, axis=1), [rest, 100 - rest])
    return Spread(float(np.median(values)), float(low), float(high), len(values))


def diluted(ratio: Spread, steps: int, wanted: int) -> Spread:
    """What was paid once in so many steps, paid once in `wanted` steps."""
    by = steps / wanted
    return Spread(*(1 + (x - 1) * by for x in (ratio.median, ratio.low, ratio.high)), ratio.pairs)


def line(sizes: Sequence[float], costs: Sequence[float]) -> Line:
    """Least squares of relative errors: the sizes span decades, and the largest would decide alone."""
    x, y = np.asarray(sizes, float), np.asarray(costs, float)
    slope, fixed = np.polyfit(x, y, 1, w=1 / y)
    return Line(float(fixed), float(slope))


def alternate(
    stretch: Callable[[bool], Seconds], steps: int, seconds: float, clock: Callable[[], float], rng: random.Random
) -> Comparison:
    """Runs stretches, stretch(plain) each, for about so long. For loops that are ours; a fit asks for its turns."""
    taken: dict[bool, list[Seconds]] = {True: [], False: []}
    began, turn = clock(), turns(rng)
    while not enough(len(taken[False]), began, clock(), seconds):
        for plain in (next(turn), next(turn)):
            taken[plain].append(stretch(plain))
    return compared(steps, taken[True], taken[False])
