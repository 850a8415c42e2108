"""What went into this training, and what was recorded of it? Settings, data, labels and records for the setup route."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tb_lossdiag.diagnosis.reference import are_classes
from tb_lossdiag.diagnosis.setup import setup
from tb_lossdiag.run import Run, Table, finite

MOST_LABELS = 60  # bars a reader can still tell apart; of more classes the most frequent are sent

# How the values of all sampled batches become one: extremes stay extremes, counts add up, the rest is typical.
_OVER_BATCHES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "min": np.min,
    "max": np.max,
    "feature_std_min": np.min,
    "feature_std_max": np.max,
    "feature_mean_max": np.max,
    "nonfinite": np.sum,
    "out_of_range": np.sum,
}
DATA_LABELS = {
    "min": "Smallest",
    "max": "Largest",
    "mean": "Mean",
    "std": "Spread",
    "nonfinite": "NaN and Inf",
    "feature_std_min": "Least spread of a feature",
    "feature_std_max": "Most spread of a feature",
    "feature_mean_max": "Largest mean of a feature",
    "diversity": "Variety in a batch",
    "out_of_range": "Labels out of range",
    "majority_share": "Most frequent prediction",
    "extreme_share": "Predictions at 0 or 1",
    "loss": "Own loss",
    "loss_shuffled": "Loss of shuffled outputs",
    "loss_shuffled_change": "What shuffling changes",
    "loss_constant": "Loss of a constant output",
    "loss_least": "Least loss",
    "gradient_norm": "Gradient at shared weights",
}


def setup_payload(run: Run) -> dict[str, Any]:
    return {
        "run": run.name,
        "groups": [
            {"title": group.title, "facts": [{"label": label, "value": value} for label, value in group.facts]}
            for group in setup(run.card)
        ],
        "data": _data(run.data),
        "labels": _labels(run),
        "recorded": _recorded(run),
        "cadence": run.card.settings.get("every") if run.card else None,
        "cost": _cost(run),
    }


def _data(table: Table | None) -> dict[str, Any]:
    """One row per input, target and prediction tensor; a column none of them has a number in is left out."""
    if table is None or not len(table.steps):
        return {"columns": [], "rows": []}
    over = [[_typical(table.column(name)[:, at], name) for name in table.columns] for at in range(len(table.rows))]
    kept = [at for at in range(len(table.columns)) if any(values[at] is not None for values in over)]
    return {
        "columns": [
            {"id": (name := table.columns[at]), "label": DATA_LABELS.get(name, name.replace("_", " ").capitalize())}
            for at in kept
        ],
        "rows": [
            {"name": row.name, "kind": row.kind, "values": [values[at] for at in kept]}
            for row, values in zip(table.rows, over, strict=True)
        ],
    }


def _typical(values: np.ndarray, column: str) -> float | None:
    """One number of all sampled batches; None when none of them has one."""
    known = values[~np.isnan(values)].astype(np.float64)
    with np.errstate(invalid="ignore"):  # half way between Inf and -Inf, and their sum, is NaN
        return float(_OVER_BATCHES.get(column, np.median)(known)) if len(known) else None


def _labels(run: Run) -> dict[str, Any] | None:
    """The share of each class, or the mean and spread of each output, over all sampled batches."""
    table = run.targets
    if table is None or not len(table.steps) or not table.has("mean"):
        return None
    classes = run.card is not None and are_classes(run.card, len(table.rows))
    with np.errstate(invalid="ignore"):  # Inf and -Inf have no mean: NaN
        means, spreads = (
            table.column(name).mean(axis=0, dtype=np.float64) if table.has(name) else np.full(len(table.rows), np.nan)
            for name in ("mean", "std")
        )
    shown = np.arange(len(means))
    if len(means) > MOST_LABELS:
        order = np.argsort(-means, kind="stable") if classes else shown
        shown = order[:MOST_LABELS]
    return {
        "kind": "classes" if classes else "values",
        "written": len(means),
        "batches": len(table.steps),
        "rows": [
            {"name": table.rows[at].name, "mean": _number(means[at]), "std": _number(spreads[at])} for at in shown
        ],
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _recorded(run: Run) -> list[dict[str, Any]]:
    """What there is of each kind: how many records, from which step to which, how far apart in the last half."""
    loss = run.steps.get("loss")
    epochs = max(run.epochs.values(), key=len, default=None)
    parts = (
        ("Loss per step", loss),
        ("Layer statistics", run.layers),
        ("Input, target and prediction statistics", run.data),
        ("Label statistics", run.targets),
        ("Epoch metrics", epochs),
    )
    found = []
    for label, part in parts:
        steps = part.steps if part is not None else np.zeros(0, np.int64)
        found.append(
            {
                "label": label,
                "shown": len(steps),
                "written": max(part.written, len(steps)) if part is not None else 0,
                "steps": [int(steps[0]), int(steps[-1])] if len(steps) else None,
                "gap": float(np.median(np.diff(steps)[len(steps) // 2 - 1 :])) if len(steps) > 1 else None,
            }
        )
    return found


def _cost(run: Run) -> dict[str, Any] | None:
    """What sampling added to the training's time, as the newest writer measured it at its end."""
    costs = [event.facts for event in run.events if event.kind == "cost"]
    share = finite(costs[-1].get("share")) if costs else None
    return None if share is None else {"share": share, "samples": finite(costs[-1].get("samples"))}
