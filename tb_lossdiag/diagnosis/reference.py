"""What would the best constant guess score? The reference that tells a stuck loss from a solved one.

The best constant prediction of a cross-entropy is the label distribution and scores its entropy; of a squared error it
is the mean and scores the variance; of an absolute error the median and the mean absolute deviation. Targets are those
of the sampled batches, pooled.
"""

import numpy as np

from tb_lossdiag.run import ModelCard, Run, Table

CATEGORICAL = {"categorical_crossentropy", "sparse_categorical_crossentropy"}
BINARY = {"binary_crossentropy"}
SQUARED = {"mean_squared_error", "mse"}
ABSOLUTE = {"mean_absolute_error", "mae"}


def constant_loss(run: Run) -> float | None:
    """The loss of the best constant guess, penalties excluded; None when the loss or the targets are not known."""
    if run.card is None or run.targets is None or not len(run.targets.steps):
        return None
    name = loss_name(run.card)
    mean = pooled_mean(run.targets)
    if name in CATEGORICAL:
        return _entropy(mean) if len(mean) > 1 else None
    if name in BINARY:
        inside = np.clip(mean, 1e-7, 1 - 1e-7)
        return float(np.mean(-(inside * np.log(inside) + (1 - inside) * np.log1p(-inside))))
    if name in SQUARED:
        return float(np.mean(pooled_variance(run.targets)))
    if name in ABSOLUTE:
        return float(np.mean(_finite_mean(run.targets.column("mean_abs_deviation"))))
    return None


def loss_name(card: ModelCard) -> str:
    """Keras's snake_case name of the loss, whether it was given as a string, a function or an object."""
    name = str(card.loss.get("name", ""))
    if name.islower():
        return name
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def is_classification(card: ModelCard) -> bool:
    return loss_name(card) in CATEGORICAL | BINARY


def pooled_mean(targets: Table) -> np.ndarray:
    """float64 [outputs]: the mean target, or each class's share."""
    return _finite_mean(targets.column("mean"))


def pooled_variance(targets: Table) -> np.ndarray:
    """float64 [outputs]: within batches plus between them."""
    mean = targets.column("mean").astype(np.float64)
    return _finite_mean(targets.column("std").astype(np.float64) ** 2) + np.nanvar(mean, axis=0)


def _finite_mean(values: np.ndarray) -> np.ndarray:
    values = values.astype(np.float64)
    finite = np.isfinite(values)
    return np.where(finite, values, 0).sum(axis=0) / np.maximum(finite.sum(axis=0), 1)


def _entropy(shares: np.ndarray) -> float:
    shares = shares[shares > 0] / shares.sum()
    return float(-(shares * np.log(shares)).sum())
