"""Does a loss of this training mean what a loss usually means, or does it depend on what moves with the training?

Players against each other have no loss that only falls; a term whose weight is warmed up adds to the sum what the
model did not lose.
"""

import numpy as np

from tb_lossdiag.diagnosis.losses import loss_names
from tb_lossdiag.diagnosis.measured import AGREES, beside, measured
from tb_lossdiag.run import Run, Table

# Of ln 2, which one that is not sure scores: the gradient of log(1 - p) is p itself, here a hundredth (arithmetic).
SPENT = 0.01
# A weight that is warmed up starts at nothing, or near it.
FROM_NOTHING = 0.01
# A term that makes up this share of the rise explains it.
MOST = 0.5
# The first and the last samples of a term.
ENDS = 3


def plays_against_itself(run: Run) -> bool:
    """Whether several optimizers step, as for the players of a game."""
    return run.learning_rates() is not None and len(run.learning_rates().rows) > 1


def compares_passes(run: Run) -> bool:
    """Whether a loss written by hand compares several passes of the model and goes below 0, as that of a critic does.

    It is no distance from anything: where the other player gets better, it rises.
    """
    loss = run.steps.get("loss")
    if run.card is None or run.card.loss.get("name") or loss is None or not len(loss):
        return False
    calls = run.card.settings.get("calls_per_step")
    return isinstance(calls, int) and calls > 1 and bool((loss.values < 0).any())


def is_spent(run: Run) -> str | None:
    """That what is brought down is minus a cross-entropy which is 0 already, as of a generator that is always told.

    It would be brought up from there, but is flat: the surer the other player is, the smaller the gradient.
    """
    found = measured(run)
    if run.card is None or len(found) != 1 or "crossentropy" not in loss_names(run.card, 1)[0]:
        return None
    own, data = beside(run, found[0].newest())
    if not len(own) or np.median(np.abs(data + own)) > AGREES * np.median(np.abs(own)):
        return None
    end = float(np.median(own))
    if not 0 <= end < SPENT * np.log(2):
        return None
    return f"The loss is minus a cross-entropy, which is {end:.2g}: that near to 0 it hardly changes with the outputs."


def gains_weight(run: Run) -> bool:
    """Whether a term of the loss came up from nothing and makes most of the loss's rise, and no other term rose."""
    terms = run.loss_terms("mean")
    if terms is None or len(terms.rows) < 2 or len(terms.steps) < 2 * ENDS:
        return False
    first, last = _end(terms, slice(None, ENDS)), _end(terms, slice(-ENDS, None))
    if not (np.isfinite(first).all() and np.isfinite(last).all()):
        return False
    rise = last - first
    total = rise.sum()
    grown = (np.abs(first) <= FROM_NOTHING * np.abs(last)) & (rise > 0)
    others = rise[~grown]
    return bool(grown.any() and total > 0 and rise[grown].sum() >= MOST * total and (others <= 0).all())


def _end(terms: Table, part: slice) -> np.ndarray:
    """float64 [terms]: the mean of a few samples."""
    with np.errstate(invalid="ignore"):  # between -Inf and Inf lies NaN
        return terms.column("mean")[part].astype(np.float64).mean(axis=0)
