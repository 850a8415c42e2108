"""Does an adaptive optimizer take the step that its learning rate promises?

The first step of an Adam-like optimizer moves every weight by about the learning rate, whatever the size of the
gradient: e1 = rms(w_new - w_old) / learning rate is near 1. Far below it something holds the step back. Only the first
steps tell: a converged training sinks to 0.004 (measured). Weights whose gradient is exactly 0 stay and do not count.
"""

from collections.abc import Mapping

import numpy as np

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.settings import optimizer_name
from tb_lossdiag.diagnosis.window import EARLY_STEPS, kernels
from tb_lossdiag.run import Run

ID = "optimizer_efficiency"
TITLE = "Optimizer efficiency"
ADAM_LIKE = ("Adam", "AdamW", "Nadam", "Adamax", "Lion")
RMSPROP_RHO = 0.9
# 50 recorded trainings with Adam or RMSprop, healthy or not: 0.29 … 1.0, healthy ones from 0.42; an optimizer held back
# by its epsilon 5e-6. Nothing measured lies between, so the threshold leaves room for gradients that nearly vanish.
LOW = 0.1
FIRST = 3
# With fewer weights than this receiving a gradient, their number is too uncertain to divide by.
ACTIVE = 0.01
# float32 rounds an update below 6e-8 of the weight away; a step ten times that is still the optimizer's own.
ROUNDING = 6e-7
SOURCE = "healthy first steps 0.4 … 1.0 of what is expected, held back by epsilon 5e-6"


def check(run: Run) -> Check:
    expected = _expected(run)
    if expected is None:
        return Check(ID, TITLE, "not_run", needs="an optimizer of the Adam family or RMSprop")
    if "update_norm" not in run.steps or "learning_rate" not in run.steps or not run.card.trainable_parameters > 0:
        return Check(ID, TITLE, "not_run", needs=recorded("update norms and learning rates", run))
    steps, moved = _first_steps(run)
    active = _active_share(run)
    if not len(steps) or active < ACTIVE:
        return Check(ID, TITLE, "inconclusive", needs="first steps with a gradient and a learning rate above rounding")
    efficiency = float(np.median(moved) / np.sqrt(active) / expected)
    level = "low" if efficiency < LOW else "usual"
    aside = "" if active > 0.99 else f", the {1 - active:.0%} without a gradient left aside"
    evidence = Evidence(
        f"The first steps moved the weights by {efficiency:.2g} of what {optimizer_name(run)} usually does{aside}.",
        efficiency,
        LOW,
        "update / expected update",
        SOURCE,
        (),
        (int(steps[0]), int(steps[-1])),
    )
    found = level == "low"
    signs = (("efficiency", efficiency), ("level", level))
    return Check(
        ID, TITLE, "found" if found else "not_found", (evidence,), int(steps[0]) if found else None, signs=signs
    )


def _expected(run: Run) -> float | None:
    """rms(update) / learning rate at step 1; None for an optimizer whose step follows the gradient's size."""
    name = optimizer_name(run)
    if name in ADAM_LIKE:
        return 1.0
    if name != "RMSprop":
        return None
    config = run.card.optimizer.get("config")
    rho = config.get("rho", RMSPROP_RHO) if isinstance(config, Mapping) else RMSPROP_RHO
    return float(1 / np.sqrt(1 - rho)) if isinstance(rho, (int, float)) and 0 <= rho < 1 else None


def _first_steps(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """The first applied steps among the first 20 of the optimizer, and rms(update) / learning rate in each."""
    update, rate = run.steps["update_norm"], run.steps["learning_rate"]
    steps, i, j = np.intersect1d(update.steps, rate.steps, return_indices=True)
    norm, rate = update.values[i], rate.values[j]
    rms = norm / np.sqrt(float(run.card.trainable_parameters))
    kept = (steps <= EARLY_STEPS) & np.isfinite(norm) & np.isfinite(rate) & (rate > ROUNDING * _weight_rms(run))
    if _skips(run):
        kept &= norm > 0  # a step that was put off or thrown away says nothing about those that were taken
    steps, rms, rate = steps[kept][:FIRST], rms[kept][:FIRST], rate[kept][:FIRST]
    return steps, rms / rate


def _skips(run: Run) -> bool:
    """Whether some steps are left out by design: accumulated gradients, or a loss scale that overflowed."""
    config = run.card.optimizer.get("config")
    accumulates = isinstance(config, Mapping) and config.get("gradient_accumulation_steps")
    return bool(accumulates or run.card.optimizer.get("loss_scale"))


def _weight_rms(run: Run) -> float:
    norm = run.steps.get("weight_norm")
    known = norm.values[np.isfinite(norm.values)] if norm is not None else ()
    return float(known[0]) / np.sqrt(float(run.card.trainable_parameters)) if len(known) else 0.0


def _active_share(run: Run) -> float:
    """The share of trainable weights with a gradient other than 0 in the first steps; 1 where the log does not know.

    The log has no sizes of single variables, so a layer's kernels speak for all of its parameters.
    """
    table = kernels(run.layers) if run.layers is not None else None
    if table is None or not table.has("gradient_zero_share") or not table.rows:
        return 1.0
    zero = table.column("gradient_zero_share")[:FIRST].astype(np.float64)
    zero = np.clip(np.nan_to_num(zero, nan=1.0), 0, 1).mean(axis=0)
    sizes = {layer.path: layer.parameters for layer in run.card.layers}
    weight = np.array([max(sizes.get(row.layer, 0), 0) for row in table.rows], np.float64)
    return float(1 - (np.average(zero, weights=weight) if weight.any() else zero.mean()))
