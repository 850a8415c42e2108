"""How far does one step move the weights? The scale-free reading of the learning rate.

Update ratio ||w_new - w_old|| / ||w||, weight matrices only, around 1e-3 in a healthy training (Karpathy, CS231n).
Low means little by itself: a converged run is low too. Exactly zero means that nothing was applied.
"""

import numpy as np

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import early, kernels, late, medians, onset, span
from tb_lossdiag.run import Run, Table

ID = "update_ratio"
TITLE = "Update ratio"
# Median of the first 20 steps: healthy calibration runs 4e-4 … 8.5e-3, a hot but working one 1.9e-2, ruinous 4.4e-2.
HIGH = 3e-2
# One kernel's largest single step: healthy up to 8e-2, ruinous 0.81 and above.
LEAP = 3e-1
# Last half: healthy from 2e-4, converged 4e-5, learning rate too low or clipped away 7e-6 and below.
LOW = 5e-5
SOURCE = "healthy runs 4e-4 … 8.5e-3 early and from 2e-4 late, around 1e-3 by rule of thumb"


# Weights that went less far than this in a whole training are still what they were drawn as: of the zoo's healthy
# trainings none went less than 0.14 of their size, of those with labels that say nothing none less than 0.29.
SHORT = 0.1


def check(run: Run) -> Check:
    if run.layers is None or not run.layers.has("update_ratio"):
        return Check(ID, TITLE, "not_run", needs=recorded("layer records", run))
    table = kernels(run.layers)
    if not table.rows:
        return Check(ID, TITLE, "not_run", needs="a trainable weight matrix")
    ratios = _ratios(table)
    if np.isnan(ratios).all():
        return Check(ID, TITLE, "inconclusive", needs="update ratios of weights that are not all zero")
    first, last = _drawn(table), _ratios(late(table))
    start = _median(first)
    end = _median(last)
    leap = float(np.nanmax(first)) if not np.isnan(first).all() else np.nan
    leapt = int((np.nanmax(np.nan_to_num(first), axis=1) > LEAP).sum()) if len(first) else 0
    if end == 0 and start == 0:
        level, crossed = "zero", ratios == 0
    elif start > HIGH or leapt >= 2 or np.isinf(first).any():
        level, crossed = "high", ratios > HIGH
    elif end < LOW:
        level, crossed = ("stopped" if start > 10 * LOW else "low"), ratios < LOW
    elif np.isnan(start) or np.isnan(end):
        return Check(ID, TITLE, "inconclusive", needs="update ratios at the start and in the last half")
    else:
        level, crossed = "normal", None
    still = "No recorded step changed any weight matrix: every update is exactly 0."
    text = {
        "zero": still if not np.nan_to_num(ratios).any() else "Most updates of the weight matrices are exactly 0.",
        "high": f"Early on one update moved the weights by {start:.2g} of their size (largest {leap:.2g}).",
        "low": f"One update moves the weights by only {end:.2g} of their size.",
        "stopped": f"Updates began at {start:.2g} of the weights' size and sank to {end:.2g}.",
        "normal": f"One update moves the weights by {start:.2g} of their size at the start, {end:.2g} at the end.",
    }[level]
    whole = _whole_way(run, table.steps, ratios)
    if level == "normal" and whole < SHORT:
        text += f" All {run.last_step} together moved them by {whole:.2g} of their size at most."
    leaps = level == "high" and not start > HIGH
    value, threshold = (leap, LEAP) if leaps else (start, HIGH) if level in ("high", "normal") else (end, LOW)
    seen = span(early(table) if level == "high" else late(table))
    evidence = Evidence(text, value, threshold, "update / weight", SOURCE, _worst(table, level), seen)
    return Check(
        ID,
        TITLE,
        "not_found" if level == "normal" else "found",
        (evidence,),
        None if crossed is None else _onset(table, level, crossed),
        _worst(table, level),
        signs=(("level", level), ("early", start), ("late", end), ("leap", leap), ("whole", whole)),
    )


def _ratios(table: Table) -> np.ndarray:
    """float64 [n, kernels]; NaN while a kernel is all zero, whose first update would be infinitely large."""
    weight = table.column("weight_norm") if table.has("weight_norm") else 1
    return np.where(weight > 0, np.abs(table.column("update_ratio").astype(np.float64)), np.nan)


def _drawn(table: Table) -> np.ndarray:
    """float64 [n, kernels]: the early ratios; NaN for a kernel that starts at zero, unless all of them do.

    All that such a kernel is in its first steps are the updates themselves, so they are as large as it.
    """
    ratios = _ratios(early(table))
    at_zero = np.isnan(ratios[:1]).any(axis=0)
    return ratios if at_zero.all() else np.where(at_zero, np.nan, ratios)


def _whole_way(run: Run, steps: np.ndarray, ratios: np.ndarray) -> float:
    """The sum of all updates of the typical kernel, in times of its size; NaN where most were not finite."""
    known = np.isfinite(ratios).all(axis=1)
    if not known.any() or run.step_unit != "step":
        return np.nan
    typical = np.median(ratios[known], axis=1)
    ends = np.concatenate([[0], steps[known][:-1], [max(run.last_step, int(steps[known][-1]))]]).astype(np.float64)
    return float(typical @ np.diff(ends))


def _median(ratios: np.ndarray) -> float:
    seen = ratios[~np.isnan(ratios)]
    return float(np.median(seen)) if len(seen) else np.nan


def _onset(table: Table, level: str, crossed: np.ndarray) -> int | None:
    if level == "high":
        over = np.nan_to_num(_ratios(table), nan=0, posinf=np.inf).max(axis=1) > HIGH
        return int(table.steps[np.argmax(over)]) if over.any() else int(table.steps[0])
    return onset(table.steps, np.mean(crossed, axis=1) >= 0.5)


def _worst(table: Table, level: str) -> tuple[str, ...]:
    if level == "normal":
        return ()
    ratios = _ratios(early(table) if level == "high" else late(table))
    typical = np.nan_to_num(medians(ratios), posinf=np.inf)
    order = np.argsort(-typical if level == "high" else typical, kind="stable")
    over = typical > HIGH if level == "high" else typical < LOW
    return tuple(table.rows[i].name for i in order if over[i])[:8]
