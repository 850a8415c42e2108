"""Does a step begin with the gradients of the steps before? PyTorch adds each backward pass to what is there."""

import numpy as np

from tb_lossdiag.diagnosis.decimals import times
from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.players import plays_against_itself
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.run import Run

ID = "carried_gradient"
TITLE = "Gradients at the start of a step"
# Of the sampled steps behind the first, which has nothing to carry; a single one is an odd step.
HELD = 0.5
FEWEST = 3
SOURCE = "cleared gradients are exactly 0 when a step's first backward pass begins"


def check(run: Run) -> Check:
    series = run.steps.get("gradient_carried")
    if series is None:
        return Check(ID, TITLE, "not_run", needs=recorded("what the gradients held before each step", run))
    known = np.isfinite(series.values) & (series.steps > series.steps[0]) if len(series) else np.zeros(0, bool)
    steps, values = series.steps[known], series.values[known]
    if len(steps) < FEWEST:
        needs = f"{FEWEST} sampled steps behind the first; there are {len(steps)}"
        return Check(ID, TITLE, "inconclusive", needs=needs)
    share = float(np.mean(values > 0))
    found = share > HELD
    ratio = _ratio(run, steps, values) if found else None
    text = "Each step begins with cleared gradients."
    if found:
        text = f"{share:.0%} of the steps begin with gradients that were not cleared"
        text += f", typically {times(ratio)} times as large as what was applied." if ratio is not None else "."
    elif share > 0:
        text = f"{share:.0%} of the steps begin with gradients of the step before; the others are cleared."
    evidence = Evidence(text, share, HELD, "share of steps", SOURCE, (), (int(steps[0]), int(steps[-1])))
    since = int(steps[np.argmax(values > 0)]) if found else None
    signs = (("share", share), ("ratio", ratio), ("alone", not plays_against_itself(run)))
    return Check(ID, TITLE, "found" if found else "not_found", (evidence,), since, signs=signs)


@np.errstate(all="ignore")
def _ratio(run: Run, steps: np.ndarray, values: np.ndarray) -> float | None:
    """How large what is carried is beside the norm of the sum with this step's own; None when that is not known."""
    norm = run.steps.get("gradient_norm")
    if norm is None or not len(norm):
        return None
    _, i, j = np.intersect1d(norm.steps, steps, return_indices=True)
    parts = values[j] / norm.values[i]
    parts = parts[np.isfinite(parts)]
    return float(np.median(parts)) if len(parts) else None
