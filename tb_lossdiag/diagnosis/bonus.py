"""Does a bonus for entropy keep all answers alike? It is then at its highest, and all that is left of the loss."""

import math

import numpy as np

from tb_lossdiag.run import LayerCard, Run, Table

WORD = "entropy"
# Of the highest entropy, ln(choices): a policy that was learned is below 0.9 of it (docs/first_contact.md, tenth round:
# 0.998 under a bonus of 0.1, 0.3 under 0.001).
HIGHEST = 0.99
# Of the loss, by what the bonus leaves of it (arithmetic: the rest counts for a tenth).
MOST = 0.9
# Of the bonus: its weight is one number at all steps.
SCATTERS = 0.05
# The last samples of a training, and how many of all are late.
FEWEST, LATE = 4, 3


def keeps_all_alike(run: Run) -> str | None:
    """That a term called entropy is as high as that of so many equal choices, and the loss a multiple of it."""
    terms, loss = run.loss_terms("mean"), run.steps.get("loss")
    names = [row.own_name for row in terms.rows] if terms is not None else []
    own = [at for at, name in enumerate(names) if WORD in name.lower() and "cross" not in name.lower()]
    if len(own) != 1 or len(names) < 2 or loss is None or run.card is None:
        return None
    at = own[0]
    _, i, j = np.intersect1d(loss.steps, terms.steps, return_indices=True)
    late = slice(-max(FEWEST, len(i) // LATE), None)
    values, total = terms.column("mean")[j][late, at].astype(np.float64), loss.values[i][late].astype(np.float64)
    known = np.isfinite(values) & np.isfinite(total) & (values != 0)
    if known.sum() < FEWEST:
        return None
    entropy, weights = np.median(np.abs(values[known])), total[known] / values[known]
    choices = next((n for n in _choices(run.card.layers) if HIGHEST <= entropy / math.log(n) <= 1 / HIGHEST), None)
    weight = float(np.median(weights))
    rest = _rest(terms, at, j[late][known])
    if choices is None or weight == 0 or np.median(np.abs(weights / weight - 1)) > SCATTERS:
        return None
    if rest > (1 - MOST) * abs(weight) * entropy:
        return None
    return (
        f"{names[at]!r} ends at {entropy:.4g}, and {choices} choices that are all alike have {math.log(choices):.4g}: "
        f"{weight:.2g} times it is nearly all of the loss, all other parts together are {rest:.2g}."
    )


def _rest(terms: Table, at: int, rows: np.ndarray) -> float:
    others = np.delete(terms.column("mean")[rows].astype(np.float64), at, axis=1)
    return float(np.median(np.nansum(np.abs(others), axis=1)))


def _choices(layers: tuple[LayerCard, ...]) -> list[int]:
    """How many an output may choose among: the units of any layer."""
    return sorted({layer.units for layer in layers if isinstance(layer.units, int) and layer.units > 1})
