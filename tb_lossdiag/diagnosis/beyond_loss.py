"""Do the model's outputs leave the range that their loss was made for, as the loss's own values tell?"""

import re

import numpy as np

from tb_lossdiag.diagnosis.losses import least
from tb_lossdiag.diagnosis.output_layer import Pair
from tb_lossdiag.diagnosis.reference import DISTANCES, are_zero_or_one, value_range
from tb_lossdiag.run import Run

REFERENCES = ("loss_constant", "loss_least")
# The square of a float32 of this size has no float32: such outputs are lost for any loss, whichever side they lie on.
OVERFLOWS = 1e19
FEWEST = 3  # samples in which the loss has no value on the outputs, or has values of either sign
# Overlaps of shares lie between 0 and 1, and a loss made of one has one sign; rounding and smoothing move it by less.
EITHER_SIGN = 0.02
# Of the highest other value, by which a loss is higher where outputs equal the targets. Unmeasured: a dice that is
# minimised is 1 there and a fifth elsewhere (docs/first_contact.md, eighth round).
TURNED = 0.05
# Farther out than an overlap, its negative, and 1 - 2 times one reach by their definitions.
NO_OVERLAP = (-1.05, 2.05)
_OVERLAP = re.compile(r"(^|_)(dice|jaccard|iou|tversky)(_|$)")
_MORE = re.compile(r"(^|_)(bce|ce|cross|crossentropy|entropy|focal|log|minus|combo|total)(_|$)")


def beyond_the_loss(run: Run, pair: Pair) -> tuple[str, str] | None:
    """(fault, what was seen) where the outputs lie where the loss has no value, or one that means nothing."""
    return _without_value(run, pair) or _no_share(run, pair)


def _no_share(run: Run, pair: Pair) -> tuple[str, str] | None:
    """A loss of overlaps that is at times above and at times below 0, which shares of an area cannot make it.

    A loss that applies a sigmoid of its own keeps its sign, so the outputs alone would not tell. Boxes overlap as well,
    by their corners, and a generalised overlap of theirs may have either sign: only masks of 0 and 1 are meant.
    """
    table = run.data.of_kind("prediction") if run.data is not None else None
    if table is None or len(table.rows) <= pair.at or not table.has("loss"):
        return None
    if not _OVERLAP.search(pair.name) or _MORE.search(pair.name):
        return None
    loss = table.column("loss")[:, pair.at].astype(np.float64)
    low, high = value_range(run, "prediction", pair.at)
    either = min(int((loss > EITHER_SIGN).sum()), int((loss < -EITHER_SIGN).sum()))
    if np.nanmin(loss, initial=0.0) > NO_OVERLAP[0] and np.nanmax(loss, initial=0.0) < NO_OVERLAP[1]:
        return None
    if either < FEWEST or (low >= 0 and high <= 1) or not _are_masks(run, pair.at):
        return None
    return "outside_the_loss", (
        f"{pair.told}, which compares shares between 0 and 1; the outputs run from {low:.3g} to {high:.3g}, and the "
        f"loss from {np.nanmin(loss):.3g} to {np.nanmax(loss):.3g}, where an overlap keeps it on one side of 0."
    )


def _are_masks(run: Run, at: int) -> bool:
    """Whether every element of a target is 0 or 1."""
    table = run.data.of_kind("target")
    if len(table.rows) <= at or not (table.has("mean") and table.has("std")):
        return False
    mean, std = (table.column(name)[:, at] for name in ("mean", "std"))
    return bool(np.isfinite(mean).any()) and are_zero_or_one(mean, std)


def _without_value(run: Run, pair: Pair) -> tuple[str, str] | None:
    """Outputs of which the loss is NaN or infinite, though it has values at the targets or at a constant.

    Logarithms and roots do that on the other side of 0, or of 1, where the targets never are.
    """
    table = run.data.of_kind("prediction") if run.data is not None else None
    if table is None or len(table.rows) <= pair.at or not (table.has("loss") and table.has("nonfinite")):
        return None
    loss, others = (table.column("loss")[:, pair.at], [table.column(c)[:, pair.at] for c in REFERENCES if table.has(c)])
    valued = np.isfinite(others).any(axis=0) if others else np.zeros(len(loss), bool)
    broken = ~np.isfinite(loss) & valued & (table.column("nonfinite")[:, pair.at] == 0)
    low, high = value_range(run, "prediction", pair.at)
    if pair.name in DISTANCES or max(abs(low), abs(high)) > OVERFLOWS:
        return None
    target_low, target_high = value_range(run, "target", pair.at)
    below, above = target_low >= 0 > low, target_low >= 0 and target_high <= 1 < high
    finite = table.column("nonfinite")[:, pair.at] == 0
    always = bool(broken.any() and broken[finite].all())  # the first step may have left no other sample
    if not (broken.sum() >= FEWEST or always) or not (below or above):
        return None
    return "outside_the_loss", (
        f"{pair.output.path!r} ({pair.output.activation or 'no activation'}) gives {low:.3g} … {high:.3g}, of which "
        "the loss has no value; it has one at the targets or at a constant, and the targets run from "
        f"{target_low:.3g} to {target_high:.3g}."
    )


def is_turned_round(run: Run, pair: Pair) -> bool:
    """Whether a loss that has no name here is highest at the targets, among outputs that keep to their range."""
    table = run.data.of_kind("prediction") if run.data is not None else None
    columns = ("loss", "loss_shuffled", "loss_constant", "loss_least")
    if table is None or len(table.rows) <= pair.at or not all(map(table.has, columns)) or least(pair.name) is not None:
        return False
    (low, high), (target_low, target_high) = (value_range(run, kind, pair.at) for kind in ("prediction", "target"))
    if not (target_low <= low and high <= target_high):
        return False
    loss, shuffled, constant, right = (table.column(name)[:, pair.at].astype(np.float64) for name in columns)
    known = np.isfinite([loss, shuffled, constant, right]).all(axis=0)
    highest = np.maximum.reduce([loss, shuffled, constant])[known]
    return bool(known.sum() >= FEWEST and (right[known] > highest + TURNED * np.abs(highest)).all())
