"""What did the step do to each variable? The norms and shares of gradients, weights and updates, of all at once.

Variables are rows of a few matrices, shorter ones filled up with zeros: a deep model then costs tens of operations, not
thousands. The usual step takes the quick way, which adds up plain squares; where a number is not finite, or a norm is
outside the range that float32 can square, the norms are taken anew with care.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow as tf

from tb_lossdiag.recording import sums
from tb_lossdiag.recording.alike import each
from tb_lossdiag.recording.branch import branch
from tb_lossdiag.recording.layout import VARIABLE_COLUMNS
from tb_lossdiag.recording.stack import Stack
from tb_lossdiag.recording.statistics import MAX_STACKED_ELEMENTS, Numbers, as_float, norm

# Zeros in a matrix. Ten passes over so many take about 50 us, at 0.6 ns an element as measured for abs and sums; thirty
# operations for one more matrix take as long.
MAX_FILLED_ELEMENTS = 8_192
# Shares of a larger variable are those of about so many of its elements: within 0.4 % for one standard error.
SHARED_ELEMENTS = 16_384
# A sum of n squares above n times this has lost less than a millionth to squares below float32's smallest number.
SMALLEST_SQUARE = 1e-32
_MEASURED = tuple(name for name in VARIABLE_COLUMNS if name != "update_ratio")
# What squares beyond float32's range, or a NaN or Inf, would spoil.
_SPOILT = ("weight_norm", "update_norm", "gradient_norm", "gradient_zero_share", "gradient_nonfinite")
_NAN = float("nan")


@dataclass(frozen=True)
class Variable:
    """One variable before and after the step; gradient: None where it has none."""

    before: tf.Tensor
    after: tf.Tensor
    gradient: tf.Tensor | None


@dataclass(frozen=True)
class Rows:
    """Some variables as rows [variables, width], zeros behind their ends. sizes: their true numbers of elements.

    gradients: divided by the loss scale; None where there are none. changes: after - before, in the precision of the
    variable. inner: size of the last axis, of which whole rows are drawn for the shares.
    """

    sizes: tuple[int, ...]
    inner: int
    weights: tf.Tensor
    changes: tf.Tensor
    gradients: tf.Tensor | None


def stacked(
    before: Sequence[tf.Tensor],
    after: Sequence[tf.Tensor],
    gradients: Sequence[tf.Tensor | None],
    scale: tf.Tensor | float | None = None,
) -> Stack[Rows]:
    """The variables as rows of a few matrices, those without a gradient apart.

    before, after: the weights. gradients: in the shapes of their variables, multiplied by `scale`.
    """
    variables = [Variable(*three) for three in zip(before, after, gradients, strict=True)]
    with_gradient = [index for index, one in enumerate(variables) if one.gradient is not None]
    without = [index for index, one in enumerate(variables) if one.gradient is None]
    groups = tuple(
        members
        for indices in (with_gradient, without)
        for members in together([(index, tuple(variables[index].before.shape)) for index in indices])
    )
    return Stack(tuple(_rows([variables[index] for index in members], scale) for members in groups), groups)


def variable_statistics(stack: Stack[Rows]) -> Numbers:
    """{column: float32 [variables]} of VARIABLE_COLUMNS; NaN where a variable has no gradient."""
    matrices = stack.matrices
    if not matrices:
        return {}
    tables, right = zip(*each(_quick, matrices), strict=True)
    usual = tf.concat(tables, axis=1)
    table = branch(tf.reduce_all(tf.concat(right, axis=0)), lambda: usual, lambda: _careful(matrices, usual))
    table = tf.gather(table, stack.places(), axis=1)
    numbers = dict(zip(_MEASURED, tf.unstack(table), strict=True))
    weight = numbers["weight_norm"]
    return numbers | {"update_ratio": tf.where(weight > 0.0, numbers["update_norm"] / weight, _NAN)}


def together(shapes: Sequence[tuple[int, tuple[int, ...]]]) -> list[tuple[int, ...]]:
    """Which of these (index, shape) stand in one matrix: largest first, equal shapes side by side."""
    left = sorted(shapes, key=lambda one: (-_size(one[1]), one[1]))
    matrices: list[tuple[int, ...]] = []
    while left:
        width = max(1, _size(left[0][1]))
        members, filled = [], 0
        for index, shape in left:
            filled += width - _size(shape)
            if members and (filled > MAX_FILLED_ELEMENTS or (len(members) + 1) * width > MAX_STACKED_ELEMENTS):
                break
            members.append(index)
        matrices.append(tuple(members))
        left = left[len(members) :]
    return matrices


def _rows(chosen: Sequence[Variable], scale: tf.Tensor | float | None) -> Rows:
    shape = chosen[0].before.shape
    width, gradients = shape.num_elements(), None
    if chosen[0].gradient is not None:
        gradients = _stacked([one.gradient for one in chosen], width)
        gradients = gradients if scale is None else gradients / as_float(scale)
    return Rows(
        tuple(one.before.shape.num_elements() for one in chosen),
        shape[-1] if shape.rank else 1,
        _stacked([one.before for one in chosen], width),
        _changes(chosen, width),
        gradients,
    )


def _changes(chosen: Sequence[Variable], width: int) -> tf.Tensor:
    """after - before, exactly 0 where a weight is what it was in its own precision: in float32 a float64's may be lost,
    and under XLA a bfloat16's may not be.
    """
    if all(one.before.dtype == tf.float32 for one in chosen):
        return _stacked([one.after for one in chosen], width) - _stacked([one.before for one in chosen], width)
    return _stacked([_change(one) for one in chosen], width)


def _change(one: Variable) -> tf.Tensor:
    change = one.after - one.before if one.before.dtype == tf.float64 else as_float(one.after) - as_float(one.before)
    return tf.where(tf.equal(one.before, one.after), tf.zeros_like(change), change)


def _stacked(tensors: Sequence[tf.Tensor], width: int) -> tf.Tensor:
    """float32 [tensors, width]; neighbours of one shape in one operation."""
    runs: list[list[tf.Tensor]] = []
    for tensor in tensors:
        if runs and runs[-1][0].shape == tensor.shape and runs[-1][0].dtype == tensor.dtype:
            runs[-1].append(tensor)
        else:
            runs.append([tensor])
    parts = []
    for run in runs:
        part = as_float(tf.reshape(tf.stack(run) if len(run) > 1 else run[0], [len(run), -1]))
        short = width - part.shape[1]
        parts.append(tf.pad(part, [[0, 0], [0, short]]) if short else part)
    return tf.concat(parts, axis=0) if len(parts) > 1 else parts[0]


def _quick(rows: Rows) -> tuple[tf.Tensor, tf.Tensor]:
    """float32 [_MEASURED, variables], and bool [variables], whether they are right."""
    weight, change = sums.of_squares(rows.weights), sums.of_squares(rows.changes)
    numbers = {"weight_norm": tf.sqrt(weight), "update_norm": tf.sqrt(change)}
    if rows.gradients is None:
        return _table(numbers), tf.math.is_finite(weight + change)
    sizes, least = (tf.constant([size * unit for size in rows.sizes], tf.float32) for unit in (1.0, SMALLEST_SQUARE))
    size, square = tf.abs(rows.gradients), sums.of_squares(rows.gradients)
    largest = tf.maximum(tf.reduce_max(size, axis=1), 0.0)  # of nothing it would be -inf
    drawn = _drawn(rows, size)
    meant = tf.sign(drawn)  # 1.7 us of 16,384 elements, a comparison and a cast 5.1; NaN where one is
    counted = sizes if drawn is size else tf.constant([float(drawn.shape[1])])
    nonzero = sums.along_rows(meant)
    changed = sums.along_rows(meant * tf.sign(tf.abs(_drawn(rows, rows.changes))))
    numbers |= {
        "gradient_norm": tf.sqrt(square),
        "gradient_mean_abs": sums.along_rows(size) / sizes,
        "gradient_max_abs": largest,
        "gradient_zero_share": (counted - nonzero) / counted,
        "gradient_nonfinite": tf.zeros_like(square),
        "unchanged_share": tf.where(nonzero > 0.0, (nonzero - changed) / nonzero, _NAN),
    }
    in_range = tf.equal(largest, 0.0) | ((square > least) & (change > least))
    return _table(numbers), in_range & tf.math.is_finite(square + weight + change)


def _drawn(rows: Rows, x: tf.Tensor) -> tf.Tensor:
    """[variables, …] what the shares are of: all elements, or of a large variable some rows along its last axis."""
    if len(rows.sizes) > 1 or not rows.inner:
        return x
    outer = rows.sizes[0] // rows.inner
    every = stride(outer, rows.sizes[0])
    if every == 1:
        return x
    return tf.reshape(tf.gather(tf.reshape(x, [outer, rows.inner]), range(0, outer, every)), [1, -1])


def stride(outer: int, size: int) -> int:
    """Every how many of `outer` rows to draw: without a common factor, so that no axis is met in a few places only."""
    every = max(1, round(size / SHARED_ELEMENTS))
    if every >= outer:
        return 1
    while math.gcd(every, outer) > 1:
        every += 1
    return every if every < outer else 1


def _careful(matrices: Sequence[Rows], usual: tf.Tensor) -> tf.Tensor:
    """float32 [_MEASURED, variables] of any numbers; usual: the same the quick way."""
    numbers = dict(zip(_MEASURED, tf.unstack(usual), strict=True))
    numbers |= zip(_SPOILT, tf.unstack(tf.concat(each(_of_any, matrices), axis=1)), strict=True)
    is_nan = tf.math.is_nan(numbers["gradient_mean_abs"])  # where one is, reduce_max promises nothing
    numbers["gradient_max_abs"] = tf.where(is_nan, _NAN, numbers["gradient_max_abs"])
    # A step with a NaN or Inf gradient may have been skipped on purpose.
    broken = tf.reduce_any(numbers["gradient_nonfinite"] > 0.0)
    numbers["unchanged_share"] = tf.where(broken, _NAN, numbers["unchanged_share"])
    return _table(numbers)


def _of_any(rows: Rows) -> tf.Tensor:
    """float32 [_SPOILT, variables]"""
    weight, update = norm(rows.weights), norm(rows.changes)
    if rows.gradients is None:
        blank = tf.fill(weight.shape, _NAN)
        return tf.stack([weight, update, blank, blank, blank])
    sizes = tf.constant(rows.sizes, tf.float32)
    nonzero = sums.along_rows(as_float(tf.not_equal(rows.gradients, 0.0)))
    nonfinite = sums.along_rows(as_float(~tf.math.is_finite(rows.gradients)))
    return tf.stack([weight, update, norm(rows.gradients), (sizes - nonzero) / sizes, nonfinite])


def _table(numbers: Numbers) -> tf.Tensor:
    """float32 [_MEASURED, variables]"""
    blank = tf.fill(numbers["weight_norm"].shape, _NAN)
    return tf.stack([numbers.get(name, blank) for name in _MEASURED])


def _size(shape: tuple[int, ...]) -> int:
    return math.prod(shape)
