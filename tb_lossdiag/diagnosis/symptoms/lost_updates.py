"""Are updates too small for the weights' number format? Then the optimizer adds them and nothing changes.

A weight keeps its value when the update is below half the distance to its neighbour: 0.4 % of it in bfloat16, 0.05 %
in float16 and 6e-8 of it in float32, where only a converged training gets so small.
"""

from collections.abc import Mapping

import numpy as np

from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import EARLY_STEPS, kernels, medians, onset
from tb_lossdiag.run import Run, Table

ID = "lost_updates"
TITLE = "Updates lost to rounding"
# More than half of the weights that had a gradient stayed exactly as they were. Unmeasured, from the arithmetic: at
# the usual update of 1e-3 of a weight float32 loses nothing, bfloat16 most.
LOST = 0.5
LOW_PRECISION = ("bfloat16", "float16")
SOURCE = "float32 keeps every update above 6e-8 of its weight"


def check(run: Run) -> Check:
    if run.layers is None or not run.layers.has("unchanged_share"):
        return Check(ID, TITLE, "not_run", needs="unchanged weights: a log recorded by this version of tb_lossdiag")
    table = kernels(run.layers)
    if not table.rows:
        return Check(ID, TITLE, "not_run", needs="a trainable weight matrix")
    meant = _meant(run, table)
    steps, shares = table.steps[meant], table.column("unchanged_share")[meant]
    if not len(steps):
        return Check(ID, TITLE, "inconclusive", needs="steps that are meant to change the weights")
    last = steps >= (int(steps[0]) + int(steps[-1])) / 2
    by_kernel = medians(shares[last])
    first, now = _median(medians(shares[steps < steps[0] + EARLY_STEPS])), _median(by_kernel)
    if np.isnan(now) or np.isnan(first):
        return Check(ID, TITLE, "inconclusive", needs="weights with a gradient at the start and in the last half")
    dtype = _variable_dtype(run)
    # In float32 a converged training loses its updates at the end, one that never moved loses them from the start.
    found = now > LOST and (dtype in LOW_PRECISION or (first > LOST and _moves(table)))
    names = tuple(table.rows[i].name for i in np.argsort(-by_kernel, kind="stable") if by_kernel[i] > LOST)[:8]
    evidence = Evidence(
        f"{now:.0%} of the weights with a gradient were the same after a step as before; they are kept in {dtype}.",
        now,
        LOST,
        "share of weights",
        SOURCE,
        names if found else (),
        (int(steps[last][0]), int(steps[-1])),
    )
    since = onset(steps, np.nan_to_num(medians(shares.T)) > LOST) if found else None
    return Check(
        ID,
        TITLE,
        "found" if found else "not_found",
        (evidence,),
        int(steps[last][0]) if found and since is None else since,
        names if found else (),
        signs=(("share", now), ("level", "lost" if now > LOST else "kept"), ("dtype", dtype)),
    )


def _meant(run: Run, table: Table) -> np.ndarray:
    """bool [records]: steps that were meant to change the weights, with a learning rate and not thrown away."""
    meant = np.ones(len(table.steps), bool)
    rate = run.steps.get("learning_rate")
    if rate is not None and len(rate):
        meant &= ~np.isin(table.steps, rate.steps[rate.values == 0])
    if table.has("gradient_nonfinite"):
        meant &= ~(table.column("gradient_nonfinite") > 0).any(axis=1)
    config = run.card.optimizer.get("config") if run.card is not None else None
    if isinstance(config, Mapping) and config.get("gradient_accumulation_steps") and table.has("update_norm"):
        meant &= (table.column("update_norm") > 0).any(axis=1)
    return meant


def _median(values: np.ndarray) -> float:
    """NaN left out; NaN when nothing is left."""
    return float(medians(values[:, None])[0])


def _moves(table: Table) -> bool:
    return not table.has("update_norm") or bool(np.nan_to_num(table.column("update_norm")).any())


def _variable_dtype(run: Run) -> str:
    """The number format of the weights: under a mixed policy they stay float32."""
    if run.card is None:
        return "float32"
    known = run.card.settings.get("variable_dtype")
    return str(known or (run.card.precision if run.card.precision in LOW_PRECISION else "float32"))
