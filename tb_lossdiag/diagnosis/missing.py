"""How much of the data is NaN or Inf: a few rows, or whole columns? By what the recorded batches counted."""

import numpy as np

from tb_lossdiag.run import Run

# Of the rows, on average: without so few nothing is lost.
FEW = 0.1


def missing_share(run: Run, kind: str) -> str:
    """ "rows": of few examples; "columns": one or more in every example; "some": of many examples, or not known.

    kind: "input" or "target".
    """
    table = run.data.of_kind(kind) if run.data is not None and run.data.has("nonfinite") else None
    size = run.card.batch_size if run.card is not None else None
    if table is None or not table.rows or not size or not len(table.steps):
        return "some"
    per_example = table.column("nonfinite").max(axis=1).astype(np.float64) / size
    if not np.isfinite(per_example).all():
        return "some"
    if per_example.mean() < FEW:
        return "rows"
    # The last batch of an epoch may be smaller.
    return "columns" if np.median(per_example) >= 1 and np.ptp(per_example) < per_example.max() / 2 else "some"
