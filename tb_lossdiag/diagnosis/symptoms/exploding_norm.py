"""Is the gradient far too large for this loss? Explosion over time or depth, seen without an absolute threshold.

The loss elasticity ||g_v|| ||w_v|| / L says by what factor of itself the loss would change if the weight matrix v
changed by its own size. It has no unit: scaling the loss or the weights leaves it alone.
"""

import numpy as np

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import kernels, span
from tb_lossdiag.run import Run, Table

ID = "exploding_norm"
TITLE = "Gradient size"
# Five times the largest of any healthy run measured (58, a table with uneven features before it was learned).
ELASTICITY = 300.0
# What a healthy run reaches: below it a growing norm has only left a tiny start behind.
HEALTHY_ELASTICITY = 60.0
# Growth of the global norm over its early median.
GROWTH = 100.0
# A single spike is a catapult that training recovers from, so it must hold for several records, or end in NaN.
HELD = 3
# Once the loss has halved, the ratio grows by itself: a squared error's elasticity goes like prediction over error.
FALLEN = 0.5
SOURCE = "healthy runs of dense, convolutional and recurrent models stay below 60"


def check(run: Run) -> Check:
    loss = run.steps.get("loss")
    if not loss or run.layers is None or not (run.layers.has("gradient_norm") and run.layers.has("weight_norm")):
        return Check(ID, TITLE, "not_run", needs=recorded("layer records", run))
    table = _with_gradient(kernels(run.layers))
    if not table.rows:
        return Check(ID, TITLE, "not_run", needs="a weight matrix that gets a gradient")
    at = np.clip(np.searchsorted(loss.steps, table.steps), 0, len(loss.steps) - 1)
    level = loss.values[at]
    g, w = table.column("gradient_norm").astype(np.float64), table.column("weight_norm").astype(np.float64)
    with np.errstate(all="ignore"):
        # Without a gradient nothing changes, and a loss of exactly 0 has no size to be compared with.
        still = (g == 0) | (level == 0)[:, None]
        elasticity = np.where(still, 0, g * w / np.abs(level)[:, None])
        norm = np.sqrt(np.sum(g**2, axis=1))
    # After the first NaN nothing is known any more: only what came before it can have exploded.
    known = ~np.cumsum(np.isnan(norm)).astype(bool)
    largest = np.where(np.isnan(elasticity), 0, elasticity).max(axis=1)
    start = norm[np.isfinite(norm) & (norm > 0)][:5]
    base = float(np.median(start)) if len(start) else np.inf
    # A loss that has come far down makes any ratio to it large; only gradients of a loss still up there explode.
    high = ~(level < FALLEN * loss.values[0])
    grown = (norm > GROWTH * base) & (largest > HEALTHY_ELASTICITY) & high & known
    sharp = (largest > ELASTICITY) & high & known
    crossed = sharp | grown
    broke = not known.all() and known.any() and bool(crossed[known][-1])
    found = broke or int(sharp.sum()) >= HELD or int(grown.sum()) >= HELD
    worst = int(np.argmax(np.where(high & known, largest, 0)))
    sharpest = float(largest[worst])
    peak = float(np.max(norm[known])) if known.any() else np.nan
    growth = peak / base
    told = f"began at {base:.3g} and peaked at {peak:.3g}" if len(start) else "was never a finite number above 0"
    text = (
        f"At step {int(table.steps[worst])} the loss changes {sharpest:.3g} times over if a weight matrix changes by "
        f"its own size; the gradient norm {told}."
    )
    order = np.argsort(-np.nan_to_num(elasticity[0], nan=np.inf), kind="stable")
    layers = tuple(table.rows[i].name for i in order[:3]) if found else ()
    by_growth = found and not sharp.any()
    measured = (
        (growth, GROWTH, "peak / early norm") if by_growth else (sharpest, ELASTICITY, "relative change of the loss")
    )
    evidence = Evidence(text, *measured, SOURCE, layers, span(table))
    return Check(
        ID,
        TITLE,
        "found" if found else "not_found",
        (evidence,),
        int(table.steps[np.argmax(crossed)]) if found else None,
        layers,
        signs=(("growth", growth), ("elasticity", sharpest)),
    )


def _with_gradient(table: Table) -> Table:
    """The rows whose gradient was ever measured: a variable that the loss does not reach has NaN for it throughout."""
    kept = np.flatnonzero(~np.isnan(table.column("gradient_norm")).all(axis=0))
    return table.of_rows(kept)
