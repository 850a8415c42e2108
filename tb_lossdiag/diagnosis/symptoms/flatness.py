"""Is the loss still moving? A flat loss is what people come with, so it is accepted statistically, never assumed."""

from dataclasses import replace

import numpy as np

from tb_lossdiag.diagnosis.decimals import percent
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.trend import FLAT_BAND, Trend, trend
from tb_lossdiag.diagnosis.window import best_curve, late_series
from tb_lossdiag.run import Run, Series

ID = "flatness"
TITLE = "Loss trend"
SOURCE = "equivalence test on binned medians; called 0 of 11 healthy calibration runs flat"
# Of a change larger than this the slope in times of a median is no figure to read: a loss that is lost to the last
# thousandth has "fallen by 175 %" of it. The two levels say what happened.
LARGE = 0.5
# Losses that stand this many times above the very first one leapt there; a batch is not that much easier than others.
LEAP = 2.0
WORDS = {"flat": "does not move", "rising": "rises", "falling": "still falls", "unclear": "shows no clear direction"}


def check(run: Run) -> Check:
    curve = best_curve(run)
    if curve is None:
        return Check(ID, TITLE, "not_run", needs="a loss curve")
    series, noisy = curve
    kept = np.isfinite(series.values)
    if kept.sum() < 2:
        return Check(ID, TITLE, "inconclusive", needs="finite loss values")
    whole = replace(series, steps=series.steps[kept], values=series.values[kept])
    part = late_series(whole)
    moved = trend(part.steps, part.values, noisy=noisy)
    if moved.direction == "short":
        moved = trend(whole.steps, whole.values, noisy=noisy)
    if moved.direction == "short":
        return Check(ID, TITLE, "inconclusive", needs=f"more points: {moved.points} are too few to tell flat from slow")
    change, told = _told(moved)
    text = f"From {run.step_unit} {moved.first} to {moved.last} the loss {WORDS[moved.direction]}: {told}."
    evidence = Evidence(text, change, FLAT_BAND, "relative change", SOURCE, (), (moved.first, moved.last))
    state = {"flat": "found", "rising": "found", "falling": "not_found", "unclear": "inconclusive"}[moved.direction]
    return Check(
        ID,
        TITLE,
        state,
        (evidence,),
        moved.first if state == "found" else None,
        needs="more points or less noise" if state == "inconclusive" else "",
        signs=(("direction", moved.direction), ("change", moved.change), ("fallen", _fallen(whole))),
    )


def _told(moved: Trend) -> tuple[float, str]:
    """The change as a share that a reader can take for one, and its words."""
    if max(abs(moved.change), abs(moved.low), abs(moved.high)) <= LARGE:
        return moved.change, f"{_percent(moved.change)} (95 % interval {_percent(moved.low)} … {_percent(moved.high)})"
    levels = f"it was {moved.start:.4g} at first and {moved.end:.4g} at last"
    if {"falling": moved.end > moved.start, "rising": moved.end < moved.start}.get(moved.direction, False):
        levels = f"from part to part, though {levels}"
    size = max(abs(moved.start), abs(moved.end)) or 1.0
    share = moved.end / size - moved.start / size
    if moved.direction != "falling" or moved.end < 0 or moved.start <= moved.end:
        return float(np.clip(share, -1.0, 1.0)), levels
    return share, f"{_percent(share)}, {levels}"


def _percent(change: float) -> str:
    return percent(change, 1, signed=True)


@np.errstate(over="ignore")
def _fallen(curve: Series) -> float:
    """Share of the first loss that is gone by the end, both over a tenth of the curve.

    Of a loss that leapt up at once the first one is the start: to come down from a leap is no fall.
    """
    tenth = max(1, min(10, len(curve) // 10))
    start, first = float(np.median(curve.values[:tenth])), float(curve.values[0])
    start = first if 0 < first * LEAP < start else start
    return 1 - float(np.median(curve.values[-tenth:])) / start if start > 0 else 0.0
