"""How is a layer statistic shown? Label, unit, colour scale, healthy value and the checks that judge it, per column."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tb_lossdiag.run import Table


@dataclass(frozen=True)
class Statistic:
    """One column of the layer table, or a ratio of two, as the tab shows it.

    kind: the kind of row it applies to. scale: "log" for magnitudes, "share" for 0…1, "linear" or "count".
    healthy: the value a diverging colour ramp is centred on, None for a plain ramp.
    checks: ids of the checks whose evidence is this number, or is computed from it.
    """

    id: str
    label: str
    kind: str
    scale: str
    unit: str = ""
    healthy: float | None = None
    checks: tuple[str, ...] = ()


# A thousandth of the weights' size per step is the common rule of thumb for a training that moves and does not jump.
HEALTHY_UPDATE_RATIO = 1e-3

CATALOGUE = {
    statistic.id: statistic
    for statistic in (
        Statistic(
            "gradient_norm",
            "Gradient norm",
            "variable",
            "log",
            checks=("depth_profile", "zero_gradient", "exploding_norm"),
        ),
        Statistic("gradient_mean_abs", "Gradient mean size", "variable", "log"),
        Statistic("gradient_max_abs", "Gradient largest", "variable", "log"),
        Statistic("gradient_zero_share", "Gradient zeros", "variable", "share"),
        Statistic("gradient_nonfinite", "Gradient NaN and Inf", "variable", "count", "elements", checks=("nonfinite",)),
        Statistic("weight_norm", "Weight norm", "variable", "log", checks=("weight_growth",)),
        Statistic("update_norm", "Update norm", "variable", "log"),
        Statistic(
            "update_ratio",
            "Update / weight",
            "variable",
            "log",
            "per step",
            HEALTHY_UPDATE_RATIO,
            checks=("update_ratio",),
        ),
        Statistic("unchanged_share", "Weights left unchanged", "variable", "share", checks=("lost_updates",)),
        Statistic("activation_mean", "Output mean", "output", "linear"),
        Statistic("activation_std", "Output spread", "output", "log", checks=("activation_scale", "frozen_statistics")),
        Statistic("activation_max_abs", "Output largest", "output", "log"),
        Statistic("activation_zero_share", "Output zeros", "output", "share"),
        Statistic("activation_dead_share", "Dead units", "output", "share", checks=("dead_units",)),
        Statistic("activation_silent_share", "Units that stay silent", "output", "share", checks=("dead_units",)),
        Statistic("activation_saturated_share", "Saturated outputs", "output", "share", checks=("saturated_units",)),
        Statistic("activation_nonfinite", "Output NaN and Inf", "output", "count", "elements", checks=("nonfinite",)),
        Statistic("activation_unit_std", "Unit spread over the batch", "output", "log"),
    )
}


# How large the gradient is for its weights: id -> (how it is shown, numerator, denominator).
RATIOS = {
    "gradient_weight_ratio": (
        Statistic("gradient_weight_ratio", "Gradient / weight", "variable", "log"),
        "gradient_norm",
        "weight_norm",
    )
}


def statistics_of(table: Table | None) -> list[Statistic]:
    """The columns that hold a number anywhere, in table order, then the ratios that can be made of them.

    A column this version does not know gets a plain label. It looks at every value: ask once per reading.
    """
    if table is None:
        return []
    recorded = [~np.isnan(table.column(column)).all(axis=0) for column in table.columns]
    found = [
        CATALOGUE.get(column) or _unknown(table, column, rows)
        for column, rows in zip(table.columns, recorded, strict=True)
        if rows.any()
    ]
    known = {statistic.id for statistic in found}
    return found + [shown for shown, over, under in RATIOS.values() if {over, under} <= known]


def values_of(table: Table, statistic: Statistic, rows: Sequence[int]) -> np.ndarray:
    """float32 [n, rows]: a statistic of the rows at these places."""
    if statistic.id not in RATIOS:
        return table.column(statistic.id)[:, rows]
    _, over, under = RATIOS[statistic.id]
    # Of weights of zero there is no ratio or an infinite one, and so is one beyond 3e38.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return table.column(over)[:, rows] / table.column(under)[:, rows]


def _unknown(table: Table, column: str, recorded_rows: np.ndarray) -> Statistic:
    kind = table.rows[int(np.argmax(recorded_rows))].kind
    return Statistic(column, column.replace("_", " ").capitalize(), kind, "linear")
