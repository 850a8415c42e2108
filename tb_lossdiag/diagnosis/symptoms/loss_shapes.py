"""Are targets and outputs of different rank spread over each other inside the loss? Then every one meets every other.

Targets of shape (batch,) against outputs of shape (batch, 1) give a table of (batch, batch) differences without a word.
What such a loss asks for is one answer for all. The proof is that it stays the same, to the last digit, when outputs
are dealt to other examples, though they differ. A target of size 1 against several units, such as one number against an
output for each step of a sequence, asks each of the units for the same.
"""

import math

import numpy as np

from tb_lossdiag.diagnosis.losses import loss_name
from tb_lossdiag.diagnosis.measured import ALIKE, INVARIANT
from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.output_layer import output_units
from tb_lossdiag.diagnosis.reference import DISTANCES
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import span
from tb_lossdiag.run import Run, Table

ID = "loss_shapes"
TITLE = "Shapes in the loss"
# Outputs that differ by less say nothing of whether the loss tells them apart. Unmeasured: five times the spread under
# which predictions count as collapsed.
DIFFER = 1e-2
FEWEST = 3
# What compares does not compute a difference: labels against labels make a mask of pairs on purpose.
COMPARING = {"equal", "not_equal", "eq", "ne", "less", "greater", "less_equal", "greater_equal", "lt", "gt", "le", "ge",
             "logical_and", "logical_or", "logicaland", "logicalor", "notequal"}  # fmt: skip
SOURCE = "how arrays of different rank are spread over each other"


def check(run: Run) -> Check:
    card = run.card
    shapes, told = _shapes(run), _broadcast(run)
    if card is None or (shapes is None and told is None and "broadcasts" not in card.settings):
        return Check(ID, TITLE, "not_run", needs=recorded("the shapes that the loss was called with", run))
    change = _change(run)
    moved = change is not None and change > INVARIANT
    if told is not None and not moved:
        return _found(run, told, change)
    if shapes is None:
        return _result(run, "not_found", "No operation of the loss spreads two ranks over each other.", change)
    target, prediction = shapes
    written = f"The loss was called with targets of shape {_written(target)} and outputs of {_written(prediction)}"
    # Several units may be asked for one number on purpose, as the members of an ensemble are.
    is_one = output_units(card) == 1 and loss_name(card) in DISTANCES
    units = _repeated(target, prediction) if is_one else None
    if units is not None:
        return _result(run, "found", f"{written}: one target is asked of each of {units} outputs.", change, "repeated")
    if len(target) == len(prediction) or not _spread(target, prediction):
        return _result(run, "not_found", f"{written}: they stand side by side.", change)
    if change is None:
        needs = "outputs that differ, dealt to other examples: only then is it seen whether the loss tells them apart"
        return Check(ID, TITLE, "inconclusive", needs=needs)
    if moved:
        return _result(run, "not_found", f"{written}, and tells which output belongs to which target.", change)
    return _found(run, f"{written}: each target meets each output.", change)


def _found(run: Run, text: str, change: float | None) -> Check:
    proof = "" if change is None else " Outputs dealt to other examples score the same to the last digit, though they "
    proof += "" if change is None else "differ."
    return _result(run, "found", f"{text}{proof}", change)


def _result(run: Run, state: str, text: str, change: float | None, kind: str = "crossed") -> Check:
    seen = span(run.data) if run.data is not None and len(run.data.steps) else None
    measured = (change, INVARIANT, "relative change") if change is not None else (None, None, "")
    evidence = Evidence(text, *measured, SOURCE, (), seen)
    is_found = state == "found"
    signs = (("proved", change is not None and is_found), ("kind", kind if is_found else "none"))
    return Check(ID, TITLE, state, (evidence,), 0 if is_found else None, signs=signs)


def _broadcast(run: Run) -> str | None:
    """The first operation of the loss whose result is larger than both of what it was given, of different rank."""
    told = run.card.settings.get("broadcasts") if run.card is not None else None
    for one in told if isinstance(told, (list, tuple)) else ():
        if not isinstance(one, dict) or str(one.get("operation", "")).lower() in COMPARING:
            continue
        left, right, result = (_sizes(one.get(name)) for name in ("left", "right", "result"))
        if None in (left, right, result) or len(left) == len(right) or result in (left, right):
            continue
        where = f" ({str(one['where'])[:80]})" if one.get("where") else ""
        return (
            f"In the loss {str(one.get('operation', 'an operation'))[:40]!r} takes {_written(left)} and "
            f"{_written(right)} and makes {_written(result)} of them{where}: each target meets each output."
        )
    return None


def _shapes(run: Run) -> tuple[tuple, tuple] | None:
    told = run.card.settings.get("loss_shapes") if run.card is not None else None
    if not isinstance(told, dict):
        return None
    target, prediction = _sizes(told.get("target")), _sizes(told.get("prediction"))
    return None if target is None or prediction is None else (target, prediction)


def _sizes(value: object) -> tuple | None:
    """A shape from the log: whole numbers, and None for the batch; None when it is anything else."""
    if not isinstance(value, (list, tuple)) or not all(one is None or type(one) is int for one in value):
        return None
    return tuple(value)


def _spread(target: tuple, prediction: tuple) -> bool:
    """Whether the longer shape has one axis of size 1 more, so that its batch meets the other's in another place."""
    short, long = sorted((target, prediction), key=len)
    return len(short) > 0 and len(long) == len(short) + 1 and long[-1] == 1 and long[0] == short[0]


def _repeated(target: tuple, prediction: tuple) -> int | None:
    """How many outputs meet each target, where shapes of one rank differ only in axes that the target has of size 1."""
    if len(target) != len(prediction) or not target or target[0] != prediction[0]:
        return None
    differ = [(one, many) for one, many in zip(target[1:], prediction[1:], strict=True) if one != many]
    if not differ or any(one != 1 or many is None for one, many in differ):
        return None
    return math.prod(many for _, many in differ)


def _written(shape: tuple) -> str:
    sizes = ["batch" if one is None else str(one) for one in shape]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def _change(run: Run) -> float | None:
    """The largest relative change of the loss by dealing outputs to other examples, where they and the targets differ.

    None where too few samples could show it.
    """
    table = run.data.of_kind("prediction") if run.data is not None else None
    if table is None or not table.rows or not (table.has("loss_shuffled_change") and table.has("diversity")):
        return None
    change, differ = _first(table, "loss_shuffled_change"), _first(table, "diversity")
    targets = run.data.of_kind("target")
    vary = np.abs(_first(targets, "diversity")) > ALIKE if targets.rows else np.ones(len(change), bool)
    known = np.isfinite(change) & (differ > DIFFER) & vary
    return float(np.max(np.abs(change[known]))) if known.sum() >= FEWEST else None


def _first(table: Table, column: str) -> np.ndarray:
    return table.column(column)[:, 0].astype(np.float64)
