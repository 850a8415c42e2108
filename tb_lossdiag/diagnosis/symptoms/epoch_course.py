"""Does the loss fall within an epoch, or only from one epoch to the next? There each row comes once.

What the rows have in common is learned from any of them, so the next batch, new in this epoch, scores better already.
What is true of a single row is learned when that row comes: a model that learns rows by heart has a loss that stays
where it is to the end of the epoch and then steps down. It needs no validation data to be seen.
"""

from itertools import pairwise

import numpy as np

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import data_loss
from tb_lossdiag.run import Run, Series

ID = "epoch_course"
TITLE = "Course within an epoch"
# Of the way from epoch to epoch. Of the zoo's healthy trainings that still fell all but one went 0.43 … 2.4 of it in
# its epochs (that one had learned all it could in the first); translations of other sentences -0.3, of 9 words 0.1.
BY_HEART = 0.4
DOUBT = 2.0  # standard errors
FEWEST_EPOCHS, FEWEST_STEPS = 4, 8
# A fall that is this many times its own error, and this share of the loss, is one.
CLEAR, SOME = 4.0, 0.03
# Batches in the same order each epoch have a course of their own: then what is left of the losses repeats itself.
REPEATS = 0.3
SOURCE = "what rows have in common is learned within the epoch"


def check(run: Run) -> Check:
    losses = data_loss(run)
    epochs = _epochs(run, losses) if losses is not None else []
    if len(epochs) < FEWEST_EPOCHS:
        needs = recorded(f"the losses of all steps of {FEWEST_EPOCHS} epochs", run)
        return Check(ID, TITLE, "not_run" if not epochs else "inconclusive", needs=needs)
    later = epochs[1:]  # in the first one every row is new anyway
    fits = [_line(part.values) for part in later]
    means = np.array([np.mean(part.values) for part in later])
    fall, scale = float(means[0] - means[-1]), float(np.abs(means).max())
    scatter = float(np.sqrt(np.mean([np.var(part.values) / len(part) for part in later[:: len(later) - 1]]) * 2))
    if not fall > max(CLEAR * scatter, SOME * scale):
        return Check(ID, TITLE, "inconclusive", needs="a loss that falls from epoch to epoch")
    if _repeats([residuals for _, _, residuals in fits]):
        return Check(ID, TITLE, "inconclusive", needs="batches that are dealt anew each epoch")
    between = len(later) - 1
    share = -float(np.mean([slope for slope, _, _ in fits])) * between / fall
    doubt = float(np.sqrt(np.mean([error**2 for _, error, _ in fits]) / len(fits))) * between / fall
    found = share + DOUBT * doubt < BY_HEART
    text = f"From epoch to epoch the loss falls by {fall:.3g}; within the epochs it goes {share:.0%} of that way"
    text += ", so what it gains is gained by single rows that come again." if found else "."
    seen = (int(later[0].steps[0]), int(later[-1].steps[-1]))
    evidence = Evidence(text, share, BY_HEART, "share of the fall", SOURCE, (), seen)
    signs = (("share", share), ("doubt", doubt))
    return Check(ID, TITLE, "found" if found else "not_found", (evidence,), seen[0] if found else None, signs=signs)


def _epochs(run: Run, losses: Series) -> list[Series]:
    """The losses of each whole epoch; none where their steps are not known, or are too few."""
    ends = run.epochs["loss"].steps.tolist() if run.step_unit == "step" and "loss" in run.epochs else []
    per_epoch = run.card.steps_per_epoch if run.card is not None else None
    if not ends and per_epoch and len(losses):
        ends = list(range(per_epoch, int(losses.steps[-1]) + 1, per_epoch))
    parts = [losses.between(first + 1, last) for first, last in pairwise([0, *ends])]
    whole = all(len(part) >= FEWEST_STEPS and np.isfinite(part.values).all() for part in parts)
    return parts if whole else []


def _line(values: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Slope over the whole epoch, its standard error, and what the line leaves."""
    x = np.linspace(-0.5, 0.5, len(values))
    squares = float(x @ x)
    slope = float(x @ (values - values.mean())) / squares
    left = values - values.mean() - slope * x
    return slope, float(np.sqrt(left @ left / (len(values) - 2) / squares)), left


def _repeats(residuals: list[np.ndarray]) -> bool:
    """Whether the same places of different epochs have the same losses."""
    length = min(map(len, residuals))
    table = np.stack([one[:length] for one in residuals])
    norms = np.linalg.norm(table, axis=1, keepdims=True)
    if not (norms > 0).all():
        return True
    alike = (table / norms) @ (table / norms).T
    return float(alike[np.triu_indices(len(table), 1)].mean()) > REPEATS
