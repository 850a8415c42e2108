"""How much do the outputs of a batch differ from each other, beside what they are to answer?"""

import numpy as np

from tb_lossdiag.run import Run

NEWEST = 6  # samples
# Outputs that vary over a batch by less than this share of what their targets do are one answer for all.
FLAT = 0.1


def variety(run: Run) -> float | None:
    """The spread of the outputs over a batch in times of their targets', or where there are none of the inputs'.

    Each relative to the size of its numbers; None when one of them was not recorded.
    """
    if run.data is None or not run.data.has("diversity"):
        return None
    outputs = run.data.of_kind("prediction")
    others = next((table for table in map(run.data.of_kind, ("target", "input")) if table.rows), None)
    if not outputs.rows or others is None:
        return None
    a, b = (table.column("diversity")[-NEWEST:, 0].astype(np.float64) for table in (outputs, others))
    known = np.isfinite(a) & np.isfinite(b) & (b > 0)
    return float(np.median(a[known] / b[known])) if known.any() else None
