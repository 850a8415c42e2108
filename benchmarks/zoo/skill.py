"""How good are a model's predictions, whatever its loss? 0 for a constant guess, 1 for a perfect one.

Losses of a sick training and its base cannot be compared once the fault changes the loss or the scale of the targets.
"""

import numpy as np

TASKS = ("classes", "binary", "labels", "regression")


def skill(task: str, targets: np.ndarray, predictions: np.ndarray, threshold: float = 0.5) -> float:
    """Balanced accuracy from chance (0) to 1, or R² (never below -1). Non-finite or constant predictions score 0.

    threshold: from where on a binary or multi-label prediction says yes; 0 for logits.
    """
    targets = np.asarray(targets, np.float64)
    predictions = np.asarray(predictions, np.float64).reshape(len(targets), -1)
    if not np.isfinite(predictions).all():
        return 0.0
    if task == "classes":
        classes = targets.argmax(-1) if targets.ndim == 2 and targets.shape[1] > 1 else targets.ravel()
        return _above_chance(classes, predictions.argmax(-1))
    columns = targets.reshape(len(targets), -1).T
    if task == "regression":
        return float(np.mean([_r2(y, p) for y, p in zip(columns, predictions.T, strict=True)]))
    return float(np.mean([_above_chance(y, p > threshold) for y, p in zip(columns, predictions.T, strict=True)]))


def _above_chance(classes: np.ndarray, guesses: np.ndarray) -> float:
    present = np.unique(classes)
    if len(present) < 2:
        return 0.0
    recall = np.mean([np.mean(guesses[classes == one] == one) for one in present])
    return float((recall - 1 / len(present)) / (1 - 1 / len(present)))


def _r2(targets: np.ndarray, predictions: np.ndarray) -> float:
    spread = np.mean((targets - targets.mean()) ** 2)
    return max(-1.0, float(1 - np.mean((targets - predictions) ** 2) / spread)) if spread else 0.0
