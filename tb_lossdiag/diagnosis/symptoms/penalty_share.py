"""How much of the loss is regularisation penalty, and is the rest learned at all?

A training that converged has hardly any data loss left, so its penalty is most of the loss and nothing is wrong.
A penalty is in the way only where it outweighs a data loss that is still high and no longer falls.
"""

import numpy as np

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.reference import constant_loss
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.trend import trend
from tb_lossdiag.diagnosis.window import EARLY_STEPS, data_loss, late_series, penalty_of
from tb_lossdiag.run import Run

ID = "penalty_share"
TITLE = "Penalty against data loss"
# A penalty larger than the data loss; a usual L2 of 1e-4 is 1 … 20 %. A run with L2 of 1.0 never learned (measured).
DOMINANT = 0.5
# With half of a constant guess's loss gone the model has learned, and the penalty did not keep it from that.
LITTLE_LEARNED = 0.5
# Without a reference, a data loss that lost less than this since the start has not been learned either.
FALLEN = 0.05
MIN_RECORDS = 8
SOURCE = "usual penalties are 1 … 20 % of the loss"


def check(run: Run) -> Check:
    if "penalty" not in run.steps or "loss" not in run.steps:
        return Check(ID, TITLE, "not_run", needs=recorded("penalties by step", run))
    steps, penalty, data = _parts(run)
    if len(steps) < MIN_RECORDS:
        needs = f"{MIN_RECORDS} steps with a finite loss; there are {len(steps)}"
        return Check(ID, TITLE, "inconclusive", needs=needs)
    if not np.any(penalty):
        evidence = Evidence("The loss holds no regularisation penalty.", 0.0, DOMINANT, "share of the loss", SOURCE)
        signs = (("share_start", 0.0), ("share_end", 0.0), ("level", "none"))
        return Check(ID, TITLE, "not_found", (evidence,), signs=signs)
    if penalty_of(run) is None:
        return Check(ID, TITLE, "not_run", needs="a loss beside those that layers add")
    shares = penalty / np.maximum(penalty + np.abs(data), np.finfo(np.float64).tiny)
    late = steps >= (int(steps[0]) + int(steps[-1])) / 2
    start, end = float(np.median(shares[:EARLY_STEPS])), float(np.median(shares[late]))
    # A penalty that outweighed the data from the start may have won by now: nothing is left to penalise, or to learn.
    level = "dominates" if max(start, end) > DOMINANT else "some"
    found = level == "dominates" and _is_in_the_way(run, steps, data, shares)
    text = f"The penalty is {start:.0%} of the loss at the start and {end:.0%} at the end; the data loss ends at "
    evidence = Evidence(
        f"{text}{np.median(data[late]):.4g}.",
        max(start, end),
        DOMINANT,
        "share of the loss",
        SOURCE,
        (),
        (int(steps[late][0]), int(steps[-1])),
    )
    since = int(steps[np.argmax(shares > DOMINANT)]) if found else None
    signs = (("share_start", start), ("share_end", end), ("level", level))
    return Check(ID, TITLE, "found" if found else "not_found", (evidence,), since, signs=signs)


def _parts(run: Run) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps that know both, their penalty and the rest of their loss; all finite."""
    loss, penalty = run.steps["loss"], run.steps["penalty"]
    steps, i, j = np.intersect1d(loss.steps, penalty.steps, return_indices=True)
    total, part = loss.values[i], penalty.values[j]
    kept = np.isfinite(total) & np.isfinite(part) & (part >= 0)
    return steps[kept], part[kept], total[kept] - part[kept]


def _is_in_the_way(run: Run, steps: np.ndarray, data: np.ndarray, shares: np.ndarray) -> bool:
    """Whether the data loss is still high, and does not fall, while the penalty is the larger part."""
    curve = late_series(data_loss(run))  # every step's, where `data` has the sampled ones
    known = np.isfinite(curve.values)
    if trend(curve.steps[known], curve.values[known]).direction == "falling":
        return False
    late = steps >= (int(steps[0]) + int(steps[-1])) / 2
    constant, now = constant_loss(run), float(np.median(data[late]))
    if constant is not None and constant > 0:
        return now >= LITTLE_LEARNED * constant
    first = float(np.median(data[:EARLY_STEPS]))
    return bool(shares[:EARLY_STEPS].max() > DOMINANT and abs(now - first) <= FALLEN * abs(first))
