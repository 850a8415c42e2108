"""Which curves are drawn? A run's series, and every statistic of one layer, in the shapes of http_api.md."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tb_lossdiag.plugin.merging import points, within
from tb_lossdiag.plugin.statistics import Statistic, values_of
from tb_lossdiag.run import Run, Series, Table

MAX_POINTS = 2000  # per series: more than a wide screen has pixel columns
MAX_LAYER_POINTS = 400  # of the many small charts of one layer
Window = tuple[int, int] | None

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


def _terms(run: Run) -> list[tuple[str, str, str, Series]]:
    """What the loss is made of: the terms that were recorded by name, and its penalty where there is one."""
    found = _means(run.loss_terms("mean"), "term")
    penalty = run.steps.get("penalty")
    if penalty is not None and np.any(penalty.values):
        found.append(("penalty", "Penalties", "term", penalty))
    return found


def _means(table: Table | None, group: str) -> list[tuple[str, str, str, Series]]:
    found = []
    for place, row in enumerate(table.rows if table is not None else ()):
        values = table.column("mean")[:, place].astype(np.float64)
        found.append((row.name, row.own_name, group, Series(table.steps, values, table.written)))
    return found


def series_payload(run: Run, window: Window = None) -> dict[str, Any]:
    """The curves of a run. A log that knows epochs only has its learning rate and norms there."""
    rates = _means(run.learning_rates(), "learning_rate")
    names = [name for name in STEP_SERIES if name in run.steps and not (name == "learning_rate" and rates)]
    found = [(name, *STEP_SERIES[name], run.steps[name]) for name in names] + rates
    known = {name for name, *_ in found}
    found += [
        (*EPOCH_SERIES[name], run.epochs[name])
        for name in EPOCH_SERIES
        if name in run.epochs and EPOCH_SERIES[name][0] not in known
    ]
    found += _terms(run)
    sent = [
        {"id": identifier, "label": label, "unit": "", "group": group, **_drawn(series, window, MAX_POINTS)}
        for identifier, label, group, series in found
    ]
    return {"run": run.name, "step_unit": run.step_unit, "series": sent}


def layer_payload(run: Run, layer: str, statistics: Sequence[Statistic], window: Window = None) -> dict[str, Any]:
    """One chart per statistic that the layer's rows have, one series per row. A row without a number is left out.

    layer: a path; a row that names no layer is its own.
    """
    table = run.layers
    rows = [] if table is None else [index for index, row in enumerate(table.rows) if (row.layer or row.name) == layer]
    charts = []
    for statistic in statistics:
        series = []
        for index in rows:
            if table.rows[index].kind == statistic.kind:
                values = values_of(table, statistic, [index])[:, 0].astype(np.float64)
                if not np.isnan(values).all():
                    name = table.rows[index].name
                    drawn = _drawn(Series(table.steps, values, table.written), window, MAX_LAYER_POINTS)
                    series.append({"id": name, "label": name, "unit": statistic.unit, "group": statistic.id, **drawn})
        if series:
            charts.append({"statistic": statistic.id, "series": series})
    return {"run": run.name, "layer": layer, "charts": charts}


def _drawn(series: Series, window: Window, limit: int) -> dict[str, Any]:
    kept = within(series.steps, window)
    cut = Series(series.steps[kept], series.values[kept])
    cut = replace(cut, written=round(len(cut) * max(1.0, series.written / max(1, len(series)))))
    drawn = points(cut, limit)
    return {
        "steps": drawn.steps.tolist(),
        "values": drawn.values.tolist(),
        "low": None if drawn.low is None else drawn.low.tolist(),
        "high": None if drawn.high is None else drawn.high.tolist(),
        "gaps": drawn.gaps.tolist(),
        "shown": len(drawn.steps),
        "written": cut.written,
    }
