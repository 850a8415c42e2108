"""Do the predictions depend on the input? A network that answers all alike has lost its input on the way."""

import numpy as np

from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import late, onset, span
from tb_lossdiag.run import Run

ID = "output_diversity"
TITLE = "Prediction diversity"
# Spread over a batch, relative to the predictions' size: healthy calibration runs 0.2 and above, collapsed ones below.
CONSTANT = 2e-3
SOURCE = "healthy runs 0.2 … 2, collapsed ones 4e-7 … 2e-3"


def check(run: Run) -> Check:
    table = run.data.of_kind("prediction") if run.data is not None else None
    if table is None or not table.rows or not table.has("diversity"):
        return Check(ID, TITLE, "not_run", needs="prediction statistics: add the LossDiagnostics callback")
    diversity = table.column("diversity").astype(np.float64)
    values = late(table).column("diversity")[:, 0].astype(np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return Check(ID, TITLE, "inconclusive", needs="finite predictions and more than one example per batch")
    now = float(np.median(values))
    found = now < CONSTANT
    text = f"Predictions for different inputs differ by {now:.2g} of their size."
    since = onset(table.steps, np.nan_to_num(diversity[:, 0], nan=1.0) < CONSTANT) if found else None
    evidence = Evidence(
        text, now, CONSTANT, "std over the batch / mean size", SOURCE, (table.rows[0].name,), span(late(table))
    )
    return Check(ID, TITLE, "found" if found else "not_found", (evidence,), since, signs=(("diversity", now),))
