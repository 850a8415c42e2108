"""Does the accuracy say anything about this task? Counting right answers needs answers that can be right.

An accuracy of numbers counts exact hits, which a regression never has. Where nearly all labels are the same, always
giving that one answer looks excellent. Of logits Keras asks whether they exceed 0.5, which is a probability of 0.62:
the accuracy is then a little off, but it moves with the model, so this one is told and not counted as found.
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
)
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import span
from tb_lossdiag.run import Run, Table

ID = "metric_fit"
TITLE = "Metric against task"
ACCURACIES = ("accuracy", "acc", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy")
OUTER = ("compile_metrics", "loss")
# The size from which the targets check calls labels imbalanced: 90 % right without looking.
MAJORITY = 0.9
# Labels of 0 and 1 have the standard deviation sqrt(p (1 - p)) exactly; float32 rounds in the seventh digit.
ROUNDING = 1e-3
SOURCE = "what the metric counts"
TEXTS = {
    "accuracy_for_regression": "{name!r} counts exact hits, but the targets are numbers and not classes.",
    "accuracy_on_logits": "{name!r} asks whether a logit exceeds 0.5, which is a probability of 0.62 and not of 0.5.",
    "binary_for_classes": "{name!r} asks of each of {classes} classes alone if it is right; most are, always.",
    "accuracy_on_imbalance": "{name!r} is the only metric, and always giving the same answer scores {top:.1%} in it.",
    "none": "No metric misreads the task.",
}


def check(run: Run) -> Check:
    if run.card is None or not run.card.loss.get("name"):
        return Check(ID, TITLE, "not_run", needs=recorded("the loss and metrics", run))
    metrics = _of_first_output(run, [name for name in run.card.metrics if name not in OUTER])
    if metrics is None:
        return Check(ID, TITLE, "inconclusive", needs="which of several outputs each metric is for")
    name = next((name for name in metrics if name in ACCURACIES), None)
    targets = known_targets(run)
    if name is None:
        return _result("none", "", np.nan, None)
    if targets is None:
        return Check(ID, TITLE, "inconclusive", needs="recorded targets that are finite")
    fault, top = _fault(run, name, len(metrics), targets)
    return _result(fault, name, top, targets)


def _of_first_output(run: Run, metrics: list[str]) -> list[str] | None:
    """The metrics of the output whose targets were recorded; None where that cannot be told of several.

    Keras reports a metric of one of several outputs as "<output>_<metric>" at the end of an epoch.
    """
    outputs = [row.own_name for row in run.card.data_rows if row.kind == "target"]
    if len(outputs) < 2:
        return metrics
    if not run.epochs:
        return None
    reported = set(run.epochs)
    return [name for name in dict.fromkeys(metrics) if f"{outputs[0]}_{name}" in reported]


def _fault(run: Run, name: str, metrics: int, targets: Table) -> tuple[str, float]:
    """The fault, and the largest share of a label where there is one."""
    loss, mean = loss_name(run.card), pooled_mean(targets)
    if loss in SQUARED | ABSOLUTE:
        return ("none" if _are_classes(targets) else "accuracy_for_regression"), np.nan
    top = np.nan
    if loss in CATEGORICAL and len(mean) > 1:
        top = float(mean.max())
    elif loss in BINARY and len(mean) == 1:
        top = float(max(mean[0], 1 - mean[0]))
    if name == "binary_accuracy" and loss in CATEGORICAL and len(mean) > 2:
        return "binary_for_classes", np.nan
    if metrics == 1 and MAJORITY <= top < 1:
        return "accuracy_on_imbalance", top
    # Keras takes "accuracy" of several yes/no labels for a categorical one, which has no threshold.
    thresholds = name == "binary_accuracy" or (name in ("accuracy", "acc") and len(mean) == 1)
    if loss in BINARY and thresholds and run.card.loss.get("from_logits"):
        return "accuracy_on_logits", top
    return "none", top


def _are_classes(targets: Table) -> bool:
    """Whether every recorded target is 0 or 1, or at least has their spread."""
    mean, spread = (targets.column(name).astype(np.float64) for name in ("mean", "std"))
    known = np.isfinite(mean) & np.isfinite(spread)
    mean, spread = mean[known], spread[known]
    if ((mean < 0) | (mean > 1)).any():
        return False
    return bool((np.abs(spread - np.sqrt(mean * (1 - mean))) <= ROUNDING).all())


def _result(fault: str, name: str, top: float, targets: Table | None) -> Check:
    found = fault in ("accuracy_for_regression", "accuracy_on_imbalance", "binary_for_classes")
    classes = len(pooled_mean(targets)) if targets is not None else 0
    measured = (top, MAJORITY, "share of labels") if fault == "accuracy_on_imbalance" else (None, None, "")
    seen = span(targets) if targets is not None else None
    evidence = Evidence(TEXTS[fault].format(name=name, top=top, classes=classes), *measured, SOURCE, (), seen)
    state = "found" if found else "not_found"
    return Check(ID, TITLE, state, (evidence,), 0 if found else None, signs=(("fault", fault),))
