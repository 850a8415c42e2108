"""Is the model trained in training mode, and does it compute the same in evaluation mode?

Batch normalisation in evaluation mode takes its moving statistics, which only training mode moves: at first they are 0
and 1 and normalise nothing. The other way round, a batch may score well in training mode and badly in evaluation.
"""

import numpy as np

from tb_lossdiag.diagnosis.decimals import percent
from tb_lossdiag.diagnosis.moving_statistics import UNWARMED, left_of_start
from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.reference import constant_loss
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.settings import planned_steps
from tb_lossdiag.run import LayerCard, Run, Series

ID = "forward_mode"
TITLE = "Mode of the forward pass"
# A loop may look at a step in evaluation mode now and then; one that trains so does it nearly always.
MOSTLY = 0.9
# One that forgot model.train() behind a validation has trained in the first of four parts at least.
PART = 4
FEWEST = 3
# Passes in evaluation mode are made at a low rate.
FEWEST_PASSES = 2
# Evaluation mode gives back this share of what the training loss gained over a constant guess, or without one of the
# first loss. Unmeasured; what train_eval_gap asks of a validation loss to blame the mode for it.
LOST = 0.5
# Statistics that were moved before this training began are used on purpose: fine-tuning with them is usual.
MOVED = 1e-3
SOURCE = "layers that compute something else in training than in evaluation"
KINDS = ("BatchNorm", "Dropout", "GaussianNoise", "InstanceNorm")
TEXTS = {
    "never": "In none of {count} sampled steps was the model in training mode, and {layer!r} computes something else "
    "in it.",
    "ceased": "From step {step} on the model was not in training mode any more, and {layer!r} computes something else "
    "in it.",
    "worse": "At the end batches score {train:.4g} in training mode and, at the same weights, {evaluated:.4g} in "
    "evaluation mode: {lost} of what was gained is lost by the mode.",
    "none_differ": "The model was not in training mode, and no layer of it computes anything else in it.",
    "usual": "The model was in training mode in {share} of the sampled steps.",
    "same": "At the end batches score {train:.4g} in training mode and {evaluated:.4g} in evaluation mode.",
}


def check(run: Run) -> Check:
    modes, gap = _modes(run), _gap(run)
    if modes is None and gap is None:
        return Check(ID, TITLE, "not_run", needs=recorded("the mode of the forward pass", run))
    fault, at = _mode_fault(run, modes) if modes is not None else ("usual", None)
    layers = _differing(run)
    facts = {"count": 0, "layer": layers[0].path if layers else "", "step": at, "share": "all"}
    if modes is not None:
        facts |= {"count": len(modes), "share": percent(float(np.mean(modes.values)))}
    if fault in ("usual", "none_differ") and gap is not None:
        train, evaluated, lost, since = gap
        facts |= {"train": train, "evaluated": evaluated, "lost": percent(lost)}
        if lost > LOST and not _warming_up(run):
            fault, at = "worse", since
        elif modes is None:
            fault = "same"
    found = fault in ("never", "ceased", "worse")
    names = tuple(layer.path for layer in layers)[:8] if found else ()
    evidence = Evidence(TEXTS[fault].format(**facts), *_measured(fault, modes, gap), SOURCE, names, _seen(modes, gap))
    signs = (("fault", fault), ("normalizes", any("Norm" in layer.kind for layer in layers)))
    onset = at if found else None
    return Check(ID, TITLE, "found" if found else "not_found", (evidence,), onset, names, signs=signs)


def _measured(fault: str, modes: Series | None, gap: tuple | None) -> tuple:
    if fault in ("worse", "same"):
        return gap[2], LOST, "share of the gain"
    return float(np.mean(modes.values)), 1 - MOSTLY, "share of steps"


def _seen(modes: Series | None, gap: tuple | None) -> tuple[int, int] | None:
    return (int(modes.steps[0]), int(modes.steps[-1])) if modes is not None else (gap[3], gap[3])


def _modes(run: Run) -> Series | None:
    """1 for training mode, 0 for evaluation mode, at the steps that know; None with too few."""
    series = run.steps.get("training_mode")
    if series is None:
        return None
    known = np.isin(series.values, (0, 1))
    return Series(series.steps[known], series.values[known]) if known.sum() >= FEWEST else None


def _mode_fault(run: Run, modes: Series) -> tuple[str, int | None]:
    off = modes.values == 0
    if not off.any():
        return "usual", None
    never = float(np.mean(off)) >= MOSTLY
    last_on = int(np.flatnonzero(~off)[-1]) if not off.all() else -1
    ceased = len(off) - 1 - last_on >= max(FEWEST, len(off) // PART)
    if not (never or ceased):
        return "usual", None
    if not _differing(run):
        return "none_differ", None
    return ("never", int(modes.steps[0])) if never else ("ceased", int(modes.steps[last_on + 1]))


def _differing(run: Run) -> list[LayerCard]:
    """The trainable layers that compute something else in training, those with moved statistics left out."""
    layers = run.card.layers if run.card is not None else ()
    return [layer for layer in layers if _differs(layer) and (layer.trainable or not layer.parameters)]


def _differs(layer: LayerCard) -> bool:
    if layer.kind.startswith("LayerNorm") or not any(kind in layer.kind for kind in KINDS):
        return False
    if "Norm" not in layer.kind:
        return bool(layer.number("rate"))
    mean, variance = layer.number("moving_mean"), layer.number("moving_variance")
    moved = mean is not None and variance is not None and (abs(mean) > MOVED or abs(variance - 1) > MOVED)
    return not moved


def _gap(run: Run) -> tuple[float, float, float, int] | None:
    """Loss in training and in evaluation mode, the share of the gain that the mode loses, and since when."""
    train, evaluated = run.steps.get("loss"), run.steps.get("evaluation_loss")
    if train is None or evaluated is None:
        return None
    steps, i, j = np.intersect1d(train.steps, evaluated.steps, return_indices=True)
    known = np.isfinite(train.values[i]) & np.isfinite(evaluated.values[j])
    steps, a, b = steps[known], train.values[i][known], evaluated.values[j][known]
    late = steps >= (int(steps[0]) + int(steps[-1])) / 2 if len(steps) else known[:0]
    if late.sum() < FEWEST_PASSES:
        return None
    first = float(np.median(train.values[: max(1, len(train) // 20)]))
    guess = constant_loss(run)
    at = guess if guess is not None and guess > 0 else first
    now, then = float(np.median(a[late])), float(np.median(b[late]))
    with np.errstate(all="ignore"):
        lost = (then - now) / (at - now) if at > now else 0.0
    return (now, then, float(lost), int(steps[late][0])) if np.isfinite(lost) else None


def _warming_up(run: Run) -> bool:
    """Whether a training that goes on has moving statistics that still hold their start."""
    planned = planned_steps(run)
    if run.step_unit != "step" or (planned is not None and run.last_step >= planned):
        return False
    layers = (layer for layer in _differing(run) if "BatchNorm" in layer.kind)
    return left_of_start(layers, run.last_step)[0] > UNWARMED
