"""Do training and evaluation compute different things? The training loss is good and the validation loss never was.

Overfitting first improves validation and then loses it. Here it never beat a constant guess, while training did. That
alone may also be labels that hold nothing to generalise, so something has to explain it: a BatchNormalization, whose
moving statistics start at 0 and 1 and forget them by `momentum` an update, and of a tiny batch are noise; or a first
epoch that did well on rows it had never seen, so that only the validation rows can be unlike them.
"""

import numpy as np

from tb_lossdiag.diagnosis.moving_statistics import UNWARMED, left_of_start
from tb_lossdiag.diagnosis.reference import constant_loss
from tb_lossdiag.diagnosis.repeats import one_batch
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.settings import planned_steps
from tb_lossdiag.diagnosis.window import data_loss, evaluation_loss, penalty_of
from tb_lossdiag.run import LayerCard, Run, Series

ID = "train_eval_gap"
TITLE = "Training mode against evaluation mode"
# Unmeasured: the best validation loss is at least nine tenths of a constant guess's …
NO_SKILL = 0.1
# … while the training loss closed as much of the way as the weakest healthy calibration run.
SKILLED = 0.3
# The statistics of four examples or fewer are noise (Wu & He 2018: error grows steeply below 8 a batch).
TINY_BATCH = 4
# With most of the initial statistics left evaluation is not that of the trained network; this much skill is lost to it.
MOSTLY = 0.5
# Nearly nothing of the training is in them, so whichever way the validation loss turns, it is another network's.
NEARLY_ALL = 0.9
LOST = 0.3
WORSENED = 1.2
# The last third of the first epoch: rows that nobody could have learned by heart. Shuffled labels stay at 0.
UNSEEN = 1 / 3
UNSEEN_SKILL = 0.15
# By the third epoch 22 zoo runs with shuffled labels had at most 0.08, 12 on 40 to 100 rows at most 0.32; half of 195
# healthy ones had 0.79.
QUICK_EPOCHS = 3
QUICK_SKILL = 0.4
MIN_EPOCHS = 2
# Where a training batch, scored in evaluation mode at the same weights, has lost more than this share of what training
# gained over a constant guess, it is the mode; where it has kept it, the validation rows are another matter.
MODE_LOST = 0.5
SOURCE = "a healthy validation loss beats a constant guess once the training loss does"
TEXTS = {
    "moving_statistics": "; {left:.0%} of the initial moving statistics is still in batch normalisation",
    "normalization_batch": "; batch normalisation took its statistics from batches of {size}",
    "quick": f"; yet the skill was {{quick:.2f}} by epoch {QUICK_EPOCHS}, sooner than labels are learned by heart",
    "evaluation_mode": "; training batches themselves score {evaluated:.4g} in evaluation mode",
    "unlike_data": "; yet on training rows it had not seen before, at the end of the first epoch, the skill was "
    "{unseen:.2f}",
}


def check(run: Run) -> Check:
    train, val, constant = run.epochs.get("loss"), run.epochs.get("val_loss"), constant_loss(run)
    if train is None or val is None or constant is None:
        needs = "validation losses, recorded targets and a loss whose constant guess is known"
        return Check(ID, TITLE, "not_run", needs=needs)
    if constant <= 0:
        return Check(ID, TITLE, "inconclusive", needs="targets that vary: a constant guess already scores 0")
    steps, i, j = np.intersect1d(train.steps, val.steps, return_indices=True)
    penalty = _penalty(run, steps)
    known = np.isfinite(train.values[i]) & np.isfinite(val.values[j]) & np.isfinite(penalty)
    if known.sum() < MIN_EPOCHS:
        needs = f"{MIN_EPOCHS} epochs with finite losses; there are {known.sum()}"
        return Check(ID, TITLE, "inconclusive", needs=needs)
    steps = steps[known]
    with np.errstate(over="ignore"):
        trained = float((train.values[i] - penalty)[known][-1])
        validation = (val.values[j] - penalty)[known]
        validated = float(validation.min())
    train_skill, val_skill = 1 - trained / constant, 1 - validated / constant
    layers, unseen = _normalizations(run), _unseen_skill(run, int(steps[0]), constant)
    quick = _quick_skill(train, constant)
    unwarmed = bool(layers) and _left(run, layers) > MOSTLY and val_skill < train_skill - LOST
    good_once = validation[-1] > WORSENED * validated  # which is overfitting
    unwarmed = unwarmed and (not good_once or _left(run, layers) > NEARLY_ALL)
    apart = train_skill >= SKILLED and (val_skill <= NO_SKILL or unwarmed)
    evaluated = evaluation_loss(run)
    fault = _fault(run, layers, unseen, quick, _mode_lost(evaluated, trained, constant)) if apart else "none"
    found = fault in TEXTS
    explained = TEXTS.get(fault, "").format(
        left=_left(run, layers), size=run.card.batch_size, unseen=unseen, quick=quick, evaluated=evaluated
    )
    evidence = Evidence(
        f"The training loss ends at {trained:.4g} and the validation loss was never below {validated:.4g}; always "
        f"guessing the same scores {constant:.4g}{explained}.",
        val_skill,
        NO_SKILL,
        "skill",
        SOURCE,
        tuple(layer.path for layer in layers)[:8] if found else (),
        (int(steps[0]), int(steps[-1])),
    )
    return Check(
        ID,
        TITLE,
        "found" if found else "not_found",
        (evidence,),
        int(steps[0]) if found else None,
        evidence.layers,
        signs=(
            ("val_skill", val_skill),
            ("train_skill", train_skill),
            ("advantage", val_skill - train_skill),
            ("fault", fault),
        ),
    )


def _penalty(run: Run, steps: np.ndarray) -> np.ndarray:
    """What regularisation added to both losses at these steps; a constant guess pays none."""
    penalty = penalty_of(run)
    if penalty is None or run.step_unit != "step":
        return np.zeros(len(steps))
    with np.errstate(invalid="ignore", over="ignore"):  # between infinities lies NaN, which leaves an epoch out
        return np.interp(steps, penalty.steps, penalty.values)


def _normalizations(run: Run) -> list[LayerCard]:
    """Those in training mode: a frozen one uses its moving statistics in both."""
    return [layer for layer in run.card.layers if "BatchNorm" in layer.kind and layer.trainable]


def _unseen_skill(run: Run, first_epoch: int, constant: float) -> float:
    """Skill over the last third of the first epoch; NaN when its batch losses are not known."""
    loss = data_loss(run)
    if loss is None or run.step_unit != "step" or one_batch(run):
        return np.nan
    values = loss.between((1 - UNSEEN) * first_epoch, first_epoch).values
    with np.errstate(over="ignore"):
        return 1 - float(np.mean(values)) / constant if len(values) and np.isfinite(values).all() else np.nan


def _quick_skill(train: Series, constant: float) -> float:
    """Skill of the third epoch; NaN when there is none."""
    return 1 - float(train.values[QUICK_EPOCHS - 1]) / constant if len(train) >= QUICK_EPOCHS else np.nan


def _mode_lost(evaluated: float, trained: float, constant: float) -> float:
    """The share of the training's gain over a constant guess that evaluation mode loses; NaN when it is not known."""
    gained = constant - trained
    return (evaluated - trained) / gained if gained > 0 else np.nan


def _fault(run: Run, layers: list[LayerCard], unseen: float, quick: float, lost: float) -> str:
    if lost > MODE_LOST and not (layers and _left(run, layers) > UNWARMED):
        return "evaluation_mode"
    if layers and not lost <= MODE_LOST and _left(run, layers) > UNWARMED:
        return "moving_statistics"
    if layers and not lost <= MODE_LOST and _left(run, layers, run.last_step) > UNWARMED:
        return "warming_up"
    if layers and not lost <= MODE_LOST and run.card.batch_size and run.card.batch_size <= TINY_BATCH:
        return "normalization_batch"
    if unseen >= UNSEEN_SKILL:
        return "unlike_data"
    return "quick" if quick >= QUICK_SKILL else "mode"


def _left(run: Run, layers: list[LayerCard], updates: int | None = None) -> float:
    """The largest share of initial moving statistics left after so many updates; 0 where steps are unknown.

    updates: None for those at the end, planned or reached.
    """
    if run.step_unit != "step":
        return 0.0
    updates = max(run.last_step, planned_steps(run) or 0) if updates is None else updates
    return left_of_start(layers, updates)[0]
