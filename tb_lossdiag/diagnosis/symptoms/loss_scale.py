"""Does float16 training hold its loss scale? Steps thrown away because a gradient overflowed, and none left to scale.

A dynamic loss scale starts at 32768, halves at every overflow and throws that step away; a few at the very start are
how it finds its size.
"""

from collections.abc import Mapping

import numpy as np

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import kernels, medians
from tb_lossdiag.run import Run

ID = "loss_scale"
TITLE = "Loss scale"
FLOAT16 = ("float16", "mixed_float16")
# A scale of 1 multiplies nothing: gradients below 6e-8 are 0 in float16 and the larger ones still overflow.
FLOOR = 1.0
# Keras tries a doubled scale every 2000 steps, so a settled training throws away 0.05 % of them.
SETTLED = 100
SKIPPED = 0.05
SKIPPED_EARLY = 0.2
MIN_RECORDS = 20
# One overflow is an attempt at a larger scale.
MIN_SKIPS = 2
# Silent ReLUs and constant inputs leave zeros too: up to 0.70 in the median kernel of 30 healthy float32 trainings,
# 6 of them above 0.3. Unmeasured in float16.
UNDERFLOWN = 0.75
SOURCE = "a settled dynamic loss scale throws away one step in 2000"


def check(run: Run) -> Check:
    precision = run.card.precision if run.card is not None else ""
    if "loss_scale" in run.steps and len(run.steps["loss_scale"]):
        return _scaled(run)
    if not precision:
        return Check(ID, TITLE, "not_run", needs=recorded("the number format", run))
    if precision not in FLOAT16:
        evidence = Evidence(f"The model computes in {precision}, which needs no loss scale.", source=SOURCE)
        return _result("not_found", evidence, "usual", 0.0, np.nan)
    if _declares_scale(run):
        return Check(ID, TITLE, "not_run", needs="loss scales: a log recorded by this version of tb_lossdiag")
    return _unscaled(run, precision)


def _scaled(run: Run) -> Check:
    scale, bad = run.steps["loss_scale"], run.steps.get("gradient_nonfinite")
    known = scale.values[np.isfinite(scale.values)]
    if bad is None or not len(bad) or not len(known):
        return Check(ID, TITLE, "inconclusive", needs="finite loss scales and counts of gradients that are not finite")
    thrown = ~(bad.values == 0)  # NaN counts as not finite
    skipped, last = float(thrown.mean()), float(known[-1])
    if last <= FLOOR and (thrown.any() or known.max() > last):
        level = "floor"
    else:
        level = "skipping" if _keeps_skipping(bad.steps, thrown) else "usual"
    text = (
        f"{skipped:.1%} of the recorded steps were thrown away for a gradient that is not finite; the scale is {last:g}"
    )
    evidence = Evidence(
        f"{text} at the end.",
        *((last, FLOOR, "loss scale") if level == "floor" else (skipped, SKIPPED, "share of steps")),
        SOURCE,
        (),
        (int(bad.steps[0]), int(bad.steps[-1])),
    )
    if level == "usual":
        return _result("not_found", evidence, level, skipped, last)
    since = int(bad.steps[np.argmax(thrown)]) if thrown.any() else int(scale.steps[0])
    return _result("found", evidence, level, skipped, last, since)


def _keeps_skipping(steps: np.ndarray, thrown: np.ndarray) -> bool:
    """Whether steps are still thrown away after the scale had time to find its size."""
    settled = thrown[steps > SETTLED]
    if settled.sum() >= MIN_SKIPS and settled.mean() > SKIPPED:
        return True
    found_size = thrown if thrown.all() else thrown[np.argmin(thrown) :]
    return len(thrown) >= MIN_RECORDS and bool(found_size.sum() > SKIPPED_EARLY * len(thrown))


def _unscaled(run: Run, precision: str) -> Check:
    table = kernels(run.layers) if run.layers is not None else None
    shares = (
        medians(table.column("gradient_zero_share")) if table and table.has("gradient_zero_share") else np.array([])
    )
    shares = shares[np.isfinite(shares)]
    if not len(shares):
        return Check(ID, TITLE, "inconclusive", needs="shares of gradients that are exactly 0")
    zero = float(np.median(shares))
    text = (
        f"The model computes in {precision} without a loss scale; {zero:.0%} of the weights' gradients are exactly 0."
    )
    evidence = Evidence(text, zero, UNDERFLOWN, "share of gradients", "float16 knows no number below 6e-8")
    found = zero > UNDERFLOWN
    since = int(table.steps[0]) if found else None
    return _result("found" if found else "not_found", evidence, "unscaled", 0.0, np.nan, since)


def _declares_scale(run: Run) -> bool:
    config = run.card.optimizer.get("config")
    factor = isinstance(config, Mapping) and config.get("loss_scale_factor")
    return bool(factor or run.card.optimizer.get("loss_scale"))


def _result(
    state: str, evidence: Evidence, level: str, skipped: float, scale: float, onset: int | None = None
) -> Check:
    signs = (("skipped", skipped), ("scale_last", scale), ("level", level))
    return Check(ID, TITLE, state, (evidence,), onset, signs=signs)
