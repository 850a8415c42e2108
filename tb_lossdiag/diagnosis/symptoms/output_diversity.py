"""Do the predictions depend on the input? A network that answers all alike has lost its input on the way.

Alike are predictions whose numbers hardly differ, and those that differ but always name the same class.
"""

import numpy as np

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.reference import (
    ABSOLUTE,
    BINARY,
    CATEGORICAL,
    SQUARED,
    known_targets,
    loss_name,
    pooled_mean,
    value_range,
)
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import late, onset, span
from tb_lossdiag.run import Run, Table

ID = "output_diversity"
TITLE = "Prediction diversity"
# Spread over a batch, relative to the predictions' size: healthy calibration runs 0.2 and above, collapsed ones below.
CONSTANT = 2e-3
SOURCE = "healthy runs 0.2 … 2, collapsed ones 4e-7 … 2e-3"
# Practically every example of the late batches gets one class …
ONE_CLASS = 0.99
# … though their labels are not that much alike themselves. Unmeasured, from the arithmetic of a batch of 32 or more.
LABELS_VARY = 0.98
CLASS_SOURCE = "a model that uses its input names more than one class wherever the labels do"


def check(run: Run) -> Check:
    table = run.data.of_kind("prediction") if run.data is not None else None
    if table is None or not table.rows or not table.has("diversity"):
        return Check(ID, TITLE, "not_run", needs=recorded("prediction statistics", run))
    diversity = table.column("diversity").astype(np.float64)
    values = late(table).column("diversity")[:, 0].astype(np.float64)
    values = values[np.isfinite(values)]
    if not len(values) or (run.card is not None and run.card.batch_size == 1):
        return Check(ID, TITLE, "inconclusive", needs="finite predictions and more than one example per batch")
    now = float(np.median(values))
    majority, labels = _majority(late(table)), _label_majority(run)
    one_class = majority is not None and labels is not None and majority > ONE_CLASS and _labels_vary(run)
    alike = now < CONSTANT
    probable = _are_probabilities(run)  # else 0 is a number like any other
    first = table.between(table.steps[0], table.steps[0])  # later ones show what the first steps did
    name, seen = (table.rows[0].name,), span(late(table))
    text = f"Predictions for different inputs differ by {now:.2g} of their size."
    evidence = [Evidence(text, now, CONSTANT, "std over the batch / mean size", SOURCE, name, seen)]
    since = [onset(table.steps, np.nan_to_num(diversity[:, 0], nan=1.0) < CONSTANT)] if alike else []
    if majority is not None and labels is not None:
        text = f"{majority:.1%} of the predictions name the same class; the most frequent label makes up {labels:.1%}."
        evidence.append(Evidence(text, majority, ONE_CLASS, "share of predictions", CLASS_SOURCE, name, seen))
    if one_class:
        share = table.column("majority_share")[:, 0].astype(np.float64)
        since.append(onset(table.steps, np.nan_to_num(share) > ONE_CLASS))
    return Check(
        ID,
        TITLE,
        "found" if alike or one_class else "not_found",
        tuple(evidence),
        min((step for step in since if step is not None), default=None),
        signs=(
            ("diversity", now),
            ("diversity_start", _typical(first, "diversity")),
            ("alike", alike),
            ("majority", majority),
            ("label_majority", labels),
            ("rare_named", (1 - majority) / (1 - labels) if majority is not None and labels and labels < 1 else None),
            ("one_class", one_class),
            ("extreme", _typical(late(table), "extreme_share") if probable else None),
            ("extreme_start", _typical(first, "extreme_share") if probable else None),
        ),
    )


def _are_probabilities(run: Run) -> bool:
    low, high = value_range(run, "prediction")
    name = loss_name(run.card) if run.card is not None else ""
    return name in CATEGORICAL | BINARY or (name not in SQUARED | ABSOLUTE and low >= 0 and high <= 1)


def _majority(table: Table) -> float | None:
    """The share of examples that get their batch's most frequent class, over all batches: a rare one is not in each."""
    values = table.column("majority_share")[:, 0].astype(np.float64) if table.has("majority_share") else np.zeros(0)
    values = values[np.isfinite(values)]
    return float(np.mean(values)) if len(values) else None


def _typical(table: Table, column: str) -> float | None:
    """The median over batches of a statistic of the first output; None where it was never finite."""
    if not table.has(column):
        return None
    values = table.column(column)[:, 0].astype(np.float64)
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else None


def _label_majority(run: Run) -> float | None:
    """The largest share of a label; None where targets are not classes, or are several at once."""
    targets = known_targets(run)
    if targets is None or run.card is None:
        return None
    return _largest(run, pooled_mean(targets)[None])


def _labels_vary(run: Run) -> bool:
    """Whether the labels of a batch vary: for a sorted batch, or one example, one class is the right answer."""
    mean = late(run.targets).column("mean").astype(np.float64)
    mean = mean[np.isfinite(mean).all(axis=1)]
    typical = _largest(run, mean) if len(mean) else None
    return typical is not None and typical < LABELS_VARY


def _largest(run: Run, shares: np.ndarray) -> float | None:
    """The mean of the largest shares; shares: [batches, classes], or [batches, 1] of a yes."""
    loss, classes = loss_name(run.card), shares.shape[1]
    if loss in CATEGORICAL and classes > 1:
        return float(shares.max(axis=1).mean())
    if loss in BINARY and classes == 1:
        return float(np.maximum(shares, 1 - shares).mean())
    return None
