"""Has a penalty on its outputs silenced a layer? By how far they spread at first and at the end."""

import numpy as np

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.report import Evidence

# Of what its outputs were at first: what is left of a layer that its penalty has silenced.
SILENT, LAST_SAMPLES = 0.02, 5


def is_silenced(f: Findings) -> tuple[Evidence, ...] | None:
    """Whether a layer whose outputs are penalised hands on next to nothing any more."""
    table, card = (f.run.layers.of_kind("output") if f.run.layers is not None else None), f.run.card
    if card is None or table is None or not len(table.steps) or not table.has("activation_std"):
        return None
    for row in table.rows:
        layer = card.layer(row.layer or "")
        if layer is None or not layer.settings.get("activity_regularizer"):
            continue
        spread = table.cell(row.name, "activation_std").astype(np.float64)
        first, last = float(spread[0]), float(np.median(spread[-LAST_SAMPLES:]))
        if first > 0 and last < SILENT * first:
            text = (
                f"The outputs of '{row.name}', which are penalised, spread by {first:.2g} at first and {last:.2g} now."
            )
            return (Evidence(text, last / first, SILENT, "share of its first spread", "", (row.name,)),)
    return None
