"""Does the loss improve while the accuracy does not? Then the loss is not looking at what the predictions say.

Keras 3 computes cross-entropies from cached pre-activation values, so a wrong output activation can leave the loss
falling while the predictions, and every metric made from them, stand still.
"""

import numpy as np

from tb_lossdiag.diagnosis.needs import accuracies
from tb_lossdiag.diagnosis.output_layer import output_units
from tb_lossdiag.diagnosis.reference import BINARY, CATEGORICAL, constant_loss, known_targets, loss_name, pooled_mean
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.run import Run

ID = "metric_frozen"
TITLE = "Loss against accuracy"
NAMES = ("accuracy", "acc", "categorical_accuracy", "binary_accuracy", "sparse_categorical_accuracy")
MIN_EPOCHS = 3
# The loss has closed this share of the way from a constant guess to perfect …
LEARNED = 0.3
# … and the accuracy less than this share of that, from the majority class to 1. In 281 healthy zoo runs it was at least
# 0.93, with saturated sigmoids, which tie, 0.1 to 0.26.
LAGGING = 0.6
# Or the loss has fallen by this share of itself, and an accuracy that stands still has closed less than this.
FROZEN = 0.1
# Where one label dominates, a useful model may well never answer the rare one.
IMBALANCED = 0.8
SOURCE = "a loss at skill 0.3 goes with a clearly better than chance accuracy in every healthy run"


def check(run: Run) -> Check:
    name = _accuracy(run)
    constant = constant_loss(run)
    known = constant is not None and known_targets(run) is not None
    if name is None or "loss" not in run.epochs or not known or loss_name(run.card) not in CATEGORICAL | BINARY:
        return Check(ID, TITLE, "not_run", needs=accuracies(run))
    accuracy, loss = run.epochs[name].values, run.epochs["loss"].values
    if min(len(accuracy), len(loss)) < MIN_EPOCHS or not (np.isfinite(accuracy).all() and np.isfinite(loss).all()):
        return Check(ID, TITLE, "inconclusive", needs=f"{MIN_EPOCHS} epochs with finite values")
    shares = pooled_mean(run.targets)
    majority = (
        float(shares.max())
        if len(shares) > 1 and loss_name(run.card) in CATEGORICAL
        else float(np.mean(np.maximum(shares, 1 - shares)))
    )
    skill = 1 - float(loss[-1]) / constant if constant else 0.0
    # Penalties keep the absolute loss high, so a fall of the loss counts as well as its level.
    fell = 1 - float(loss[-1]) / float(loss[0]) if loss[0] > 0 else 0.0
    gained = (float(accuracy[-1]) - majority) / max(1 - majority, 1e-9)
    still = float(np.ptp(accuracy)) < 0.01
    lagging = skill > LEARNED and gained < LAGGING * skill
    found = majority < IMBALANCED and bool(lagging or (still and fell > FROZEN and gained < FROZEN))
    text = (
        f"The loss went from {loss[0]:.4g} to {loss[-1]:.4g}, the accuracy from {accuracy[0]:.1%} to "
        f"{accuracy[-1]:.1%}; always answering the most frequent label gives {majority:.1%}."
    )
    steps = (int(run.epochs[name].steps[0]), int(run.epochs[name].steps[-1]))
    evidence = Evidence(text, float(accuracy[-1]), majority, "accuracy", SOURCE, (), steps)
    return Check(
        ID,
        TITLE,
        "found" if found else "not_found",
        (evidence,),
        0 if found else None,
        signs=(("gained", gained), ("accuracy", float(accuracy[-1])), ("majority", majority)),
    )


def _accuracy(run: Run) -> str | None:
    """The metric that counts right answers; Keras's plain "accuracy" does not for several yes/no labels at once."""
    several = run.card is not None and loss_name(run.card) in BINARY and (output_units(run.card) or 1) > 1
    names = ("binary_accuracy",) if several else NAMES
    return next((name for name in names if name in run.epochs), None)
