"""Did the first steps make things worse? A loss that leaps at the start tells of steps too large or of a bad start."""

import numpy as np

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.reference import constant_loss
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import data_loss
from tb_lossdiag.run import Run

ID = "early_loss"
TITLE = "First steps"
WINDOW = 50
# Healthy runs may rise a little in the first batches; a fivefold leap is no batch noise.
LEAP = 5.0
# The first loss against a constant guess: healthy calibration runs 1.04 … 1.48.
START = 5.0
UNIT = "highest / first"
SOURCE = "healthy runs start at 1.04 … 1.48 times the constant guess and do not leap"


def check(run: Run) -> Check:
    loss = data_loss(run)
    if loss is None or len(loss) < 10:
        return Check(ID, TITLE, "not_run", needs=recorded("per-step losses of the first 50 steps", run))
    values = loss.values[loss.steps < loss.steps[0] + WINDOW]
    first = float(values[0])
    if not np.isfinite(first):
        return Check(ID, TITLE, "inconclusive", needs="a finite first loss")
    finite = values[np.isfinite(values)]
    peak = float(finite.max()) if len(finite) == len(values) else np.inf
    leap = peak / first if first > 0 else 1.0
    constant = constant_loss(run)
    # Weights that favour one class make a constant guess cheap, and no other.
    is_weighed = run.card is not None and run.card.settings.get("sample_weight")
    start = first / constant if constant and not is_weighed else np.nan
    leapt, high = leap > LEAP, bool(np.isfinite(start) and start > START)
    text = f"The first loss is {first:.4g}"
    text += f", {start:.3g} times what a constant guess scores" if np.isfinite(start) else ""
    text += f"; the highest of the first {len(values)} is {peak:.4g}."
    value, threshold, unit = (start, START, "first / constant guess") if high and not leapt else (leap, LEAP, UNIT)
    steps = (int(loss.steps[0]), int(loss.steps[len(values) - 1]))
    evidence = Evidence(text, value, threshold, unit, SOURCE, (), steps)
    at = int(loss.steps[int(np.argmax(~(values <= LEAP * first)))]) if leapt else int(loss.steps[0])
    return Check(
        ID,
        TITLE,
        "found" if leapt or high else "not_found",
        (evidence,),
        at if leapt or high else None,
        signs=(("leap", leap), ("start", start), ("leapt", leapt), ("high_start", high)),
    )
