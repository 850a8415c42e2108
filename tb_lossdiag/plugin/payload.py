"""What goes over the wire? A Run's series, layers and matrices in the shapes of http_api.md; merging loses no spike."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tb_lossdiag.plugin.statistics import Statistic, statistics_of
from tb_lossdiag.run import LayerCard, Row, Run, Series, Table

MAX_POINTS = 2000  # per series: more than a wide screen has pixel columns
_POINTS_PER_BUCKET = 3  # smallest, largest and first non-finite value
_INT32 = np.iinfo(np.int32)

# Series of the run -> how the tab labels and groups it; group "loss" shares one axis.
STEP_SERIES = {
    "loss": ("Batch loss", "loss"),
    "learning_rate": ("Learning rate", "learning_rate"),
    "gradient_norm": ("Gradient norm", "norm"),
    "update_norm": ("Update norm", "norm"),
}
EPOCH_SERIES = {
    "loss": ("epoch_loss", "Training loss", "loss"),
    "val_loss": ("epoch_val_loss", "Validation loss", "loss"),
    "learning_rate": ("learning_rate", "Learning rate", "learning_rate"),
    "gradient_norm": ("gradient_norm", "Gradient norm", "norm"),
}


def series_payload(run: Run) -> dict[str, Any]:
    """The curves of a run. A log that knows epochs only has its learning rate and norms there."""
    found = [(name, *STEP_SERIES[name], run.steps[name]) for name in STEP_SERIES if name in run.steps]
    known = {name for name, *_ in found}
    found += [
        (*EPOCH_SERIES[name], run.epochs[name])
        for name in EPOCH_SERIES
        if name in run.epochs and EPOCH_SERIES[name][0] not in known
    ]
    return {"run": run.name, "step_unit": run.step_unit, "series": [_one_series(*parts) for parts in found]}


def _one_series(identifier: str, label: str, group: str, series: Series) -> dict[str, Any]:
    kept = points_to_show(series.values, MAX_POINTS)
    return {
        "id": identifier,
        "label": label,
        "unit": "",
        "group": group,
        "steps": series.steps[kept].tolist(),
        "values": series.values[kept].tolist(),
        "shown": len(kept),
        "written": max(series.written, len(series)),
    }


def points_to_show(values: np.ndarray, limit: int) -> np.ndarray:
    """Indices of at most `limit` values: both ends; of each bucket the smallest, largest and first non-finite one."""
    if len(values) <= limit:
        return np.arange(len(values))
    kept = {0, len(values) - 1}
    for bucket in np.array_split(np.arange(len(values)), (limit - len(kept)) // _POINTS_PER_BUCKET):
        finite = np.isfinite(values[bucket])
        if finite.any():
            numbers = bucket[finite]
            kept |= {int(numbers[np.argmin(values[numbers])]), int(numbers[np.argmax(values[numbers])])}
        if not finite.all():
            kept.add(int(bucket[np.argmin(finite)]))
    return np.array(sorted(kept))


def layers_payload(run: Run) -> dict[str, Any]:
    """Rows and statistics of the layer table; empty lists for a log without layer records."""
    table = run.layers
    if table is None:
        steps = {"shown": 0, "written": 0, "first": None, "last": None}
        return {"run": run.name, "steps": steps, "statistics": [], "rows": []}
    statistics = statistics_of(table)
    steps = {"shown": len(table.steps), "written": max(table.written, len(table.steps))}
    steps |= {"first": int(table.steps[0]), "last": int(table.steps[-1])}
    return {
        "run": run.name,
        "steps": steps,
        "statistics": [
            {"id": s.id, "label": s.label, "unit": s.unit, "kind": s.kind, "scale": s.scale, "healthy": s.healthy}
            for s in statistics
        ],
        "rows": [_one_row(run, table, index, row, statistics) for index, row in enumerate(table.rows)],
    }


def _one_row(run: Run, table: Table, index: int, row: Row, statistics: Sequence[Statistic]) -> dict[str, Any]:
    layer = (run.card.layer(row.layer) if run.card else None) or LayerCard(path=row.layer, kind="")
    initializer = layer.initializers.get(row.name.rpartition("/")[2])
    latest = {}
    for statistic in statistics:
        if statistic.kind == row.kind:
            values = table.values[:, index, table.columns.index(statistic.id)]
            latest[statistic.id] = None if np.isnan(values).all() else float(values[-1])
    return {
        "index": index,
        "name": row.name,
        "kind": row.kind,
        "layer": row.layer,
        "layer_kind": layer.kind,
        "activation": layer.activation,
        "initializer": initializer.get("name") if isinstance(initializer, dict) else None,
        "parameters": layer.parameters,
        "trainable": layer.trainable,
        "latest": latest,
    }


def matrix_bytes(table: Table, statistic: Statistic, width: int) -> bytes:
    """One statistic over rows and steps, merged into at most `width` columns; the layout is in http_api.md."""
    rows = [index for index, row in enumerate(table.rows) if row.kind == statistic.kind]
    values = table.column(statistic.id)[:, rows]
    buckets = np.array_split(np.arange(len(table.steps)), min(width, len(table.steps)))
    merged = np.stack([_peak(values[bucket]) for bucket in buckets], axis=1)
    first = np.clip(table.steps[[bucket[0] for bucket in buckets]], _INT32.min, _INT32.max)
    last = np.clip(table.steps[[bucket[-1] for bucket in buckets]], _INT32.min, _INT32.max)
    header = np.array([len(rows), len(buckets), *rows], "<u4")
    parts = (header, first.astype("<i4"), last.astype("<i4"), merged.astype("<f4"))
    return b"".join(part.tobytes() for part in parts)


def _peak(values: np.ndarray) -> np.ndarray:
    """[rows] from [steps, rows]: the largest value; a NaN wins over all, -Inf over numbers."""
    largest = values.max(axis=0)
    return np.where(np.isneginf(values).any(axis=0) & np.isfinite(largest), -np.inf, largest)
