"""Does the loss jump and come back? Steps that threw the weights off, told from batches that are merely hard.

A jump is an outlier of log L against the records before it: modified z-score from median and MAD (Iglewicz & Hoaglin
1993). One hard batch is such an outlier too and gone with the next one, so a spike has to last a few records, or tower
over everything seen before; and a jump that never comes back is no spike but a divergence.
"""

from dataclasses import dataclass

import numpy as np

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import data_loss
from tb_lossdiag.run import Run, Series

ID = "loss_spikes"
TITLE = "Loss spikes"
# Records that a jump is measured against; a spike is over within as many.
WINDOW = 50
# Fewer give no usable spread.
MIN_WINDOW = 20
# Iglewicz & Hoaglin call 3.5 an outlier; 6 is never reached by lognormal batch noise of any width.
OUTLIER = 6.0
# In a smooth curve any bump is an outlier; below half as much again nobody would call it a spike.
JUMP = 1.5
# A shorter one is a batch or two; how many it takes beyond that depends on how often hard batches come: so many in a
# row that batches drawn at random would give them in one of 1000 such runs.
HELD = 3
CHANCE = 1e-3
# Ten times the largest loss of the whole past, the start included: no batch of the same data does that.
TOWERING = 10.0
# A solved training shakes by large factors of next to nothing: a spike costs this share of what was learned.
COST = 0.1
# A single early spike is the catapult of a large but working learning rate (Lewkowycz et al. 2020).
CATAPULT_STEPS = 50
# One small spike that the training recovers from is no habit: it takes two, or one of this height.
MANY = 2
TALL = 3.0
# A loss beyond this has blown up: it does not come back.
LARGEST = 1e100
SOURCE = "none in 1000 simulated healthy curves with batch noise of up to 50 % and batches of five times the loss"


@dataclass(frozen=True)
class Spike:
    """first, last: steps. ratio: highest loss over the median before it. length: in records."""

    first: int
    last: int
    ratio: float
    length: int
    towering: bool


def check(run: Run) -> Check:
    loss = data_loss(run)
    if loss is None:
        return Check(ID, TITLE, "not_run", needs=recorded("per-step losses", run))
    kept = np.abs(loss.values) < LARGEST
    loss = Series(loss.steps[kept], loss.values[kept])
    if len(loss) <= MIN_WINDOW + HELD:
        return Check(ID, TITLE, "inconclusive", needs=f"more than {MIN_WINDOW + HELD} finite per-step losses")
    if not (loss.values > 0).all():
        return Check(ID, TITLE, "inconclusive", needs="losses above 0: a jump is told by its factor")
    jumps = _jumps(loss)
    held = _held(len(jumps), len(loss))
    spikes = [jump for jump in jumps if jump.length >= held or jump.towering]
    if spikes and spikes[0].first < loss.steps[0] + CATAPULT_STEPS:
        spikes = spikes[1:]
    largest = max((spike.ratio for spike in spikes), default=1.0)
    found = len(spikes) >= MANY or largest >= TALL or any(spike.towering for spike in spikes)
    text = f"The loss does not jump: no spike in {len(loss)} records."
    if spikes:
        worst = max(spikes, key=lambda spike: spike.ratio)
        text = (
            f"The loss jumped and came back {_times(len(spikes))}, highest at step {worst.first}: {largest:.3g} times"
        )
        text += " the median before it."
    seen = (spikes[0].first, spikes[-1].last) if spikes else (int(loss.steps[0]), int(loss.steps[-1]))
    evidence = Evidence(text, largest, JUMP, "peak / median before", SOURCE, (), seen)
    return Check(
        ID,
        TITLE,
        "found" if found else "not_found",
        (evidence,),
        spikes[0].first if found else None,
        signs=(("level", "spiky" if found else "calm"), ("count", len(spikes)), ("largest", largest)),
    )


def _jumps(loss: Series) -> list[Spike]:
    """Every jump that came back within a window and cost something, of whatever length."""
    values = loss.values
    start = float(np.median(values[:MIN_WINDOW]))
    jumps, at = [], MIN_WINDOW
    for candidate in _candidates(values):
        if candidate < at:
            continue
        median, limit = _normal(values[max(0, candidate - WINDOW) : candidate])
        after = values[candidate : candidate + WINDOW] > limit
        length = len(after) if after.all() else int(np.argmin(after))
        at = candidate + max(length, 1)
        if length in (0, len(after)):  # no outlier, or it has not come back
            continue
        peak = float(values[candidate:at].max())
        if peak - median > COST * (start - median):
            steps = int(loss.steps[candidate]), int(loss.steps[at - 1])
            jumps.append(Spike(*steps, _ratio(peak, median), length, peak / TOWERING > values[:candidate].max()))
    return jumps


def _held(jumps: int, records: int) -> int:
    """How many records a jump must last so that hard batches in a row do not explain it."""
    share = min(jumps, records - 1) / records
    return max(HELD, int(np.ceil(np.log(CHANCE / records) / np.log(share)))) if share else HELD


def _candidates(values: np.ndarray) -> np.ndarray:
    """Indices of the losses above JUMP times the median before them."""
    windows = np.lib.stride_tricks.sliding_window_view(np.r_[np.full(WINDOW, np.nan), values[:-1]], WINDOW)
    medians = np.nanmedian(windows[MIN_WINDOW:], axis=1)
    return MIN_WINDOW + np.flatnonzero(values[MIN_WINDOW:] / JUMP > medians)


def _normal(before: np.ndarray) -> tuple[float, float]:
    """Median of the records before a jump, and the loss above which one is a jump from there."""
    logs = np.log(before)
    center = np.median(logs)
    spread = np.median(np.abs(logs - center)) / 0.6745
    return float(np.exp(center)), float(np.exp(min(center + max(OUTLIER * spread, np.log(JUMP)), 709.0)))


def _ratio(peak: float, median: float) -> float:
    return float(np.exp(min(np.log(peak) - np.log(median), 709.0)))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
