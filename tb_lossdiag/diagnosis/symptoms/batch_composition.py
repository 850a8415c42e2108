"""Does every batch look like the whole data? Batches of one class each, or sorted by target, pull in turn.

The ratio compares a batch's variety with that of all recorded targets: mean label entropy of the batches over the
entropy of the pooled shares, or for numbers the variance inside the batches over the whole variance. Drawn at random a
batch of n holds all but about (K - 1) / (2 n) nats of the entropy of K classes, and all but 1 / n of the variance.
"""

import numpy as np

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.reference import BINARY, WHOLE, are_classes, loss_name
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import span
from tb_lossdiag.run import Run

ID = "batch_composition"
TITLE = "Batch composition"
# Sorted by class a batch is near 0. Drawn at random, 73 recorded trainings lie at 0.79 … 1.0 and none of 50,000
# simulated draws of 8 batches (2 … 100 classes, balanced to 1 : 99; numbers with heavy tails) below 0.5.
SORTED = 0.5
# Below this even batches drawn at random are too small to tell: at 0.75 up to 1.5 % of the draws fell below 0.5.
EXPECTED = 0.85
MIN_BATCHES = 8
# Sorted batches are sorted in any part of a training, a third of an epoch included.
PARTS = 3
SOURCE = "batches drawn at random keep most of the variety, sorted ones hardly any"


def check(run: Run) -> Check:
    targets = run.targets
    if run.card is None or targets is None or not (targets.rows and targets.has("mean") and targets.has("std")):
        return Check(ID, TITLE, "not_run", needs=recorded("recorded targets", run))
    mean, spread = (targets.column(name).astype(np.float64) for name in ("mean", "std"))
    known = np.isfinite(mean).all(axis=1) & np.isfinite(spread).all(axis=1)
    if known.sum() < MIN_BATCHES:
        needs = f"the targets of {MIN_BATCHES} batches; there are {known.sum()}"
        return Check(ID, TITLE, "inconclusive", needs=needs)
    if not run.card.batch_size or run.card.batch_size < 1:
        return Check(ID, TITLE, "inconclusive", needs="a known batch size")
    compared = _in_every_part(run, mean[known], spread[known], run.card.batch_size)
    if compared is None:
        return Check(ID, TITLE, "inconclusive", needs="targets that vary, and shares of all classes")
    what, ratio, expected = compared
    if expected <= EXPECTED:
        return Check(ID, TITLE, "inconclusive", needs=f"batches larger than {run.card.batch_size} for these targets")
    level = "sorted" if ratio < SORTED else "mixed"
    text = f"One batch holds {ratio:.0%} of the {what} of all recorded targets; a random one would hold {expected:.0%}."
    evidence = Evidence(text, ratio, SORTED, f"{what} of a batch / of all", SOURCE, (), span(targets))
    found = level == "sorted"
    return Check(
        ID,
        TITLE,
        "found" if found else "not_found",
        (evidence,),
        int(targets.steps[0]) if found else None,
        signs=(("ratio", ratio), ("level", level)),
    )


def _in_every_part(run: Run, mean: np.ndarray, spread: np.ndarray, size: int) -> tuple[str, float, float] | None:
    """What `_compare` says of the whole training; where only that looks sorted, of the part that looks most mixed."""
    whole = _compare(run, mean, spread, size)
    parts = min(PARTS, len(mean) // MIN_BATCHES)
    if whole is None or whole[1] >= SORTED or parts < 2:
        return whole
    pairs = zip(np.array_split(mean, parts), np.array_split(spread, parts), strict=True)
    compared = [one for one in (_compare(run, *pair, size) for pair in pairs) if one is not None]
    mixed = max(compared, key=lambda one: one[1], default=whole)
    return mixed if mixed[1] >= SORTED else whole


def _compare(run: Run, mean: np.ndarray, spread: np.ndarray, size: int) -> tuple[str, float, float] | None:
    """What is compared, its ratio and the ratio expected of random batches; mean, spread: [batches, outputs]."""
    if are_classes(run.card, mean.shape[1]):
        return _classes(mean, size)
    return _yes_or_no(mean, size) if loss_name(run.card) in BINARY else _numbers(mean, spread, size)


def _classes(shares: np.ndarray, size: int) -> tuple[str, float, float] | None:
    total = shares.sum(axis=1)
    if (shares < 0).any() or (np.abs(total - 1) > WHOLE).any():
        return None
    pooled = shares.mean(axis=0)
    return _entropies(_entropy(shares).mean(), float(_entropy(pooled)), (np.count_nonzero(pooled) - 1) / (2 * size))


def _yes_or_no(shares: np.ndarray, size: int) -> tuple[str, float, float] | None:
    """Each unit is one binary label."""
    if (shares < 0).any() or (shares > 1).any():
        return None
    both, pooled = np.stack([shares, 1 - shares], axis=-1), shares.mean(axis=0)
    whole = float(_entropy(np.stack([pooled, 1 - pooled], axis=-1)).sum())
    varying = np.count_nonzero((pooled > 0) & (pooled < 1))
    return _entropies(float(_entropy(both).sum(axis=-1).mean()), whole, varying / (2 * size))


def _entropies(batch: float, whole: float, bias: float) -> tuple[str, float, float] | None:
    return ("label entropy", float(batch) / whole, 1 - bias / whole) if whole > 0 else None


def _numbers(mean: np.ndarray, spread: np.ndarray, size: int) -> tuple[str, float, float] | None:
    within, between = (spread**2).mean(axis=0), mean.var(axis=0)
    varies = within + between > 0
    if not varies.any():
        return None
    return "variance", float(np.mean((within / (within + between + ~varies))[varies])), 1 - 1 / size


def _entropy(shares: np.ndarray) -> np.ndarray:
    """In nats, over the last axis, whose shares need not sum to 1 exactly."""
    total = shares.sum(axis=-1, keepdims=True)
    shares = shares / np.where(total > 0, total, 1)
    return -(shares * np.log(np.where(shares > 0, shares, 1))).sum(axis=-1)
