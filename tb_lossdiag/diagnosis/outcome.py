"""How did the training go? The verdict's state, before anyone asks why.

Reads the checks only. A run that learns is called learning however odd its gradients look: no outcome, no accusation.
"""

import math
from collections.abc import Mapping

import numpy as np

from tb_lossdiag.diagnosis.accuracy import is_mostly_right
from tb_lossdiag.diagnosis.players import compares_passes, gains_weight, plays_against_itself
from tb_lossdiag.diagnosis.report import Check
from tb_lossdiag.diagnosis.settings import DONE, planned_steps, ran_as_planned
from tb_lossdiag.diagnosis.standing import GAIN, LITTLE, LOST, NONE, SOLVED, WORSE
from tb_lossdiag.diagnosis.symptoms.divergence import BLOW_UP
from tb_lossdiag.diagnosis.variety import FLAT, variety
from tb_lossdiag.diagnosis.window import best_curve
from tb_lossdiag.run import Run

# States in which the training failed, and those in which it got somewhere but not far.
FAILED = ("nonfinite", "diverging", "never_learned")
HINDERED = ("stalled", "slow", "overfitting")
PROGRESSING = ("learning", "inconclusive")
# Share of the first loss that a run which learned anything has lost at least.
UNMOVED = 0.02
# A start this far above a constant guess, in times of it: from there most of a fall is the way down to the guess.
FAR = 0.5
# Parts of a curve that are compared, and the share of the whole way that the last part may still go (on random targets
# under Adam, 60 epochs of 4 steps: 0 … 2 %).
REST = 0.1
# A loss that falls by this share of itself over its last half has not come to rest, whatever single batches seem to
# say: of rare positives one more or less in a batch hides it.
MOVES = 0.4
# Without a reference, a loss that has halved has been learned from, however noisy it is now; one that came down by less
# and lies still may lie at its floor: healthy VAEs of grey pictures came down by 0.36 … 0.48.
FALLEN = 0.5
CAME_DOWN = 0.3


# A healthy loss may lie still at first: 12 of 32 sound programs did so at step 35 to 100, all moved within a quarter of
# their plan, but one that moved after 2,400 steps. Broken numbers and a rising loss need no patience.
PATIENCE = 0.25
FEWEST_STEPS, MOST_STEPS = 100, 2000
NEEDS_PATIENCE = ("never_learned", "slow", "stalled")
# A loss that still moves may yet turn: LSTMs that ended at skill 0.9 had lost most of their way at a half of the plan.
LONGER_PATIENCE = 0.6
MOVING = ("slow", "diverging")
# Where no plan is known, a skill that climbs is given so many steps: a VAE of 6 latent numbers had gained 1 % by step
# 200 and 10 % by step 400, a classifier under SGD without momentum 8 % by step 100.
CLIMBING_STEPS = 400
# Of its steps, after which a training that has no gradient any more has learned nothing before.
AT_ONCE = 0.02
# Losses of the last steps, of which the median is not nothing.
LAST, LEFT_OVER = 20, 1e-3
# One that stands this far above its first value is not on a detour.
BLOWN_UP = 2.0


def outcome(run: Run, checks: Mapping[str, Check]) -> str:
    """One of report.VERDICTS."""
    judged = _judged(run, checks)
    if judged == "slow" and is_mostly_right(run):
        judged = "learning"
    if judged == "slow" and _still_falls(run, checks):
        return "inconclusive"
    if judged in NEEDS_PATIENCE and (is_young(run) or still_climbs(run, checks, LONGER_PATIENCE)):
        return "inconclusive"
    return "inconclusive" if judged in MOVING and is_young(run, LONGER_PATIENCE) and not _blown_up(run) else judged


def is_young(run: Run, patience: float = PATIENCE, fewest: int = FEWEST_STEPS) -> bool:
    """Whether a training that goes on has had too few steps to be called stuck."""
    if run.step_unit != "step" or not run.steps:
        return False
    planned = planned_steps(run)
    if planned is not None and run.last_step >= DONE * planned:
        return False
    return run.last_step < min(max(fewest, patience * (planned or 0)), MOST_STEPS)


def still_climbs(run: Run, checks: Mapping[str, Check], patience: float = 1.0) -> bool:
    """Whether its skill climbs and it goes on; later on, labels that are learned by heart climb as well."""
    fewest = CLIMBING_STEPS if planned_steps(run) is None else FEWEST_STEPS
    return bool(checks["skill"].sign("climbs")) and is_young(run, patience, fewest)


def _still_falls(run: Run, checks: Mapping[str, Check]) -> bool:
    """Whether the loss falls by much of itself, and the training is not known to be over."""
    planned = planned_steps(run)
    goes_on = planned is None or run.last_step < DONE * planned
    return goes_on and checks["flatness"].sign("direction") == "falling" and checks["flatness"].sign("change") < -MOVES


def _judged(run: Run, checks: Mapping[str, Check]) -> str:
    direction = checks["flatness"].sign("direction", "short")
    skill = checks["skill"].sign("skill")
    if _ends_nonfinite(run):
        return "nonfinite"
    if checks["loss_bound"].found:
        return "diverging"  # it leaves what a loss can be, and whatever it does there is no learning
    if checks["metric_frozen"].found or _stands_still(run, checks):
        return "never_learned"
    if (direction == "rising" or checks["divergence"].found) and not _kept_its_skill(checks):
        if skill is not None:
            return "diverging" if skill < SOLVED else "learning"
        return "diverging" if _is_no_detour(run, checks) else "inconclusive"
    direction = "unclear" if direction == "rising" else direction
    if checks["skill"].sign("behind") is not None:
        return "stalled" if direction != "short" else "inconclusive"  # the others may go on as they like
    if skill is None:
        return _without_share(run, checks, direction)
    if skill < LITTLE and direction in ("flat", "unclear") and checks["output_diversity"].sign("alike"):
        return "never_learned"  # one answer for all inputs has no skill; what is measured is the reference's own noise
    if skill < LITTLE and direction in ("flat", "unclear") and checks["flatness"].sign("fallen", 1) < UNMOVED:
        return "never_learned"  # no better than at the start; the reference, of sampled targets, may be a little off
    if skill < LITTLE and direction == "falling":
        answers = (
            checks["metric_frozen"].sign("gained") or 0.0
        )  # a few losses may be out of measure, and the rest right
        rests = checks["flatness"].sign("change", 0.0) > -MOVES and _came_to_rest(run, checks["skill"])
        return "never_learned" if answers < LITTLE and rests else "slow"
    if checks["skill"].found and direction == "unclear" and skill < WORSE and _comes_down(checks["skill"]):
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


def _stopped_short(run: Run, checks: Mapping[str, Check]) -> bool:
    """Whether no weight has any gradient left while the loss is not at 0: it goes nowhere from there."""
    loss = run.steps.get("loss")
    zero = checks["zero_gradient"].sign("pattern") == "all"
    return zero and loss is not None and len(loss) > 0 and float(np.median(loss.values[-LAST:])) > LEFT_OVER


def _stands_still(run: Run, checks: Mapping[str, Check]) -> bool:
    """Whether nearly from its start no weight gets a gradient, and every input has the same answer: whatever the loss
    does, which others may move, nothing is learned.
    """
    zero, first = checks["zero_gradient"], run.last_step * AT_ONCE
    began = zero.onset is not None and zero.onset <= max(first, 2)
    return zero.sign("pattern") == "all" and began and bool(checks["output_diversity"].sign("alike"))


def _comes_down(skill: Check) -> bool:
    """Whether a loss far above a guess is on its way down to it, with outputs that say something of their examples."""
    return bool(skill.sign("climbs")) and (skill.sign("shuffled") or 0.0) > GAIN


def _without_share(run: Run, checks: Mapping[str, Check], direction: str) -> str:
    """Where nothing says which share of what can be gained has been gained."""
    level = checks["skill"].sign("level")
    if level == "none":
        return {"flat": "never_learned", "unclear": "never_learned", "falling": "slow"}.get(direction, "inconclusive")
    if level == "open":  # better than a guess, and how low the loss can come is not known: it may be done, or stuck
        learns = direction == "falling" or (checks["flatness"].sign("fallen", 0) > FALLEN and direction == "unclear")
        overfits = checks["generalization_gap"].found
        return "overfitting" if overfits else "learning" if learns else "inconclusive"
    if direction in ("flat", "unclear") and checks["output_diversity"].sign("alike") and _answers_all_alike(run):
        return "never_learned"  # whatever was asked
    return _without_reference(run, checks, direction)


def _answers_all_alike(run: Run) -> bool:
    """Whether outputs that are alike should not be: players may come to rest so, and numbers far from 0 are."""
    varied = variety(run)
    return not plays_against_itself(run) and (varied is None or varied < FLAT)


def _without_reference(run: Run, checks: Mapping[str, Check], direction: str) -> str:
    if checks["generalization_gap"].found:
        return "overfitting"
    if direction == "unclear" and checks["flatness"].sign("fallen", 0) > FALLEN:
        return "learning"
    came_down = checks["flatness"].sign("fallen", 0) > CAME_DOWN and not _was_thrown_about(checks)
    if direction == "flat" and came_down:
        return "inconclusive"  # it came down, and lies at its floor or above: nothing says how low it can come
    if direction == "unclear" and _stopped_short(run, checks):
        return "stalled"
    if direction == "falling" and checks["loss_bound"].sign("level") == "steady":
        return "inconclusive"  # it may have no end, and then it measures nothing
    return {"falling": "learning", "flat": "stalled"}.get(direction, "inconclusive")


def _was_thrown_about(checks: Mapping[str, Check]) -> bool:
    """Whether large steps made the loss leap and the weights grow: where it came to lie then is no floor."""
    return checks["update_ratio"].sign("level") == "high" and bool(
        checks["early_loss"].sign("leapt") and checks["weight_growth"].found
    )


def _kept_its_skill(checks: Mapping[str, Check]) -> bool:
    """Whether the loss rises, and its own references rise as much: a harder task, or a term that gains weight."""
    skill = checks["skill"]
    return bool(skill.sign("measured")) and skill.sign("level") in ("some", "solved") and skill.sign("lost") < LOST


def _is_no_detour(run: Run, checks: Mapping[str, Check]) -> bool:
    """Whether a loss without a reference that rises is sick: players against each other rise in health too.

    Among them are value functions whose targets grow, generators, and terms whose weight is warmed up. So the loss has
    to have blown up, or the steps themselves have to be seen to be too large.
    """
    if plays_against_itself(run) or compares_passes(run) or gains_weight(run):
        return False
    large = checks["update_ratio"].sign("level") == "high" or checks["weight_growth"].found
    return large or (run.layers is None and _blown_up(run, BLOW_UP))


def _came_to_rest(run: Run, skill: Check) -> bool:
    """Whether a loss that still falls a little came down to what a constant guess scores, and not beyond it."""
    guess, curve = skill.sign("constant_loss") or skill.sign("shuffled_loss"), best_curve(run)
    if guess is None or curve is None or not guess > 0 or skill.sign("skill") >= NONE:
        return False
    if not (skill.sign("shuffled") is None or skill.sign("shuffled") < LITTLE):
        return False  # what it has learned it says at the wrong scale yet
    values = curve[0].values
    part = max(1, round(len(values) * REST))
    start, before, end = (
        float(np.median(values[kept])) / guess for kept in (slice(0, part), slice(-2 * part, -part), slice(-part, None))
    )
    way = start - end
    return start > 1 + FAR and end < 1 - WORSE and way > 0 and before - end <= REST * min(way, 1)


def _ends_nonfinite(run: Run) -> bool:
    """One broken batch that training recovers from is a symptom, not the outcome."""
    loss = run.steps.get("loss") or run.epochs.get("loss")
    return bool(loss) and not math.isfinite(loss.values[-1])


def _blown_up(run: Run, times: float = BLOWN_UP) -> bool:
    loss = run.steps.get("loss") or run.epochs.get("loss")
    return bool(loss) and not abs(float(loss.values[-1])) <= times * abs(float(loss.values[0]))
