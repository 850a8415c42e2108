"""Do the weights shrink to nothing? Kernels whose norms have fallen to a tenth of what they began with.

A weight decay pulls every weight to 0 in each step, and where it is stronger than what the data ask for, it wins.
"""

import numpy as np

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import kernels, onset, span
from tb_lossdiag.run import Run, finite

ID = "weight_shrinkage"
TITLE = "Weight shrinkage"
# Unmeasured: a trained kernel may lose half of its norm to a usual decay, and one that has lost nine tenths passes on a
# tenth of its signal; through three such layers a thousandth.
SMALL = 0.1
# Of the kernels: half of them gone cuts a chain of layers anywhere.
MOST = 0.5
MIN_RECORDS = 8
SOURCE = "a usual weight decay leaves kernels at half of their norm or more"


def check(run: Run) -> Check:
    if run.layers is None or not run.layers.has("weight_norm"):
        return Check(ID, TITLE, "not_run", needs=recorded("layer records", run))
    table = kernels(run.layers)
    norms = table.column("weight_norm").astype(np.float64)
    known = np.isfinite(norms).all(axis=1)
    steps, norms = table.steps[known], norms[known]
    begun = norms[0] > 0 if len(steps) else np.zeros(0, bool)
    if len(steps) < MIN_RECORDS or not begun.any():
        needs = f"{MIN_RECORDS} records of finite weights that begin above 0; there are {len(steps)}"
        return Check(ID, TITLE, "inconclusive", needs=needs)
    left = norms[:, begun] / norms[0, begun]
    share = np.mean(left < SMALL, axis=1)
    rows = [row.name for row, is_begun in zip(table.rows, begun, strict=True) if is_begun]
    names = tuple(name for name, now in zip(rows, left[-1], strict=True) if now < SMALL)
    found = bool(share[-1] >= MOST)
    evidence = Evidence(
        f"{len(names)} of {len(rows)} kernels have less than a tenth of their first norm left; at the median "
        f"{np.median(left[-1]):.2g}.",
        float(np.median(left[-1])),
        SMALL,
        "norm / first norm",
        SOURCE,
        names[:8],
        span(table),
    )
    return Check(
        ID,
        TITLE,
        "found" if found else "not_found",
        (evidence,),
        onset(steps, share >= MOST) if found else None,
        names[:8] if found else (),
        signs=(("left", float(np.median(left[-1]))), ("decay", _decay(run))),
    )


def _decay(run: Run) -> float:
    """The optimizer's weight decay; 0 where it has none."""
    config = run.card.optimizer.get("config") if run.card is not None else None
    return finite(config.get("weight_decay")) or 0.0 if isinstance(config, dict) else 0.0
