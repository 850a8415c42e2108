"""Which ReLU units never fire? A unit silent for a whole batch gets no gradient and cannot come back by itself.

One that fires for few examples is silent in many a batch, and alive: where it was recorded, what counts is the share of
units that were silent in each of the last samples.
"""

import numpy as np

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import late, medians, onset, span
from tb_lossdiag.run import Run, Table

ID = "dead_units"
TITLE = "Dead units"
# Over half of a layer; a wide healthy layer under Adam 1e-2 still learned with 46 % silent in a batch of 64.
DEAD = 0.5
# A ReLU unit answers about half of its inputs: with eight examples one in 256 is silent by chance, with one half.
MIN_BATCH = 8
SOURCE = "healthy runs up to 0.46 of a layer's units silent in one batch"


def check(run: Run) -> Check:
    if run.layers is None or not run.layers.has("activation_dead_share"):
        return Check(ID, TITLE, "not_run", needs=recorded("layer records", run))
    table = run.layers.of_kind("output")
    share = _silent(table)
    if not np.isfinite(share).any():
        return Check(ID, TITLE, "not_run", needs="a layer with a ReLU-like activation")
    if run.card is not None and (run.card.batch_size or MIN_BATCH) < MIN_BATCH:
        needs = f"batches of {MIN_BATCH} examples; a unit may be silent for one of {run.card.batch_size}"
        return Check(ID, TITLE, "inconclusive", needs=needs)
    typical = np.nan_to_num(medians(_silent(late(table))), nan=-1.0)
    if typical.max() < 0:
        return Check(ID, TITLE, "inconclusive", needs="finite shares in the last half of the records")
    worst = int(np.argmax(typical))
    dead = typical > DEAD
    names = tuple(table.rows[i].name for i in np.argsort(-typical, kind="stable") if dead[i])
    start = share[0, worst]
    batches = "the whole batch"
    if table.has("activation_silent_share") and np.isfinite(table.column("activation_silent_share")).any():
        batches = "each of the last sampled batches"
    text = (
        f"In layer {table.rows[worst].name!r} {typical[worst]:.0%} of the units output 0 for {batches} "
        f"({start:.0%} at step {int(table.steps[0])})."
    )
    evidence = Evidence(text, float(typical[worst]), DEAD, "share of units", SOURCE, names[:8], span(late(table)))
    since = [onset(table.steps, np.nan_to_num(share[:, i]) > DEAD) for i in np.flatnonzero(dead)]
    return Check(
        ID,
        TITLE,
        "found" if dead.any() else "not_found",
        (evidence,),
        min((s for s in since if s is not None), default=None),
        names[:8],
        signs=(("share", float(typical[worst])), ("at_start", bool(start > DEAD)), ("early", float(start))),
    )


def _silent(table: Table) -> np.ndarray:
    """[steps, rows] share of units; NaN where there cannot be any."""
    share = table.column("activation_dead_share")
    return np.fmin(share, table.column("activation_silent_share")) if table.has("activation_silent_share") else share
