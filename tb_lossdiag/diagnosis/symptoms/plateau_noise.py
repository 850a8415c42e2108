"""How much does the loss jump from batch to batch on its plateau? The noise that steps of this size cannot go below."""

import numpy as np

from tb_lossdiag.diagnosis.decimals import percent
from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.reference import constant_loss
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.trend import FLAT_BAND, trend
from tb_lossdiag.diagnosis.window import data_loss, late_series
from tb_lossdiag.run import Run

ID = "plateau_noise"
TITLE = "Noise of the plateau"
# Robust standard deviation over the median: runs that learned nothing 0.00 … 0.06 at batches of 16 and more, repaired
# trainings 0.1 … 1.3, so noise is normal and counts only together with a loss that has stopped half-way.
NOISY = 0.25
# Between these a loss has learned something and is not done; see the skill check.
SOME = 0.05
SOLVED = 0.9
TO_SIGMA = 1.4826  # of a normal distribution's median absolute deviation
SOURCE = "runs that learned nothing fluctuate by 0 … 6 % of their loss, learning ones by 10 … 130 %"


def check(run: Run) -> Check:
    curve = data_loss(run)
    if curve is None or not len(curve):
        return Check(ID, TITLE, "not_run", needs=recorded("losses of single batches", run))
    part = late_series(curve)
    known = np.isfinite(part.values)
    steps, values = part.steps[known], part.values[known]
    moved = trend(steps, values)
    if moved.direction == "short":
        return Check(ID, TITLE, "inconclusive", needs=f"more batch losses; there are {len(values)} in the last half")
    quarters = values / 4  # exact, and the sum of two differences of them is a number still
    level = float(np.median(quarters))
    if level <= 0:
        return Check(ID, TITLE, "inconclusive", needs="a loss above 0 to measure its noise against")
    spread = float(TO_SIGMA * np.median(np.abs(quarters - level))) / level
    level_loss = 4 * level
    constant = constant_loss(run)
    descent = level_loss / constant if constant is not None and constant > 0 else None
    # Noise this strong makes the flatness test undecided; then the measured change itself has to be small.
    flat = moved.direction == "flat" or (moved.direction == "unclear" and abs(moved.change) <= FLAT_BAND)
    noisy = flat and spread > NOISY
    if noisy and descent is None:
        return Check(ID, TITLE, "inconclusive", needs="recorded targets and a loss whose constant guess is known")
    found = noisy and SOME <= 1 - descent <= SOLVED
    against = "" if descent is None else f", which is {descent:.2g} of what a constant guess scores"
    evidence = Evidence(
        f"In the last half single batches scatter by {percent(spread)} around a loss of {level_loss:.4g}{against}.",
        spread,
        NOISY,
        "spread / loss",
        SOURCE,
        (),
        (int(steps[0]), int(steps[-1])),
    )
    settled = moved.direction in ("flat", "unclear")
    signs = (
        ("spread", spread),
        ("descent", descent),
        ("level", "noisy" if found else "calm"),
        ("settled", settled),
    )
    return Check(
        ID, TITLE, "found" if found else "not_found", (evidence,), int(steps[0]) if found else None, signs=signs
    )
