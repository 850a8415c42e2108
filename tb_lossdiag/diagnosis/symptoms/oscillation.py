"""Does the loss swing instead of settling? Steps that leap over the valley and back, told from the noise of batches.

Batches drawn at random make losses that know nothing of each other; a step that overshoots makes the next loss answer
the last one. The lag-1 autocorrelation of the detrended per-step loss is the sign. Batches of one epoch are not drawn
independently: few of them share out the hard examples, and in a fixed order they repeat. Both look like swings.
"""

import numpy as np

from tb_lossdiag.diagnosis.decimals import two_decimals
from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.settings import steps_per_epoch
from tb_lossdiag.diagnosis.window import data_loss
from tb_lossdiag.run import Run, Series

ID = "oscillation"
TITLE = "Loss swings"
# The autocorrelation of 100 independent losses lies within 0.2 of zero in 95 of 100 cases.
MIN_RECORDS = 100
# Losses that were left out break the sequence that an autocorrelation is about.
CONSECUTIVE = 0.9
# Taken from the literature and unmeasured on faults: too high a rate gave small networks 0 … 0.4, drowned in batch
# noise, so a quiet check clears nothing.
ALTERNATING = -0.3
# What goes down must come up: random numbers below -0.3 at lag 1 are seldom above 0.1 at lag 2 as well.
RETURNING = 0.1
# Batches of a fixed order correlate with themselves an epoch later, and so does a strict alternation, at a
# value that 8 random batches in fixed order reach in 1 of 2000 draws (simulated).
REPEATING = 0.5
STRICT = -0.9
# Slow swings, over many steps. An epoch mean or moving average in place of batch losses would be smooth as well.
SLOW = 0.5
# Second half against first half.
GROWTH = 1.6
# Full-batch descent at the edge of stability swings by less and still works (Cohen et al. 2021).
NOTICEABLE = 0.05
# Swings from low to high tenth as large as the level itself, and a solved training's level no longer counts.
AS_LARGE = 1.0
UNSOLVED = 0.1
# "Not decreasing": the last quarter against the one before it.
STAYS = 0.9
# Losses on either side that make up the trend which is taken off.
HALF_WIDTH = 10
# With fewer batches an epoch, epochs are compared: 8 batches that share out the same examples correlate by -1/7.
SHORT_EPOCH = 8
# A loss beyond this has blown up, and its square with it.
LARGEST = 1e100
SOURCE = "none in 1000 simulated healthy curves, batches of fixed order and epochs of 1 … 5 batches among them"


def check(run: Run) -> Check:
    loss = data_loss(run)
    if loss is None:
        return Check(ID, TITLE, "not_run", needs=recorded("per-step losses", run))
    kept = np.abs(loss.values) < LARGEST
    loss = Series(loss.steps[kept], loss.values[kept])
    if len(loss) < MIN_RECORDS:
        return Check(ID, TITLE, "inconclusive", needs=f"{MIN_RECORDS} finite per-step losses, not {len(loss)}")
    if np.mean(np.diff(loss.steps) == 1) < CONSECUTIVE:
        return Check(ID, TITLE, "inconclusive", needs="the losses of consecutive steps")
    period = steps_per_epoch(run) or 1  # else every step counts as its own epoch
    values = loss.values
    if 1 < period < SHORT_EPOCH:
        values = values[: len(values) // period * period].reshape(-1, period).mean(axis=1)
        if len(values) < MIN_RECORDS:
            return Check(ID, TITLE, "inconclusive", needs=f"{MIN_RECORDS} epochs, which have only {period} steps each")
    residual = values - _middle(values)
    autocorrelation = _autocorrelation(residual, 1)
    half = len(values) // 2
    before, after = _spread(residual[:half]), _spread(residual[half:])
    growth = after / before if before > 0 else np.inf if after > 0 else 1.0
    repeats = period >= SHORT_EPOCH and max(_autocorrelation(part, period) for part in (residual, values)) > REPEATING
    repeats = repeats and autocorrelation > STRICT
    swing = _swing(values)
    alternates = autocorrelation < ALTERNATING and _autocorrelation(residual, 2) > RETURNING
    level = "none"
    if not repeats and alternates and growth >= GROWTH and after > NOTICEABLE * _size(values):
        level = "growing"
    elif not repeats and swing >= AS_LARGE and (alternates or _autocorrelation(values[half:], 1) > SLOW):
        level = "steady"
    found = level != "none"
    text = {
        "growing": f"The loss goes up and down by turns and its swings grow {growth:.3g}-fold over the run.",
        "steady": "In the last half the loss swings by as much as its own size and does not come down.",
        "none": "The loss repeats itself every epoch." if repeats else "The loss does not swing by turns.",
    }[level]
    text += f" Autocorrelation from step to step: {two_decimals(autocorrelation)}."
    measured = (autocorrelation, ALTERNATING, "lag-1 autocorrelation")
    measured = (swing, AS_LARGE, "swing / level") if level == "steady" else measured
    middle, last = int(loss.steps[len(loss) // 2]), int(loss.steps[-1])
    evidence = Evidence(text, *measured, SOURCE, (), (middle if found else int(loss.steps[0]), last))
    return Check(
        ID,
        TITLE,
        "found" if found else "not_found",
        (evidence,),
        middle if found else None,
        signs=(("level", level), ("autocorrelation", autocorrelation), ("growth", growth)),
    )


def _size(values: np.ndarray) -> float:
    return float(np.median(np.abs(values[len(values) // 2 :])))


def _swing(values: np.ndarray) -> float:
    """From low to high tenth of the last half, over its size; 0 when the loss is coming down, or near solved."""
    late = values[len(values) // 2 :]
    low, high = np.quantile(late, [0.1, 0.9])
    earlier, last = (float(np.median(part)) for part in np.array_split(late, 2))
    start = float(np.median(np.abs(values[:HALF_WIDTH])))
    counts = last >= STAYS * earlier and high - low > UNSOLVED * start and _size(values) > 0
    return float(high - low) / _size(values) if counts else 0.0


def _middle(values: np.ndarray) -> np.ndarray:
    """A moving median of neighbours' means: the median of the values themselves would follow a strict alternation."""
    padded = np.pad(values, HALF_WIDTH, mode="reflect")
    pairs = (padded[1:] + padded[:-1]) / 2
    return np.median(np.lib.stride_tricks.sliding_window_view(pairs, 2 * HALF_WIDTH), axis=1)


def _spread(values: np.ndarray) -> float:
    """Median absolute deviation: a hard batch now and then does not move it."""
    return float(np.median(np.abs(values - np.median(values))))


def _autocorrelation(values: np.ndarray, lag: int) -> float:
    """Outliers are drawn in to four times the spread, so that single batches do not decide; 0 when nothing varies."""
    if len(values) <= 2 * lag:
        return 0.0
    spread = _spread(values)
    centered = np.clip(values - np.median(values), -4 * spread, 4 * spread)
    power = float(np.dot(centered, centered))
    return float(np.dot(centered[lag:], centered[:-lag])) / power if power > 0 else 0.0
