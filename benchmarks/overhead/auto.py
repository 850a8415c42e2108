"""What does every="auto" cost over a run of two minutes? What is paid once, and what goes on, put together.

A run that long is too long to repeat. Paid once: the twin's trace and the rest of the burst. Going on: a sample
each so many steps, as the cadence itself decides from these durations.
"""

from dataclasses import dataclass

from benchmarks.overhead.first_call import FirstCall
from benchmarks.overhead.paired import Comparison, Spread
from benchmarks.overhead.recorded import NEVER
from benchmarks.overhead.steps import Steps
from tb_lossdiag.recording.cadence import BURST_STEPS, MIN_PLAIN_DURATIONS, Cadence

RUN_SECONDS = 120.0


@dataclass(frozen=True)
class Auto:
    """once: seconds. interval: steps between samples. running: share of the time after the burst. whole: ratio."""

    once: float
    interval: int
    running: float
    whole: Spread


def auto(steps: Steps, first: FirstCall) -> Auto:
    sparse = steps.by_cadence.get(100) or steps.by_cadence[10]
    every = 100 if 100 in steps.by_cadence else 10
    plain = steps.by_cadence[NEVER].plain
    extra = _extra(sparse, every, steps.between)
    total = round(RUN_SECONDS / plain)
    interval = _interval(total, plain, (steps.by_cadence[1].wall.median - 1) * plain)
    once = first.extra + (BURST_STEPS - 1) * max(0.0, steps.by_cadence[1].cpu.median - 1) * plain
    running = Spread(
        *(max(0.0, x) / interval + steps.between / plain for x in (extra.median, extra.low, extra.high)), extra.pairs
    )
    whole = Spread(*(1 + once / RUN_SECONDS + x for x in (running.median, running.low, running.high)), extra.pairs)
    return Auto(once, interval, running.median, whole)


def _extra(found: Comparison, every: int, between: float) -> Spread:
    """Of one sample and what comes after it, in plain steps."""
    rest = between / found.plain
    return Spread(*((x - 1 - rest) * every for x in (found.cpu.median, found.cpu.low, found.cpu.high)), found.cpu.pairs)


def _interval(total: int, plain: float, extra: float) -> int:
    cadence = Cadence("auto", total)
    for step in range(MIN_PLAIN_DURATIONS):
        cadence.took(step, False, plain)
    cadence.took(MIN_PLAIN_DURATIONS, True, plain + extra)
    return cadence.interval(total)
