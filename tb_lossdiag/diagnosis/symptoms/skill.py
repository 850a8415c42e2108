"""Does the model beat a constant guess? Without this reference a flat loss of 0.01 and one of 2.30 look the same.

Skill S = (1 - L / L_const) / A: 0 is the best constant prediction, 1 is perfect, below 0 is worse than not looking. A
is 1, but for soft targets, whose own entropy no model can save: reference.attainable_share. Where no formula gives the
guess, the loss itself was asked in sampled steps: standing.standing. Of several outputs the worst one is shown.
"""

import numpy as np

from tb_lossdiag.diagnosis import standing
from tb_lossdiag.diagnosis.decimals import skill_text
from tb_lossdiag.diagnosis.measured import FEWEST, is_the_loss, leaves_out, measured, not_varied
from tb_lossdiag.diagnosis.reference import attainable_share, derived_constant, pooled_variance
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.standing import LITTLE, NONE, SOLVED, Standing
from tb_lossdiag.diagnosis.window import best_curve
from tb_lossdiag.run import Run

ID = "skill"
TITLE = "Skill against a constant guess"
# Calibration runs that learned nothing ended at or below 0.04 (random labels 0.038), healthy ones at 0.32 and above;
# between 0.05 and 0.15 lie runs that barely learn: deep sigmoid 0.07, double softmax 0.12 to 0.15. See `standing`.
SOURCE = "healthy calibration runs 0.32 … 0.69, runs that learned nothing at or below 0.04"
# The last tenth of the curve: short enough to be "now", long enough to calm single batches.
LAST_SHARE = 0.1
# The reference is a mean, so the loss must be one: with a row or two a batch a few wrong answers carry most of it. Of
# the highest twentieth, a batch this many times the median is a spike, whose own check tells of it.
SPIKE = 20.0
# The first batches of a model that has learned all may score a hundredth; a thousandth is a loss_weights of 1e-6.
FIRST = 3
SCALED = 1e-3
HIGHEST = 0.95
# From here on outputs that no longer differ within a batch have all the same been learned, from what differs between
# batches: neighbouring windows of a series, say. So has a target whose spread lies mostly between batches.
HALF_WAY = 0.5
MOST = 0.5
GUESSES = {
    "constant": "the best constant output scores {:.4g}",
    "shuffled": "the same outputs dealt to other examples score {:.4g}",
}


def check(run: Run) -> Check:
    constant = derived_constant(run)
    return _measured(run) if constant is None else _derived(run, constant)


@np.errstate(over="ignore")
def _derived(run: Run, constant: float) -> Check:
    curve = best_curve(run)
    if curve is None:
        return Check(ID, TITLE, "not_run", needs="a loss curve")
    if constant <= 0:
        return Check(ID, TITLE, "inconclusive", needs="targets that vary: a constant guess already scores 0")
    values = curve[0].values
    if abs(float(np.median(values[:FIRST]))) < SCALED * constant:
        needs = "the scale of the loss: it starts so far below a constant guess that it must be weighted"
        return Check(ID, TITLE, "not_run", needs=needs)
    tail = values[-max(1, round(len(values) * LAST_SHARE)) :]
    now = _level(tail) if np.isfinite(tail).all() else np.nan
    if not np.isfinite(now):
        return Check(ID, TITLE, "inconclusive", needs="a finite loss")
    if now < -NONE * constant:  # less is the error of a penalty that is estimated between samples
        return Check(ID, TITLE, "inconclusive", needs="a loss that is not below the least it can be")
    skill = (1 - now / constant) / attainable_share(run)
    dealt = _belong_to_no_example(run, skill)
    skill = skill if dealt is None else dealt.skill
    level = "none" if skill < NONE else "little" if skill < LITTLE else "solved" if skill >= SOLVED else "some"
    guess = f"always guessing the same scores {constant:.4g}"
    if dealt is not None:
        guess = GUESSES[dealt.guess].format(dealt.reference)
    evidence = Evidence(
        f"The loss ends at {now:.4g}; {guess}. Skill {skill_text(skill)}.",
        skill,
        NONE,
        "skill",
        SOURCE,
        (),
        (int(curve[0].steps[-len(tail)]), int(curve[0].steps[-1])),
    )
    signs = (
        ("skill", skill),
        ("level", level),
        ("constant_loss", constant),
        ("loss", now),
        ("on_curve", True),
        ("shuffled", _shuffled(run)),
        ("climbs", any(map(standing.climbs, measured(run)))),
    )
    state = "found" if level == "none" else "not_found"
    return Check(ID, TITLE, state, (evidence,), int(curve[0].steps[0]) if state == "found" else None, signs=signs)


def _belong_to_no_example(run: Run, skill: float) -> Standing | None:
    """The standing of outputs that score as well with other examples' targets, though they beat one number for all.

    Such as the mean picture for every picture. Examples of a batch that are like each other would look the same.
    """
    known = [standing.standing(one) for one in measured(run)]
    if not NONE <= skill < HALF_WAY or len(known) != 1 or known[0] is None or run.targets is None:
        return None
    within = np.nanmean(np.square(run.targets.column("std").astype(np.float64)), axis=0)
    apart = float(np.sum(within)) >= MOST * float(np.sum(pooled_variance(run.targets)))
    return known[0] if apart and known[0].level == "none" and known[0].shuffled < NONE else None


def _shuffled(run: Run) -> float | None:
    """Against outputs dealt to other examples, where that was measured: what they say of their own example."""
    known = [standing.standing(one) for one in measured(run)]
    value = known[0].shuffled if len(known) == 1 and known[0] is not None else np.nan
    return value if np.isfinite(value) else None


def _measured(run: Run) -> Check:
    outputs = measured(run)
    if not outputs:
        if not_varied(run):
            return Check(ID, TITLE, "inconclusive", needs="batches whose targets vary: else a guess is right")
        return Check(ID, TITLE, "not_run", needs=_reference(run))
    if len(outputs) == 1 and leaves_out(run, outputs[0]):
        needs = "what a guess scores in the loss as it counts: it leaves out a part of what was measured"
        return Check(ID, TITLE, "inconclusive", needs=needs)
    known = [one for one in map(standing.standing, outputs) if one is not None]
    if not known:
        needs = f"{FEWEST} sampled steps in which the loss and what a guess scores are finite and differ"
        return Check(ID, TITLE, "inconclusive", needs=needs)
    worst = min(known, key=_worth)
    behind = worst.output if worst.level == "none" and any(one.level != "none" for one in known) else None
    on_curve = len(outputs) == 1 and is_the_loss(run, outputs[0])
    evidence = tuple(_told(one, len(outputs)) for one in sorted(known, key=_worth))
    signs = (
        ("skill", worst.skill if worst.floor or worst.level in ("none", "solved") else None),
        ("level", worst.level),
        ("at_least", worst.skill),
        ("constant_loss", worst.reference if on_curve and worst.guess == "constant" else None),
        ("shuffled_loss", worst.reference if on_curve and worst.guess == "shuffled" else None),
        ("loss", worst.loss),
        ("on_curve", on_curve),
        ("measured", True),
        ("shuffled", worst.shuffled if np.isfinite(worst.shuffled) else None),
        ("lost", worst.lost),
        ("behind", behind),
        ("climbs", any(map(standing.climbs, outputs))),
    )
    found = worst.level == "none"
    return Check(ID, TITLE, "found" if found else "not_found", evidence, worst.steps[0] if found else None, signs=signs)


def _reference(run: Run) -> str:
    """What a skill needs that this log has not; where the recording says why, in its words."""
    reason = run.card.settings.get("not_measured") if run.card is not None else None
    if isinstance(reason, str) and reason:
        return f"what a guess scores in this loss, which was not measured because {reason}"
    return "recorded targets and a loss whose constant guess is known, or that can be asked again for other outputs"


def _worth(one: Standing) -> float:
    return one.low if one.skill is not None else -1.0 if one.level == "none" else LITTLE


def _told(one: Standing, outputs: int) -> Evidence:
    of = f" of {one.output!r}" if outputs > 1 else ""
    text = f"The loss{of} ends at {one.loss:.4g}; {GUESSES[one.guess].format(one.reference)}."
    if one.skill is not None and (one.floor or one.level == "none"):
        text += f" Skill {skill_text(one.skill)}."
    elif one.skill is not None:
        text += f" Skill {skill_text(one.skill)} or more: how low this loss can come is not known."
    else:
        text += " It beats that." if one.level == "open" else " It does not beat that by more than chance."
    layers = (f"prediction:{one.output}",) if outputs > 1 else ()
    source = f"the loss itself, asked again in {one.samples} sampled steps; {SOURCE}"
    return Evidence(text, one.skill, NONE, "skill", source, layers, one.steps)


def _level(values: np.ndarray) -> float:
    """The mean of the losses without spikes."""
    usual = max(np.quantile(values, HIGHEST), SPIKE * abs(float(np.median(values))))
    return float(np.mean(values[values <= usual]))
