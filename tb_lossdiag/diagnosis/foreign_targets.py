"""Are the recorded targets what the loss was called on? A step of the user's own may take more than x and y.

TrainingMonitor takes the second argument of a watched step for the targets. Of a step that takes two inputs, or weights
before the labels, that is something else, and whatever is said of it accuses the wrong thing. The loss itself was
called on the right targets, so what it scores on constant outputs tells the two apart.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tb_lossdiag.diagnosis.framework import Framework, framework_of
from tb_lossdiag.diagnosis.losses import loss_name
from tb_lossdiag.diagnosis.measured import has_several
from tb_lossdiag.diagnosis.reference import BINARY, SQUARED, value_range
from tb_lossdiag.run import Run, Table

# What a batch's targets by themselves say that the best constant output scores is within rounding of what was measured,
# or a few per cent below it where the constant was only searched for. Weights on the examples change it as well.
APART = 0.5
# Of a variance: labels of 0 and 1 keep to p (1 - p) within a thousandth in float32; coordinates of boxes miss 0.17.
ROUNDING = 1e-2
SPARSE = "sparse_categorical_crossentropy"
STATISTICS = ("min", "max", "mean", "std")
TOLD = (
    "What the step takes as its second argument was recorded as the targets, but the loss was not called on it, so "
    "nothing is said of the targets. A step that takes (x, y), several inputs in one tuple, has them recorded."
)


def without_foreign_targets(run: Run) -> tuple[Run, tuple[str, ...]]:
    """The run without targets that are not the loss's, and a note that says so; the same run where they are."""
    if not _are_foreign(run):
        return run, ()
    kept = [i for i, row in enumerate(run.data.rows) if row.kind != "target"]
    return replace(run, targets=None, data=run.data.of_rows(kept)), (TOLD,)


def _are_foreign(run: Run) -> bool:
    if framework_of(run) is not Framework.KERAS_LOOP or run.data is None or has_several(run):
        return False
    targets, outputs = run.data.of_kind("target"), run.data.of_kind("prediction")
    if targets.rows and (_have_another_width(run) or _are_no_labels(run)):
        return True
    asked = outputs.has("loss") and len(outputs.rows) == 1 and np.isfinite(outputs.column("loss")).any()
    return bool(targets.rows and asked) and (_are_an_input(run.data, targets) or _score_otherwise(run, outputs))


def _have_another_width(run: Run) -> bool:
    """Whether an example has more or fewer numbers here than where the loss was called."""
    shapes, kind = (run.card.settings.get(name) for name in ("loss_shapes", "target_kind"))
    shape = shapes.get("target") if isinstance(shapes, Mapping) else None
    if not isinstance(shape, (list, tuple)) or not shape or kind == "sparse_classes" or run.targets is None:
        return False
    width = shape[-1] if len(shape) > 1 else 1
    recorded = len(run.targets.rows)
    return isinstance(width, int) and min(width, recorded) > 0 and (width == 1) is not (recorded == 1)


def _are_no_labels(run: Run) -> bool:
    """Whether a yes/no question is asked of numbers such as -3.4, or one for a class of fractions.

    Labels that are wrong are -1 or 2 or 255.
    """
    low, high = value_range(run, "target")
    broken = not (float(low).is_integer() and float(high).is_integer())
    if loss_name(run.card) == SPARSE:
        return broken or ((low, high) == (0.0, 1.0) and _lie_between(run.data.of_kind("target")))
    return loss_name(run.card) in BINARY and (low < 0 or high > 1) and broken


def _lie_between(targets: Table) -> bool:
    """Whether numbers from 0 to 1 are not all 0 or 1: those have a variance of p (1 - p)."""
    if not (targets.has("mean") and targets.has("std")):
        return False
    mean, std = (targets.column(name)[:, 0].astype(np.float64) for name in ("mean", "std"))
    known = np.isfinite(mean) & np.isfinite(std)
    return bool(known.any()) and bool(np.median(np.abs(std**2 - mean * (1 - mean))[known]) > ROUNDING)


def _are_an_input(data: Table, targets: Table) -> bool:
    """Whether they equal one of several inputs in every sample; of a single one a model may be asked for itself."""
    inputs = data.of_kind("input")
    if len(inputs.rows) < 2 or not all(data.has(name) for name in STATISTICS):
        return False
    theirs = np.stack([targets.column(name)[:, 0] for name in STATISTICS], axis=-1)
    known = np.isfinite(theirs).all(axis=-1)
    others = np.stack([inputs.column(name) for name in STATISTICS], axis=-1)
    return bool(known.any()) and any(np.array_equal(theirs[known], others[known, i]) for i in range(others.shape[1]))


def _score_otherwise(run: Run, outputs: Table) -> bool:
    """Whether a squared error's best constant output scores another number than the variance of these targets."""
    if run.targets is None or loss_name(run.card) not in SQUARED or not outputs.has("loss_constant"):
        return False
    _, i, j = np.intersect1d(run.targets.steps, outputs.steps, return_indices=True)
    variance = np.mean(run.targets.column("std").astype(np.float64)[i] ** 2, axis=1)
    constant = outputs.column("loss_constant").astype(np.float64)[j, 0]
    known = np.isfinite(variance) & np.isfinite(constant) & (constant > 0)
    apart = np.abs(variance[known] - constant[known]) / constant[known]
    return bool(known.any()) and bool(np.median(apart) > APART)
