"""Do the weights grow without end? A kernel whose norm has grown tenfold and is still growing."""

import numpy as np

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import kernels, onset, span
from tb_lossdiag.run import Run, Table

ID = "weight_growth"
TITLE = "Weight growth"
# Kernels of 30 repaired trainings grew by up to 4.1x, but for two of linear regressions (35x, 63x) that came to rest.
LARGE = 10.0
# Growth with the square root of the steps, the slowest that never ends, gains 1.4x in the last half.
STILL = 1.2
# Glorot's, He's and LeCun's initialisation give a kernel a norm of about 1 or more. One that starts at half of that or
# less was started small on purpose (a zero head, a low-rank adapter) and has to grow: one that works went 0.4 … 6.9.
SMALL_START = 0.5
MIN_RECORDS = 8
SOURCE = "kernels of healthy trainings grow by up to 4x"


def check(run: Run) -> Check:
    if run.layers is None or not run.layers.has("weight_norm"):
        return Check(ID, TITLE, "not_run", needs=recorded("layer records", run))
    table = _without_embeddings(kernels(run.layers))
    if not table.rows:
        return Check(ID, TITLE, "not_run", needs="a weight matrix that is not an embedding")
    norms = table.column("weight_norm").astype(np.float64)
    known = np.isfinite(norms).all(axis=1)
    steps, norms = table.steps[known], norms[known]
    if len(steps) < MIN_RECORDS:
        needs = f"{MIN_RECORDS} records of finite weights; there are {len(steps)}"
        return Check(ID, TITLE, "inconclusive", needs=needs)
    started = norms[0] > SMALL_START
    if not started.any():
        return Check(ID, TITLE, "inconclusive", needs=f"a weight matrix that starts with a norm above {SMALL_START}")
    first = np.where(started, norms[0], 1)
    growth = np.where(started, norms[-1] / first, 0)
    middle = norms[np.searchsorted(steps, (int(steps[0]) + int(steps[-1])) / 2)]
    growing = (growth > LARGE) & (norms[-1] > STILL * middle)
    order = np.argsort(-growth, kind="stable")
    names = tuple(table.rows[i].name for i in order if growing[i])[:8]
    top = int(order[np.argmax(growing[order])])
    still = ", and is still growing" if names else ""
    evidence = Evidence(
        f"The norm of {table.rows[top].name!r} went from {norms[0, top]:.3g} to {norms[-1, top]:.3g}, "
        f"{growth[top]:.3g} times as large{still}.",
        float(growth[top]),
        LARGE,
        "norm / first norm",
        SOURCE,
        names,
        span(table),
    )
    return Check(
        ID,
        TITLE,
        "found" if names else "not_found",
        (evidence,),
        onset(steps, norms[:, top] > LARGE * first[top]) if names else None,
        names,
        signs=(("growth", float(growth.max())), ("level", "growing" if names else "usual")),
    )


def _without_embeddings(table: Table) -> Table:
    """The kernels without the embeddings, whose initial ±0.05 is meant to grow."""
    return table.of_rows([i for i, row in enumerate(table.rows) if not row.name.endswith("embeddings")])
