"""How did the training go? The verdict's state, before anyone asks why.

Reads the checks only. A run that learns is called learning however odd its gradients look: no outcome, no accusation.
"""

import math
from collections.abc import Mapping

from tb_lossdiag.diagnosis.accuracy import is_mostly_right
from tb_lossdiag.diagnosis.report import Check
from tb_lossdiag.diagnosis.settings import DONE, planned_steps, ran_as_planned
from tb_lossdiag.diagnosis.symptoms.skill import LITTLE, SOLVED
from tb_lossdiag.run import Run

# States in which the training failed, and those in which it got somewhere but not far.
FAILED = ("nonfinite", "diverging", "never_learned")
HINDERED = ("stalled", "slow", "overfitting")
PROGRESSING = ("learning", "inconclusive")
# Share of the first loss that a run which learned anything has lost at least.
UNMOVED = 0.02
# Without a reference, a loss that has halved has been learned from, however noisy it is now.
FALLEN = 0.5


# A healthy loss may lie still at first: 12 of 32 sound programs did so at step 35 to 100, all moved within a quarter of
# their plan, but one that moved after 2,400 steps. Broken numbers and a rising loss need no patience.
PATIENCE = 0.25
FEWEST_STEPS, MOST_STEPS = 100, 2000
NEEDS_PATIENCE = ("never_learned", "slow", "stalled")
# A loss that still moves may yet turn: LSTMs that ended at skill 0.9 had lost most of their way at a half of the plan.
LONGER_PATIENCE = 0.6
MOVING = ("slow", "diverging")
# One that stands this far above its first value is not on a detour.
BLOWN_UP = 2.0


def outcome(run: Run, checks: Mapping[str, Check]) -> str:
    """One of report.VERDICTS."""
    judged = _judged(run, checks)
    if judged == "slow" and is_mostly_right(run):
        judged = "learning"
    if judged in NEEDS_PATIENCE and is_young(run):
        return "inconclusive"
    return "inconclusive" if judged in MOVING and is_young(run, LONGER_PATIENCE) and not _blown_up(run) else judged


def is_young(run: Run, patience: float = PATIENCE) -> bool:
    """Whether a training that goes on has had too few steps to be called stuck."""
    if run.step_unit != "step" or not run.steps:
        return False
    planned = planned_steps(run)
    if planned is not None and run.last_step >= DONE * planned:
        return False
    return run.last_step < min(max(FEWEST_STEPS, patience * (planned or 0)), MOST_STEPS)


def _judged(run: Run, checks: Mapping[str, Check]) -> str:
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
    if skill < LITTLE and direction in ("flat", "unclear") and checks["output_diversity"].sign("alike"):
        return "never_learned"  # one answer for all inputs has no skill; what is measured is the reference's own noise
    if skill < LITTLE and direction in ("flat", "unclear") and checks["flatness"].sign("fallen", 1) < UNMOVED:
        return "never_learned"  # no better than at the start; the reference, of sampled targets, may be a little off
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
    if skill < LITTLE and direction == "unclear" and ran_as_planned(run):
        return "slow"  # the plan is over, and a constant guess does nearly as well
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


def _blown_up(run: Run) -> bool:
    loss = run.steps.get("loss") or run.epochs.get("loss")
    return bool(loss) and not abs(float(loss.values[-1])) <= BLOWN_UP * abs(float(loss.values[0]))
