"""Does gradient clipping decide how long a step is? Clip factor: gradient norm after clipping over before."""

from collections.abc import Mapping

import numpy as np

from tb_lossdiag.diagnosis.framework import is_torch
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import onset
from tb_lossdiag.run import Run

ID = "clipping"
TITLE = "Gradient clipping"
# A step this close to its own length was not clipped; float32 norms differ by less.
CLIPPED = 0.999
# A typical step a hundred times shorter than its gradient. Unmeasured beyond the calibration run with clipnorm 1e-5,
# whose factor is near 1e-5; usual clipping at norm 1 cuts norms of 1 … 10 to a tenth at most.
TIGHT = 1e-2
# Google's tuning playbook: with more than half of the steps clipped, the learning rate is what to lower.
OFTEN = 0.5
MIN_RECORDS = 5
# Factors within this of each other, of gradients whose norms vary more: a loop that multiplies every gradient by the
# same number, as a mean over accumulated batches does. A clip keeps the norm and varies the factor.
SAME_FACTOR = 0.01
# Relative to each other: gradients of different batches that are all of one length were cut to it, as a loop does with
# clip_by_global_norm before it hands them on (3 % between 240 steps of one that was cut to a ten-thousandth).
ONE_LENGTH, FEWEST_LENGTHS = 0.05, 10
OPTIONS = ("clipnorm", "global_clipnorm", "clipvalue")
SOURCE = "a rule of thumb: clip at the 90th percentile of the gradient norms, and less than half of the steps"


def check(run: Run) -> Check:
    series = run.steps.get("clip_factor")
    if series is None or not len(series):
        return _unclipped(run)
    kept = np.isfinite(series.values) & (series.values >= 0)
    steps, factors = series.steps[kept], series.values[kept]
    if len(factors) < MIN_RECORDS:
        needs = f"{MIN_RECORDS} steps with a finite gradient; there are {len(factors)}"
        return Check(ID, TITLE, "inconclusive", needs=needs)
    share, factor = float(np.mean(factors < CLIPPED)), float(np.median(factors))
    if is_torch(run) and share == 1.0 and _is_one_multiple(run, factors):
        evidence = Evidence(f"Every gradient is multiplied by {factor:.2g} before the step.", factor, source=SOURCE)
        signs = (("share", 0.0), ("factor", 1.0), ("level", "scaled"))
        return Check(ID, TITLE, "not_found", (evidence,), signs=signs)
    level = "tight" if factor < TIGHT else "often" if share > OFTEN else "rare"
    text = f"{share:.0%} of the recorded steps were clipped; a typical one kept {factor:.2g} of its gradient's norm."
    evidence = [Evidence(text, factor, TIGHT, "norm after / before", SOURCE, (), (int(steps[0]), int(steps[-1])))]
    high = _usual_norm(run)
    if high is not None:
        evidence.append(
            Evidence(f"90 % of the gradients had a norm of {high:.3g} or less before clipping.", source=SOURCE)
        )
    return Check(
        ID,
        TITLE,
        "found" if level == "tight" else "not_found",
        tuple(evidence),
        onset(steps, factors < TIGHT) if level == "tight" else None,
        signs=(("share", share), ("factor", factor), ("level", level)),
    )


def _unclipped(run: Run) -> Check:
    config = run.card.optimizer.get("config") if run.card is not None else None
    length = _one_length(run)
    if length is not None:
        text = f"The gradient has a norm of {length:.2g} at every recorded step: the loop brings it to one length."
        evidence = Evidence(text, length, source=SOURCE)
        signs = (("share", 1.0), ("factor", None), ("level", "one_length"))
        return Check(ID, TITLE, "not_found", (evidence,), signs=signs)
    known = isinstance(config, Mapping) and bool(config) and not is_torch(run)  # a torch loop clips by itself
    if not known or any(config.get(name) for name in OPTIONS):
        return Check(ID, TITLE, "not_run", needs="clip factors: a log recorded by this version of tb_lossdiag")
    evidence = Evidence("The optimizer does not clip gradients.", source=SOURCE)
    signs = (("share", 0.0), ("factor", 1.0), ("level", "rare"))
    return Check(ID, TITLE, "not_found", (evidence,), signs=signs)


def _one_length(run: Run) -> float | None:
    """The gradient's norm where all recorded steps have the same one; None elsewhere."""
    norms = run.steps.get("gradient_norm")
    values = norms.values[np.isfinite(norms.values) & (norms.values > 0)] if norms is not None else np.zeros(0)
    if len(values) < FEWEST_LENGTHS or np.ptp(values) > ONE_LENGTH * np.median(values):
        return None
    return float(np.median(values))


def norms_before(run: Run) -> np.ndarray:
    """Finite gradient norms before clipping: a Keras optimizer clips behind what is recorded, a torch loop before."""
    norms, factors = run.steps.get("gradient_norm"), run.steps.get("clip_factor")
    if norms is None:
        return np.zeros(0)
    values = norms.values
    if is_torch(run) and factors is not None:
        _, at, own = np.intersect1d(norms.steps, factors.steps, return_indices=True)
        with np.errstate(all="ignore"):
            values = norms.values[at] / factors.values[own]
    return values[np.isfinite(values)]


def _is_one_multiple(run: Run, factors: np.ndarray) -> bool:
    def spread(values: np.ndarray) -> float:
        return float(np.ptp(values) / np.maximum(np.abs(values).max(), np.finfo(float).tiny))

    norms = norms_before(run)
    return spread(factors) < SAME_FACTOR and len(norms) > 0 and spread(norms) > SAME_FACTOR


def _usual_norm(run: Run) -> float | None:
    """The 90th percentile of the unclipped gradient norms."""
    known = norms_before(run)
    return float(np.percentile(known, 90)) if len(known) else None
