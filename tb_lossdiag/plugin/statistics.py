"""How is a layer statistic shown? Label, unit, colour scale and healthy value per column of the layer table."""

from dataclasses import dataclass

import numpy as np

from tb_lossdiag.run import Table


@dataclass(frozen=True)
class Statistic:
    """One column of the layer table as the tab shows it.

    kind: the kind of row it applies to. scale: "log" for magnitudes, "share" for 0…1, "linear" or "count".
    healthy: the value a diverging colour ramp is centred on, None for a plain ramp.
    """

    id: str
    label: str
    kind: str
    scale: str
    unit: str = ""
    healthy: float | None = None


# A thousandth of the weights' size per step is the common rule of thumb for a training that moves and does not jump.
HEALTHY_UPDATE_RATIO = 1e-3

CATALOGUE = {
    statistic.id: statistic
    for statistic in (
        Statistic("gradient_norm", "Gradient norm", "variable", "log"),
        Statistic("gradient_mean_abs", "Gradient mean size", "variable", "log"),
        Statistic("gradient_max_abs", "Gradient largest", "variable", "log"),
        Statistic("gradient_zero_share", "Gradient zeros", "variable", "share"),
        Statistic("gradient_nonfinite", "Gradient NaN and Inf", "variable", "count", "elements"),
        Statistic("weight_norm", "Weight norm", "variable", "log"),
        Statistic("update_norm", "Update norm", "variable", "log"),
        Statistic("update_ratio", "Update / weight", "variable", "log", "per step", HEALTHY_UPDATE_RATIO),
        Statistic("unchanged_share", "Weights left unchanged", "variable", "share"),
        Statistic("activation_mean", "Output mean", "output", "linear"),
        Statistic("activation_std", "Output spread", "output", "log"),
        Statistic("activation_max_abs", "Output largest", "output", "log"),
        Statistic("activation_zero_share", "Output zeros", "output", "share"),
        Statistic("activation_dead_share", "Dead units", "output", "share"),
        Statistic("activation_silent_share", "Units silent in 10 samples", "output", "share"),
        Statistic("activation_saturated_share", "Saturated outputs", "output", "share"),
        Statistic("activation_nonfinite", "Output NaN and Inf", "output", "count", "elements"),
        Statistic("activation_unit_std", "Unit spread over the batch", "output", "log"),
    )
}


def statistics_of(table: Table | None) -> list[Statistic]:
    """The columns that hold a number anywhere, in table order; one this version does not know gets a plain label."""
    if table is None:
        return []
    recorded = ~np.isnan(table.values).all(axis=0)
    return [
        CATALOGUE.get(column) or _unknown(table, column, recorded[:, index])
        for index, column in enumerate(table.columns)
        if recorded[:, index].any()
    ]


def _unknown(table: Table, column: str, recorded_rows: np.ndarray) -> Statistic:
    kind = table.rows[int(np.argmax(recorded_rows))].kind
    return Statistic(column, column.replace("_", " ").capitalize(), kind, "linear")
