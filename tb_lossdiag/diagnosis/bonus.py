"""Does a bonus for entropy keep all answers alike? It is then at its highest, and all that is left of the loss."""

import math

import numpy as np

from tb_lossdiag.run import LayerCard, Run

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
    """That a term is as high as the entropy of so many equal choices, and the loss a multiple of it and below 0.

    A cross-entropy of answers that know nothing has the same size, and is brought down: it makes a loss above 0.
    """
    terms, loss = run.loss_terms("mean"), run.steps.get("loss")
    if terms is None or loss is None or len(terms.rows) < 2 or run.card is None:
        return None
    _, i, j = np.intersect1d(loss.steps, terms.steps, return_indices=True)
    late = slice(-max(FEWEST, len(i) // LATE), None)
    values, total = terms.column("mean")[j][late].astype(np.float64), loss.values[i][late].astype(np.float64)
    known = np.isfinite(values).all(axis=1) & (total < 0)
    if known.sum() < FEWEST:
        return None
    choices = _choices(run.card.layers)
    told = (
        _told(row.own_name, at, values[known], total[known], choices)
        for at, row in enumerate(terms.rows)
        if "cross" not in row.own_name.lower()
    )
    return next((text for text in told if text is not None), None)


def _told(name: str, at: int, values: np.ndarray, total: np.ndarray, choices: list[int]) -> str | None:
    """values: float64 [n, terms]; total: float64 [n], the loss."""
    entropy = float(np.median(np.abs(values[:, at])))
    alike = next((n for n in choices if HIGHEST <= entropy / math.log(n) <= 1 / HIGHEST), None)
    if alike is None or not values[:, at].all():
        return None
    weights = total / values[:, at]
    weight = float(np.median(weights))
    others = np.delete(np.abs(values), at, axis=1)
    rest = float(np.median(others.sum(axis=1)))
    if np.median(np.abs(weights / weight - 1)) > SCATTERS or rest > (1 - MOST) * abs(weight) * entropy:
        return None
    return (
        f"{name!r} ends at {entropy:.4g}, the entropy of {alike} choices that are all alike, and nearly all of the "
        f"loss is {weight:.2g} times it: all other parts together are {rest:.2g}."
    )


def _choices(layers: tuple[LayerCard, ...]) -> list[int]:
    """How many an output may choose among: the units of any layer."""
    return sorted({layer.units for layer in layers if isinstance(layer.units, int) and layer.units > 1})
