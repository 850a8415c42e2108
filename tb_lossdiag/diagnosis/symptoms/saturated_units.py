"""Are sigmoid or tanh units stuck at the ends of their range? There the derivative is near 0 and learning stops."""

import numpy as np

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import late, medians, onset, span
from tb_lossdiag.run import Run

ID = "saturated_units"
TITLE = "Saturated activations"
SATURATED = 0.5
SOURCE = "over half of the values in the outer 5 % of the range; an output layer that is sure of itself is left out"


def check(run: Run) -> Check:
    if run.layers is None or not run.layers.has("activation_saturated_share"):
        return Check(ID, TITLE, "not_run", needs=recorded("layer records", run))
    table = run.layers.of_kind("output")
    share = table.column("activation_saturated_share")
    known = np.isfinite(share).any(axis=0)
    hidden = known & (np.arange(len(table.rows)) < len(table.rows) - 1)
    if not known.any():
        return Check(ID, TITLE, "not_run", needs="a layer with a bounded activation such as tanh or sigmoid")
    typical = np.nan_to_num(medians(late(table).column("activation_saturated_share")), nan=-1.0)
    if typical.max() < 0:
        return Check(ID, TITLE, "inconclusive", needs="finite shares in the last half of the records")
    worst = int(np.argmax(np.where(hidden, typical, -1.0))) if hidden.any() else int(np.argmax(typical))
    stuck = hidden & (typical > SATURATED)
    output = bool(known[-1] and typical[-1] > 1 - 1e-3)
    names = tuple(table.rows[i].name for i in np.flatnonzero(stuck))
    text = (
        f"In layer {table.rows[worst].name!r} {typical[worst]:.0%} of the outputs sit at the end of the range "
        f"({share[0, worst]:.0%} at step {int(table.steps[0])})."
    )
    evidence = Evidence(
        text, float(typical[worst]), SATURATED, "share of outputs", SOURCE, names[:8], span(late(table))
    )
    since = [onset(table.steps, np.nan_to_num(share[:, i]) > SATURATED) for i in np.flatnonzero(stuck)]
    return Check(
        ID,
        TITLE,
        "found" if stuck.any() else "not_found",
        (evidence,),
        min((s for s in since if s is not None), default=None),
        names[:8],
        signs=(
            ("share", float(typical[worst])),
            ("at_start", bool(share[0, worst] > SATURATED)),
            ("start", float(share[0, stuck].max()) if stuck.any() else None),
            ("output_saturated", output),
        ),
    )
