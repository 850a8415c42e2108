"""Does the model beat a constant guess? Without this reference a flat loss of 0.01 and one of 2.30 look the same.

Skill S = (1 - L / L_const) / A: 0 is the best constant prediction, 1 is perfect, below 0 is worse than not looking. A
is 1, but for soft targets, whose own entropy no model can save: reference.attainable_share.
"""

import numpy as np

from tb_lossdiag.diagnosis.decimals import two_decimals
from tb_lossdiag.diagnosis.reference import attainable_share, constant_loss
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import best_curve
from tb_lossdiag.run import Run

ID = "skill"
TITLE = "Skill against a constant guess"
# Calibration runs that learned nothing ended at or below 0.04 (random labels 0.038), healthy ones at 0.32 and above.
NONE = 0.05
# Between 0.05 and 0.15 lie runs that barely learn: deep sigmoid 0.07, double softmax 0.12 to 0.15.
LITTLE = 0.15
SOLVED = 0.9
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


@np.errstate(over="ignore")
def check(run: Run) -> Check:
    curve = best_curve(run)
    constant = constant_loss(run)
    if curve is None or constant is None:
        return Check(ID, TITLE, "not_run", needs="recorded targets and one of the losses whose constant guess is known")
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
    skill = (1 - now / constant) / attainable_share(run)
    level = "none" if skill < NONE else "little" if skill < LITTLE else "solved" if skill >= SOLVED else "some"
    evidence = Evidence(
        f"The loss ends at {now:.4g}; always guessing the same scores {constant:.4g}. Skill {two_decimals(skill)}.",
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
    )
    state = "found" if level == "none" else "not_found"
    return Check(ID, TITLE, state, (evidence,), int(curve[0].steps[0]) if state == "found" else None, signs=signs)


def _level(values: np.ndarray) -> float:
    """The mean of the losses without spikes."""
    usual = max(np.quantile(values, HIGHEST), SPIKE * abs(float(np.median(values))))
    return float(np.mean(values[values <= usual]))
