"""How were the values of one row distributed, step by step? Its histograms in the shape of http_api.md."""

from typing import Any

import numpy as np

from tb_lossdiag.run import Histograms, Run

MAX_STEPS = 200  # as many as our own writer keeps of a training; of a foreign log's so many are drawn
DIGITS = 5  # after the point of a share: one value of 2,048 is 0.0005

LABELS = {"gradient": "Gradient", "update": "Update", "activation": "Output"}


def histograms_payload(run: Run, index: int) -> dict[str, Any]:
    """All quantities that the card's row with this index has; none where no histograms were recorded of it."""
    name = run.card.rows[index].name
    found = run.histograms
    quantities = [] if found is None else [_quantity(found, *both) for both in found.of_row(name).items()]
    return {"run": run.name, "row": index, "name": name, "quantities": [q for q in quantities if q["steps"]]}


def _quantity(histograms: Histograms, quantity: str, shares: np.ndarray) -> dict[str, Any]:
    """Without the buckets on either side that are empty at all steps."""
    measured = np.flatnonzero(~np.isnan(shares).any(axis=1))
    even = np.linspace(0, len(measured) - 1, min(len(measured), MAX_STEPS)).round().astype(int)
    shown = measured[even]
    taken = shares[shown].astype(np.float64)
    used = np.flatnonzero(taken.any(axis=0))
    span = slice(used[0], used[-1] + 1) if len(used) else slice(0, 0)
    return {
        "id": quantity,
        "label": LABELS.get(quantity, quantity),
        "steps": histograms.steps[shown].tolist(),
        "low": histograms.low[span].tolist(),
        "high": histograms.high[span].tolist(),
        "shares": taken[:, span].round(DIGITS).tolist(),
        "nonfinite": np.clip(1.0 - taken.sum(axis=1), 0.0, 1.0).round(3).tolist(),
        "shown": len(shown),
        "recorded": len(measured),
    }
