"""Does the gradient reach the first layers? Vanishing and exploding by depth, independent of the loss's scale.

Each weight matrix's gradient norm is divided by its weight norm and compared along the data flow. The measure is a
ratio of ratios, so it needs no absolute threshold (healthy calibration runs -1.5 … +0.2 decades, eight sigmoids -5.3).
"""

import numpy as np

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import early, kernels, late, medians, onset, span
from tb_lossdiag.run import Run, Table

ID = "depth_profile"
TITLE = "Gradient by depth"
# Three decades lie beyond twice the healthy range, and well short of the eight-sigmoid network.
DECADES = 3.0
# A single small layer is no profile: most neighbours must fall in the same direction.
CONSISTENT = 0.6
# Fewer weight matrices have no depth to speak of.
MIN_KERNELS = 4
SOURCE = "healthy runs -1.5 … +0.2 decades, eight sigmoid layers -5.3"


def check(run: Run) -> Check:
    if run.layers is None or not (run.layers.has("gradient_norm") and run.layers.has("weight_norm")):
        return Check(ID, TITLE, "not_run", needs=recorded("layer records", run))
    table = _matrices(run.layers)
    if len(table.rows) < MIN_KERNELS:
        return Check(
            ID, TITLE, "not_run", needs=f"at least {MIN_KERNELS} weight matrices; this model has {len(table.rows)}"
        )
    start, end = _decades(early(table)), _decades(late(table))
    if not np.isfinite(start).any():
        return Check(
            ID, TITLE, "inconclusive", needs="gradients that are neither zero nor NaN in the first and last layer"
        )
    at_start, at_end = float(np.nanmedian(start)), float(np.nanmedian(end)) if np.isfinite(end).any() else np.nan
    consistent = _consistency(early(table), np.sign(at_start))
    steep = abs(at_start) >= DECADES and consistent >= CONSISTENT
    direction = "even" if not steep else "vanishing" if at_start < 0 else "exploding"
    first, last = table.rows[0].name, table.rows[-1].name
    later = f" (late in training {_compared(at_end)})" if np.isfinite(at_end) else ""
    text = f"Relative to its weights, the gradient of {first!r} is {_compared(at_start)} than that of {last!r}{later}."
    evidence = Evidence(
        text, at_start, -DECADES if at_start < 0 else DECADES, "decades", SOURCE, (first, last), span(table)
    )
    whole = _decades(table)
    crossed = np.abs(np.nan_to_num(whole)) >= DECADES
    return Check(
        ID,
        TITLE,
        "found" if steep else "not_found",
        (evidence,),
        onset(table.steps, crossed) if steep else None,
        tuple(row.name for row in table.rows[: len(table.rows) // 2])
        if direction == "vanishing"
        else (first,)
        if steep
        else (),
        signs=(("direction", direction), ("early", at_start), ("late", at_end)),
    )


def _matrices(table: Table) -> Table:
    """The kernels without embeddings, of which a batch reads and moves a few rows."""
    found = kernels(table)
    return found.of_rows([at for at, row in enumerate(found.rows) if not row.name.endswith("embeddings")])


def _relative(table: Table) -> np.ndarray:
    """float64 [n, kernels]: log10(||g|| / ||w||); NaN where either is 0 or not finite."""
    g, w = table.column("gradient_norm").astype(np.float64), table.column("weight_norm").astype(np.float64)
    good = (g > 0) & (w > 0) & np.isfinite(g) & np.isfinite(w)
    return np.where(good, np.log10(np.where(good, g, 1) / np.where(good, w, 1)), np.nan)


def _decades(table: Table) -> np.ndarray:
    """float64 [n]: first against last weight matrix."""
    relative = _relative(table)
    return relative[:, 0] - relative[:, -1]


def _consistency(table: Table, sign: float) -> float:
    """Share of neighbouring layers whose gradient changes in the profile's direction."""
    steps = np.diff(_relative(table), axis=1)
    return float(np.mean(np.sign(medians(steps)) == -sign))


def _compared(decades: float) -> str:
    """In words: "1,000 times smaller"."""
    times = float(f"{10 ** abs(decades):.1g}")
    number = f"{times:,.0f}" if times < 1e9 else f"{times:.0e}"
    return f"{number} times {'smaller' if decades < 0 else 'larger'}"
