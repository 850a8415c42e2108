"""Does the value at which the loss sticks have a meaning? Some faults can be read off it to three digits.

Probabilities through a second softmax cannot score below ln(1 + (C-1)/e), through a second sigmoid not below
ln(1 + 1/e) on a positive and ln 2 on a negative example; a saturated cross-entropy, clipped at 1e-7, scores about 16
per wrong answer; a loss detached from model or data repeats itself to the last digit.
"""

from dataclasses import replace

import numpy as np

from tb_lossdiag.diagnosis.reference import (
    BINARY,
    CATEGORICAL,
    constant_loss,
    known_targets,
    loss_name,
    pooled_mean,
    value_range,
)
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.trend import trend
from tb_lossdiag.diagnosis.window import best_curve, late, late_series
from tb_lossdiag.run import Run, Series

ID = "loss_floor"
TITLE = "Value of a flat loss"
# Measured on separable tasks: 1.461 for 1.461 (ten classes), 0.503 for 0.503 (balanced yes or no).
CLOSE = 0.01
# -ln of the smallest probability a clipped cross-entropy sees: 1e-7, and 1 - (1 - 1e-7) in float32.
CLIPPED = (float(-np.log(1e-7)), float(-np.log(2.0**-23)))
# A loss this low is a few wrong answers of a good model, however sure of itself.
CLIPPED_LOSS = 0.5
# Share of predictions at 0 or 1; unmeasured, a merely confident model has some in between.
EXTREME = 0.95
# A training may end at exactly 0, or repeat the last digit of its optimum. It comes there by ever smaller steps, unlike
# a loss cut off from its data: the last different loss is within this share of the whole way (unmeasured).
NEAR_ZERO = 0.1
NEAR_OPTIMUM = 1e-3
# A loss beyond this has blown up, and its square with it.
LARGEST = 1e100
SOURCE = "the loss's definition"
FAULTS = ("zero", "frozen", "double_softmax", "double_sigmoid", "clipped")
TEXTS = {
    "zero": "The loss is exactly 0.",
    "frozen": "The loss is exactly {value:.6g} at every step: it depends neither on the batch nor on the weights.",
    "double_softmax": "The loss sticks at {value:.4g}; probabilities that pass a second softmax cannot score below "
    "{expected:.4g}.",
    "double_sigmoid": "The loss sticks at {value:.4g}; probabilities that pass a second sigmoid cannot score below "
    "{expected:.4g}.",
    "clipped": "The loss sticks at {value:.4g} with nearly all predictions exactly 0 or 1: {share:.0%} wrong answers "
    "at {each:.4g} each, where the loss is clipped and has no gradient.",
    "label_entropy": "The loss sticks at {value:.4g}, what a constant guess scores ({expected:.4g}).",
    "none": "The loss is flat at {value:.4g}, a value without a known meaning.",
}


def check(run: Run) -> Check:
    curve = best_curve(run)
    if curve is None:
        return Check(ID, TITLE, "not_run", needs="a loss curve")
    series, noisy = curve
    kept = np.abs(series.values) < LARGEST
    whole = replace(series, steps=series.steps[kept], values=series.values[kept])
    part = late_series(whole)
    moved = trend(part.steps, part.values, noisy=noisy)
    if moved.direction == "short":
        part = whole
        moved = trend(part.steps, part.values, noisy=noisy)
    if moved.direction in ("short", "unclear"):
        needs = f"more points or less noise to tell whether the loss is flat: {moved.points} do not"
        return Check(ID, TITLE, "inconclusive", needs=needs)
    value = float(np.median(part.values))
    floor, expected = ("none", np.nan) if moved.direction != "flat" else _floor(run, whole, part)
    found = floor in FAULTS and not (floor in ("zero", "frozen") and _settled(whole, part))
    text = _text(run, floor, value, expected) if moved.direction == "flat" else f"The loss is still {moved.direction}."
    evidence = Evidence(
        text,
        value,
        expected if np.isfinite(expected) else None,
        "loss",
        SOURCE,
        (),
        (moved.first, moved.last),
    )
    return Check(
        ID,
        TITLE,
        "found" if found else "not_found",
        (evidence,),
        moved.first if found else None,
        signs=(("floor", floor), ("value", value), ("expected", expected)),
    )


def _floor(run: Run, whole: Series, part: Series) -> tuple[str, float]:
    """Which floor the late losses lie on, and its exact value; NaN where it has none."""
    if (part.values == part.values[0]).all():
        return ("zero", 0.0) if part.values[0] == 0 else ("frozen", float(part.values[0]))
    if run.card is None:
        return "none", np.nan
    name, mean = loss_name(run.card), float(np.mean(part.values))
    if name in CATEGORICAL and _classes(run) > 1:
        expected = float(np.log1p((_classes(run) - 1) / np.e))
        # Every single batch stays above this floor: a loss that merely averages to it does not.
        bound = part.values.min() >= expected * (1 - CLOSE)
        if _close(mean, expected) and bound and _squashed_twice(run, 1 / (1 + (_classes(run) - 1) / np.e)):
            return "double_softmax", expected
    if name in BINARY and known_targets(run) is not None:
        positive = float(np.clip(np.mean(pooled_mean(run.targets)), 0, 1))
        lowest = float(np.log1p(1 / np.e))
        expected = (1 - positive) * float(np.log(2)) + positive * lowest
        bound = part.values.min() >= lowest * (1 - CLOSE)
        known = np.isfinite(value_range(run, "prediction")).all()
        if _close(mean, expected) and bound and known and _squashed_twice(run, 1 / (1 + 1 / np.e)):
            return "double_sigmoid", expected
    if name in CATEGORICAL | BINARY and CLIPPED_LOSS < mean < CLIPPED[0] and _saturated(run):
        return "clipped", mean
    constant = constant_loss(run)
    if constant and _close(mean, constant):
        return "label_entropy", constant
    return "none", np.nan


def _close(value: float, expected: float) -> bool:
    return abs(value - expected) <= CLOSE * abs(expected)


def _classes(run: Run) -> int:
    """Classes whose shares were recorded, all of them; 0 when not known."""
    shares = pooled_mean(run.targets) if known_targets(run) is not None else np.zeros(0)
    return len(shares) if len(shares) > 1 and abs(shares.sum() - 1) < 1e-3 else 0


def _squashed_twice(run: Run, ceiling: float) -> bool:
    """Whether the predictions, where known, may be probabilities that the loss squashes again, or have been already.

    ceiling: the largest value that comes out of a second softmax or sigmoid.
    """
    low, high = value_range(run, "prediction")
    if not np.isfinite(low):
        return run.card.loss.get("reads_logits") is not True
    by_loss = run.card.loss.get("from_logits") is True and run.card.loss.get("reads_logits") is not True
    return low >= 0 and (high <= ceiling * (1 + CLOSE) or (by_loss and high <= 1 + 1e-6))


def _saturated(run: Run) -> bool:
    """Whether the late predictions are nearly all at 0 or 1 and the loss is one that clips them."""
    if run.card.loss.get("from_logits") is True or run.card.loss.get("reads_logits") is True or run.data is None:
        return False
    table = late(run.data.of_kind("prediction"))
    if not table.rows or not table.has("extreme_share"):
        return False
    shares = table.column("extreme_share")
    shares = shares[np.isfinite(shares)]
    return len(shares) > 0 and float(np.median(np.clip(shares, 0.0, 1.0))) > EXTREME


def _settled(whole: Series, part: Series) -> bool:
    """Whether a loss that no longer changes came to its value little by little."""
    value, first = float(part.values[0]), float(whole.values[0])
    others = whole.values[whole.values != value]
    near = NEAR_ZERO if value == 0 else NEAR_OPTIMUM
    return len(others) > 0 and first > value and abs(float(others[-1]) - value) <= near * (first - value)


def _text(run: Run, floor: str, value: float, expected: float) -> str:
    each, share = _wrong_answers(run, expected) if floor == "clipped" else (np.nan, np.nan)
    return TEXTS[floor].format(value=value, expected=expected, each=each, share=share)


def _wrong_answers(run: Run, loss: float) -> tuple[float, float]:
    """The loss of one wrong answer and the share of wrong ones: the pair that the recorded accuracy fits best."""
    accuracy = next((s for name, s in run.epochs.items() if name.endswith("accuracy") and name[:4] != "val_"), None)
    if accuracy is None or not len(accuracy) or not np.isfinite(accuracy.values[-1]):
        return CLIPPED[0], loss / CLIPPED[0]
    each = min(CLIPPED, key=lambda candidate: abs(loss / candidate - (1 - accuracy.values[-1])))
    return each, loss / each
