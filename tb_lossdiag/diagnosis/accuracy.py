"""How often is the model right? The accuracy of the last epoch, against always giving the most frequent answer.

A mean loss may be that of a few examples that are wrong by far; the answers tell that nearly all are learned.
"""

import numpy as np

from tb_lossdiag.diagnosis.reference import BINARY, CATEGORICAL, known_targets, loss_name, pooled_mean
from tb_lossdiag.run import Run

NAMES = ("accuracy", "acc", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy")
# Of the way from the most frequent answer to all of them. A model that was mended and reached an accuracy of 0.996 on
# inputs of 5,000, where a few losses of hundreds made up the mean, was called far too slow.
MOSTLY_RIGHT = 0.9


def is_mostly_right(run: Run) -> bool:
    """Whether hardly an answer is wrong; False where nobody counted, or giving one answer would do as well."""
    curve = next((run.epochs[name] for name in NAMES if name in run.epochs), None)
    known = curve.values[np.isfinite(curve.values)] if curve is not None else np.array([])
    most_frequent = _most_frequent(run)
    if not len(known) or most_frequent is None or most_frequent >= 1:
        return False
    return bool((known[-1] - most_frequent) / (1 - most_frequent) >= MOSTLY_RIGHT)


def _most_frequent(run: Run) -> float | None:
    """The share of the most frequent label; None where the targets are no classes, or are not known."""
    targets, name = known_targets(run), loss_name(run.card) if run.card is not None else ""
    if targets is None or name not in CATEGORICAL | BINARY:
        return None
    mean = pooled_mean(targets)
    if len(mean) == 1:
        return float(max(mean[0], 1 - mean[0])) if name in BINARY else None
    return float(mean.max()) if name in CATEGORICAL else None
