"""Do train and validation part ways? Overfitting, read from the validation loss's own turn, not from the gap alone.

The training loss is a mean over an epoch with dropout on, the validation loss is neither, so their difference has an
offset that says nothing. What counts is that validation gets worse while training gets better.
"""

import numpy as np

from tb_lossdiag.diagnosis.needs import validation_losses
from tb_lossdiag.diagnosis.reference import constant_loss
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.trend import theil_sen
from tb_lossdiag.diagnosis.window import evaluation_loss, penalty_of
from tb_lossdiag.run import Run

ID = "generalization_gap"
TITLE = "Train against validation"
MIN_EPOCHS = 6
# The validation loss has risen by a tenth above its best for good, and stands half again as high as the training loss.
RISE = 0.10
RATIO = 1.5
RISE_UNIT = "rise above the best"
# Validation has stopped improving at over four times the training loss: the rest of the progress is memorised.
PLATEAU_RATIO = 4.0
# Of the way from a constant guess to perfect, between training and validation: whatever slope the curves have, most of
# what was learned is known by heart (twenty reviews: 0.99 and 0.07; healthy runs of the zoo: up to 0.41).
APART = 0.6
# Of the way from the training loss to the validation loss. Training rows that lie beyond it in evaluation mode score
# like rows never seen, so nothing was memorised.
SHARED = 0.5
SOURCE = "healthy runs rise by less than 10 % above their best"


@np.errstate(over="ignore", invalid="ignore")
def check(run: Run) -> Check:
    train, val = run.epochs.get("loss"), run.epochs.get("val_loss")
    if train is None or val is None:
        return Check(ID, TITLE, "not_run", needs=validation_losses(run))
    shared = np.intersect1d(train.steps, val.steps)
    a, b = train.values[np.isin(train.steps, shared)], val.values[np.isin(val.steps, shared)]
    if len(shared) < MIN_EPOCHS or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return Check(
            ID, TITLE, "inconclusive", needs=f"{MIN_EPOCHS} epochs with finite losses; there are {len(shared)}"
        )
    best = int(np.argmin(b))
    tail = b[best:]
    recent = b[-3:].mean()
    # A loss that may be below 0 has no 0 to be measured from, and what a reader sees is the way that it came down.
    has_zero = min(float(a.min()), float(b.min())) >= 0
    size = abs(b[best]) if has_zero else max(abs(b[best]), b[0] - b[best])
    rise = (recent - b[best]) / size if size else 0.0
    trained = a[-3:].mean()
    ratio = (recent / trained if trained > 0 else np.inf) if has_zero else 1 + (recent - trained) / (size or 1.0)
    rising = len(tail) >= 3 and theil_sen(tail)[0] > 0
    train_fell = a[-1] < a[best]
    # A plateau high above training is overfitting too, only without the turn.
    turned = bool(rising and train_fell and rise > RISE and ratio > RATIO)
    plateau = bool(train_fell and ratio > PLATEAU_RATIO and _stopped(b))
    # Whatever parts the two curves, training rows share it.
    alike = bool(evaluation_loss(run) - a[-1] > SHARED * (recent - a[-1]))
    best_skill, end_skill, own_skill = (_skill(run, float(loss)) for loss in (b[best], recent, trained))
    apart = own_skill is not None and end_skill is not None and own_skill - max(end_skill, 0.0) > APART
    found = (turned or plateau or apart) and not alike
    text = (
        f"Validation loss was best at {b[best]:.4g} (epoch {best + 1} of {len(b)}) and ends at {recent:.4g}, "
        f"while training loss went from {a[best]:.4g} to {a[-1]:.4g}."
    )
    if alike and (turned or plateau or apart):
        text += f" In evaluation mode training batches score {evaluation_loss(run):.4g} as well: nothing was memorised."
    turned = turned or not (plateau or apart)
    measured = (rise, RISE, RISE_UNIT) if turned else (ratio, PLATEAU_RATIO, "validation / training")
    evidence = Evidence(text, *measured, SOURCE, (), (int(shared[best]), int(shared[-1])))
    return Check(
        ID,
        TITLE,
        "found" if found else "not_found",
        (evidence,),
        int(shared[best]) if found else None,
        signs=(
            ("rise", float(rise)),
            ("ratio", float(ratio)),
            ("best_epoch", best + 1),
            ("epochs", len(b)),
            ("improved", float((b[0] - b[best]) / abs(b[0])) if b[0] else 0.0),
            ("best_skill", best_skill),
            ("shared_by_training", alike),
            ("lost_skill", best_skill - end_skill if best_skill is not None and end_skill is not None else None),
        ),
    )


def _skill(run: Run, loss: float) -> float | None:
    """Of a validation loss against the constant guess; None without one, or when penalties are part of the loss."""
    constant = constant_loss(run)
    if not constant or penalty_of(run) is not None:
        return None
    return 1 - loss / constant


def _stopped(values: np.ndarray) -> bool:
    half = values[len(values) // 2 :]
    return float(half.min()) > 0.97 * float(values[: len(values) // 2].min())
