"""What would the best constant guess score? The reference that tells a stuck loss from a solved one.

The best constant prediction of a cross-entropy is the label distribution and scores its entropy; of a squared error it
is the mean and scores the variance; of an absolute error the median and the mean absolute deviation. Targets are those
of the sampled batches, pooled. Of any other loss it is known where the loss itself was asked in sampled steps.
"""

import numpy as np

from tb_lossdiag.diagnosis import measured
from tb_lossdiag.diagnosis.losses import loss_name
from tb_lossdiag.run import ModelCard, Run, Table

CATEGORICAL = {"categorical_crossentropy", "sparse_categorical_crossentropy"}
BINARY = {"binary_crossentropy"}
SQUARED = {"mean_squared_error", "mse"}
ABSOLUTE = {"mean_absolute_error", "mae"}
# Distances between numbers, all of them 0 where the outputs are the targets.
DISTANCES = SQUARED | ABSOLUTE | {"huber", "huber_loss", "log_cosh", "smooth_l1_loss"}
# Class shares that miss 1 by more are not the whole distribution: only the first classes are recorded of very many.
WHOLE = 0.2
# Hard labels have a share of 1; small batches and float32 leave it within a hundredth.
HARD = 0.95
ZERO_OR_ONE = 1e-3  # of a variance, in float32
# A constant guess that the loss itself scores so many times as high as the shares of its classes do was weighted: a
# class of 5 % that counts as much as the other scores 3.5 times as high. Small batches made it 1.75 times as high
# without any weights (zoo, mixed_columns, one in forty).
WEIGHED = 2.5
# Beyond this a constant guess was not weighted, but the loss itself is on another scale; a class of 1 % that counts as
# much as the other scores 12 times as high.
ON_A_SCALE = 16.0
# Probabilities that all lie this far from 0 and 1 score within a third of ln 2 for either class on average.
UNSURE = 0.25


def constant_loss(run: Run) -> float | None:
    """The loss of the best constant guess, penalties excluded; None when it is not known, as under weights."""
    score = derived_constant(run)
    return measured.constant(run) if score is None else score


def derived_constant(run: Run) -> float | None:
    """What follows from the targets; None for a loss without a formula here, under weights and of several outputs.

    Also None where the loss that was asked is a part of what the training brings down or a multiple of it, or was found
    to be on another scale, such as a sum over the batch.
    """
    outputs = measured.measured(run)
    if any(not (measured.is_the_loss(run, one) or measured.leaves_out(run, one)) for one in outputs):
        return None
    score, asked = _formula(run), measured.constant(run)
    is_scaled = score and asked and not 1 / ON_A_SCALE < asked / score < ON_A_SCALE
    return None if is_scaled else score


def _formula(run: Run) -> float | None:
    targets = known_targets(run)
    if run.card is None or targets is None or run.card.settings.get("sample_weight") or measured.has_several(run):
        return None
    score = _score(loss_name(run.card), targets)
    return score if score is not None and np.isfinite(score) else None


def weighs_examples(run: Run) -> str | None:
    """That examples count differently, by weights or a loss that says so; None for no."""
    if run.card is not None and run.card.settings.get("sample_weight"):
        return "The examples have weights."
    derived, asked = _formula(run), measured.constant(run)
    if not derived or asked is None or asked < WEIGHED * derived:
        return None
    return f"The best constant output scores {asked:.4g}, where equal weights would score {derived:.4g}."


def counts_the_frequent(run: Run) -> str | None:
    """That weights make a constant guess cheaper than the classes' shares do: the frequent class counts the most."""
    targets, asked = known_targets(run), measured.constant(run)
    if run.card is None or targets is None or asked is None or loss_name(run.card) not in CATEGORICAL | BINARY:
        return None
    equal = _score(loss_name(run.card), targets)
    scale = _usual_weight(run)
    if equal is None or not np.isfinite(equal) or asked / scale * WEIGHED > equal:
        return None
    usual = f" of {scale:.3g} on average" if scale != 1 else ""
    return (
        f"The best constant output scores {asked:.4g} under weights{usual}, where equal ones would score "
        f"{equal * scale:.4g}."
    )


def _usual_weight(run: Run) -> float:
    """By how much examples count on average: read off the first loss, of outputs that do not know one class from the
    other yet. 1 where nobody says that they have weights, or where it is not known.
    """
    loss, table = run.steps.get("loss"), run.data.of_kind("prediction") if run.data is not None else None
    if not run.card.settings.get("sample_weight") or loss_name(run.card) not in BINARY or table is None:
        return 1.0
    if loss is None or not len(loss) or not (table.rows and len(table.steps) and table.has("min") and table.has("max")):
        return 1.0
    low, high = (float(table.column(name)[0, 0]) for name in ("min", "max"))
    is_unsure = UNSURE <= low <= high <= 1 - UNSURE
    return float(loss.values[0]) / np.log(2) if is_unsure and loss.values[0] > 0 else 1.0


def attainable_share(run: Run) -> float:
    """Of the constant guess's cross-entropy, what a perfect model would save; less than 1 for soft targets only.

    Targets such as grey values between 0 and 1 have an entropy of their own, which no model gets below. With the
    entropy taken for 4 ln 2 y (1 - y), exact at 0, 1/2 and 1, what is left to save is var(y) / (mean(y) (1 - mean(y))).
    """
    targets = known_targets(run)
    if run.card is None or targets is None or loss_name(run.card) not in CATEGORICAL | BINARY:
        return 1.0
    mean = pooled_mean(targets)
    hard = float(np.sum(mean * (1 - mean)))
    share = float(np.sum(pooled_variance(targets))) / hard if hard > 0 else 1.0
    return share if 0 < share < HARD else 1.0


def _score(loss: str, targets: Table) -> float | None:
    mean = pooled_mean(targets)
    if loss in CATEGORICAL and len(mean) > 1 and abs(mean.sum() - 1) < WHOLE:
        return _entropy(mean)
    if loss in BINARY:
        inside = np.clip(mean, 1e-7, 1 - 1e-7)
        return float(np.mean(-(inside * np.log(inside) + (1 - inside) * np.log1p(-inside))))
    if loss in SQUARED:
        return float(np.mean(pooled_variance(targets)))
    if loss in ABSOLUTE and targets.has("mean_abs_deviation"):
        return float(np.mean(_finite_mean(targets.column("mean_abs_deviation"))))
    return None


def known_targets(run: Run) -> Table | None:
    """The recorded targets; None when there are none, or one of them was never finite."""
    targets = run.targets
    if targets is None or not targets.rows or not (targets.has("mean") and targets.has("std")):
        return None
    return targets if np.isfinite(pooled_mean(targets)).all() else None


def value_range(run: Run, kind: str, output: int = 0) -> tuple[float, float]:
    """The lowest and highest finite value recorded of a "target" or "prediction" tensor; NaN when there is none.

    output: which of several; the first one, as the card's loss and the recorded targets are the first one's.
    """
    table = run.data.of_kind(kind) if run.data is not None else None
    if table is None or not (table.has("min") and table.has("max")) or output >= len(table.rows):
        return np.nan, np.nan
    low, high = (values[np.isfinite(values)] for values in (table.column(c)[:, output] for c in ("min", "max")))
    return (float(low.min()), float(high.max())) if len(low) and len(high) else (np.nan, np.nan)


def are_classes(card: ModelCard, outputs: int) -> bool:
    """Whether the targets say one class of several, so that their recorded means are the shares of the classes."""
    return card.settings.get("target_kind") == "sparse_classes" or (loss_name(card) in CATEGORICAL and outputs > 1)


def are_zero_or_one(mean: np.ndarray, std: np.ndarray) -> bool:
    """Whether numbers with these means and deviations are all 0 or 1: the variance of these is p (1 - p), exactly."""
    mean, std = mean.astype(np.float64), std.astype(np.float64)
    known = np.isfinite(mean) & np.isfinite(std)
    return bool((np.abs(std**2 - mean * (1 - mean))[known] < ZERO_OR_ONE).all())


def pooled_mean(targets: Table) -> np.ndarray:
    """float64 [outputs]: the mean target, or each class's share."""
    return _finite_mean(targets.column("mean"))


def pooled_variance(targets: Table) -> np.ndarray:
    """float64 [outputs]: within batches plus between them."""
    mean = targets.column("mean").astype(np.float64)
    within = targets.column("std").astype(np.float64) ** 2
    return _finite_mean(within) + _finite_mean((mean - _finite_mean(mean)) ** 2)


def _finite_mean(values: np.ndarray) -> np.ndarray:
    """float64 [columns] of float [n, columns]; NaN where a column has no finite value."""
    finite = np.isfinite(values)
    total = np.where(finite, values, 0).astype(np.float64).sum(axis=0)
    return np.where(finite.any(axis=0), total / np.maximum(finite.sum(axis=0), 1), np.nan)


def _entropy(shares: np.ndarray) -> float:
    shares = shares[shares > 0]
    shares = shares / shares.sum()
    return float(-(shares * np.log(shares)).sum())
