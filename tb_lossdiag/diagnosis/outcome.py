"""How did the training go? The verdict's state, before anyone asks why.

Reads the checks only. A run that learns is called learning however odd its gradients look: no outcome, no accusation.
"""

import math
from collections.abc import Mapping

from tb_lossdiag.diagnosis.report import Check
from tb_lossdiag.diagnosis.symptoms.skill import LITTLE, SOLVED
from tb_lossdiag.run import Run

# States in which the training failed, and those in which it got somewhere but not far.
FAILED = ("nonfinite", "diverging", "never_learned")
HINDERED = ("stalled", "slow", "overfitting")
PROGRESSING = ("learning", "inconclusive")
# Without a reference, a loss that has halved has been learned from, however noisy it is now.
FALLEN = 0.5


def outcome(run: Run, checks: Mapping[str, Check]) -> str:
    """One of report.VERDICTS."""
    direction = checks["flatness"].sign("direction", "short")
    skill = checks["skill"].sign("skill")
    if _ends_nonfinite(run):
        return "nonfinite"
    if checks["metric_frozen"].found:
        return "never_learned"
    if direction == "rising" or checks["divergence"].found:
        return "diverging" if skill is None or skill < SOLVED else "learning"
    if skill is None:
        return _without_reference(checks, direction)
    if skill < LITTLE and direction == "falling":
        return "slow"
    if checks["skill"].found:
        return "never_learned" if direction in ("flat", "unclear") else "inconclusive"
    if checks["generalization_gap"].found:
        return "overfitting"
    if skill >= SOLVED:
        return "converged" if direction == "flat" else "learning"
    if direction == "flat":
        return "stalled"
    return "learning" if direction == "falling" or skill >= LITTLE else "inconclusive"


def _without_reference(checks: Mapping[str, Check], direction: str) -> str:
    if checks["generalization_gap"].found:
        return "overfitting"
    if direction == "unclear" and checks["flatness"].sign("fallen", 0) > FALLEN:
        return "learning"
    return {"falling": "learning", "flat": "stalled"}.get(direction, "inconclusive")


def _ends_nonfinite(run: Run) -> bool:
    """One broken batch that training recovers from is a symptom, not the outcome."""
    loss = run.steps.get("loss") or run.epochs.get("loss")
    return bool(loss) and not math.isfinite(loss.values[-1])
