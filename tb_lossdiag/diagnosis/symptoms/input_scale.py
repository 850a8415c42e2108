"""Is the input on a scale the initial weights expect? He and Glorot assume features around 0 with a spread around 1.

Also finds inputs that do not vary at all, and features whose scales differ so much that one drowns the others.
"""

import numpy as np

from tb_lossdiag.diagnosis.input_use import are_ids, brings_own_scale, scaling_layers
from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import early, late, span
from tb_lossdiag.run import Row, Run, Table

ID = "input_scale"
TITLE = "Input scale"
# Raw pixels (0..255) have a root mean square near 100, standardised data 1; counts and ages lie between and train.
LARGE = 10.0
# Spreads of features that differ 100-fold leave the small ones without influence at the first layer.
UNEVEN = 100.0
# A spread this far below 1 starves the first layer as much as a large one floods it.
SMALL = 1e-2
# Of the size of a batch's mean: float32 sums of the same numbers differ by less.
ROUNDING = 1e-6
# A data set that is scaled anew in each epoch loses a factor of 255 at a time; pictures that a generator learns to draw
# gain a factor of ten or so (unmeasured).
DRIFTS = 50.0
SOURCE = "Glorot and He initialisation assume mean 0 and standard deviation 1; raw pixels have about 100"


def check(run: Run) -> Check:
    table = run.data.of_kind("input") if run.data is not None else None
    if table is None or not table.rows or not (table.has("mean") and table.has("std")):
        return Check(ID, TITLE, "not_run", needs=recorded("input statistics", run))
    table = early(table)
    facts = [(_facts(table, row), row) for row in table.rows]
    facts = [fact for fact in facts if np.isfinite(fact[0][0])]
    if not facts:
        return Check(ID, TITLE, "inconclusive", needs="finite inputs")
    constant = all(f[2] == 0 for f, _ in facts)
    if not constant:
        facts = [] if brings_own_scale(run.card) else [fact for fact in facts if not are_ids(run.card, fact[1])]
    inside = None if constant else _scaled_inside(run)
    if inside is not None:
        return inside
    if not facts:
        needs = "inputs whose size matters; these are ids to be looked up, or values that the model scales itself"
        return Check(ID, TITLE, "not_run", needs=needs)
    (size, mean, std, uneven), row = max(facts, key=lambda fact: float(fact[0][0]) + float(fact[0][3]) / UNEVEN)
    if constant:
        level, value, threshold = "constant", std, 0.0
        text = f"{row.name} does not vary: every value is {mean:.4g}."
    elif size > LARGE:
        level, value, threshold = "large", size, LARGE
        text = f"{row.name} has mean {mean:.4g} and standard deviation {std:.4g}; the initial weights expect 0 and 1."
    elif uneven > UNEVEN:
        level, value, threshold = "uneven", uneven, UNEVEN
        text = f"The features of {row.name} differ {uneven:.0f}-fold in their spread; the small ones hardly count."
    elif not 1 / DRIFTS < (drift := _drift(run, row)) < DRIFTS:
        level, value, threshold = "drifting", drift, DRIFTS
        text = f"The standard deviation of {row.name} began at {std:.4g} and is {drift * std:.4g} at the end."
    elif size < SMALL:
        level, value, threshold = "small", size, SMALL
        text = f"{row.name} has mean {mean:.4g} and standard deviation {std:.4g}; the initial weights expect 0 and 1."
    else:
        level, value, threshold = "normal", size, LARGE
        text = f"{row.name} has mean {mean:.4g} and standard deviation {std:.4g}."
    evidence = Evidence(text, value, threshold, "root mean square", SOURCE, (row.name,), span(table))
    found = level != "normal"
    return Check(
        ID,
        TITLE,
        "found" if found else "not_found",
        (evidence,),
        0 if found else None,
        (row.name,) if found else (),
        signs=(("level", level), ("mean", mean), ("std", std), ("size", size)),
    )


def _scaled_inside(run: Run) -> Check | None:
    """Where a layer is there to scale the inputs and what it gives is far from scaled: not adapted, or scaled twice."""
    table = run.layers.of_kind("output") if run.layers is not None else None
    if table is None or not (table.has("activation_mean") and table.has("activation_std")):
        return None
    table = early(table)
    own = {layer.path for layer in scaling_layers(run.card)}
    seen = []
    for row in table.rows:
        if row.layer in own:
            mean, std = (_typical(table, row, column) for column in ("activation_mean", "activation_std"))
            size = float(np.hypot(mean, std))
            if std > 0 and (size > LARGE or size < SMALL):
                seen.append((abs(float(np.log(size))), size, mean, std, row))
    if not seen:
        return None
    _, size, mean, std, row = max(seen, key=lambda one: one[0])
    level, threshold = ("large", LARGE) if size > LARGE else ("small", SMALL)
    text = f"{row.name!r} is there to scale its input and gives mean {mean:.4g} and standard deviation {std:.4g}; "
    text += "the initial weights expect 0 and 1."
    evidence = Evidence(text, size, threshold, "root mean square", SOURCE, (row.name,), span(table))
    signs = (("level", level), ("mean", mean), ("std", std), ("size", size), ("inside", True))
    return Check(ID, TITLE, "found", (evidence,), 0, (row.name,), signs=signs)


def _facts(table: Table, row: Row) -> tuple[float, float, float, float]:
    """Root mean square, mean, std, and by how much the features' spreads differ."""
    mean, std, low, high = (
        _typical(table, row, name) for name in ("mean", "std", "feature_std_min", "feature_std_max")
    )
    uneven = high / low if low > 0 and high > 1 else 1.0
    if std == 0:  # in batches of one example and one feature nothing varies; from batch to batch it may
        std = _between(table, row)
    return float(np.hypot(mean, std)), mean, std, uneven


def _drift(run: Run, row: Row) -> float:
    """The spread of an input at the end, in times of what it was; 1 where that is not known."""
    table = run.data.of_kind("input")
    first, last = (_typical(part, row, "std") for part in (early(table), late(table)))
    return last / first if np.isfinite([first, last]).all() and first > 0 else 1.0


def _between(table: Table, row: Row) -> float:
    """The standard deviation of the batches' means; 0 where it is no more than rounding."""
    means = table.cell(row.name, "mean").astype(np.float64)
    means = means[np.isfinite(means)]
    spread = float(np.std(means)) if len(means) else 0.0
    return spread if spread > ROUNDING * float(np.max(np.abs(means), initial=0.0)) else 0.0


def _typical(table: Table, row: Row, column: str) -> float:
    """The median of a row's finite values; NaN when it has none."""
    values = table.cell(row.name, column).astype(np.float64) if table.has(column) else np.array([])
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else np.nan
