"""What came out of each layer? Means, spreads, dead and saturated units of all layer outputs, many at once.

Outputs of one batch size stand side by side as columns of a few matrices, one column per unit and position. What a
column has is added up over the examples, then over the columns of a layer.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import tensorflow as tf

from tb_lossdiag.recording import sums
from tb_lossdiag.recording.alike import each
from tb_lossdiag.recording.branch import branch
from tb_lossdiag.recording.layout import OUTPUT_COLUMNS
from tb_lossdiag.recording.limits import DEAD_BELOW_ZERO, UNSATURATED
from tb_lossdiag.recording.stack import Stack
from tb_lossdiag.recording.statistics import MAX_STACKED_ELEMENTS, Numbers, as_float

# Of a larger output the first examples are measured, and all of it is searched for NaN and Inf. When all of it was
# measured, a CNN's outputs took 0.37 of its step, now 0.07 (benchmarks/overhead.md).
MEASURED_ELEMENTS = 131_072
# So many are measured in any case: fewer say little about a spread, and where a unit has one value of each example,
# not many, it would seem dead too soon.
MIN_EXAMPLES, MIN_VALUES = 8, 64
ASSUMED_BATCH = 64  # where it is unknown, to keep a matrix small

# What a NaN or Inf would spoil, counted anew where there is one.
_SPOILT = ("activation_max_abs", "activation_zero_share", "activation_nonfinite")
_NAN = float("nan")


@dataclass(frozen=True)
class Output:
    """One layer's output [batch, ..., units]. activation: its Keras name says what is dead and saturated.

    batch: outputs with equal ones have batches of one size. nonfinite: how many NaN and Inf there are in all of it,
    where the tensor has its first examples only.
    """

    tensor: tf.Tensor
    activation: str | None = None
    batch: int = 0
    nonfinite: tf.Tensor | None = None


@dataclass(frozen=True)
class Matrix:
    """float32 [examples, columns]: outputs of one batch size side by side, a column for each unit and position.

    activations: of each output. units: of each output, the columns of one position, None where it is not known.
    widths: columns of each output; of a single one it may be unknown, 0. whole, nonfinite: the single output, or how
    many NaN and Inf it has, where the matrix holds its first examples only.
    """

    activations: tuple[str | None, ...]
    units: tuple[int | None, ...]
    values: tf.Tensor
    widths: tuple[int, ...]
    whole: tf.Tensor | None = None
    nonfinite: tf.Tensor | None = None

    def total(self, x: tf.Tensor) -> tf.Tensor:
        """[outputs] from [columns]."""
        if len(self.widths) == 1:
            return tf.reduce_sum(x, keepdims=True)
        return tf.math.unsorted_segment_sum(x, self.of_columns(), len(self.widths))

    def mean(self, x: tf.Tensor) -> tf.Tensor:
        """[outputs] from [columns]."""
        if len(self.widths) == 1:
            return tf.reduce_mean(x, keepdims=True)
        return self.total(x) / tf.constant(self.widths, tf.float32)

    def largest(self, x: tf.Tensor) -> tf.Tensor:
        """[outputs] from [columns]."""
        if len(self.widths) == 1:
            return tf.reduce_max(x, keepdims=True)
        return tf.math.unsorted_segment_max(x, self.of_columns(), len(self.widths))

    def spread(self, x: tf.Tensor) -> tf.Tensor:
        """[columns] from [outputs]."""
        return x if len(self.widths) == 1 else tf.gather(x, self.of_columns())

    def parts(self, x: tf.Tensor) -> list[tf.Tensor]:
        """The columns of each output."""
        return [x] if len(self.widths) == 1 else tf.split(x, self.widths)

    def of_columns(self) -> list[int]:
        """To which of the outputs each column belongs."""
        return [output for output, width in enumerate(self.widths) for _ in range(width)]


def shortened(output: Output) -> Output:
    """What is measured of it, for a step that would have to keep all of it until it is over."""
    if not output.tensor.shape.rank or not _columns(output):
        return output
    part = _first_examples(output)
    if part is output.tensor:
        return output
    return replace(output, tensor=part, nonfinite=_count_nonfinite(output.tensor))


def stacked(outputs: Sequence[Output]) -> Stack[Matrix]:
    """The outputs as columns of a few matrices."""
    groups = together(outputs)
    return Stack(tuple(_matrix([outputs[index] for index in group]) for group in groups), tuple(map(tuple, groups)))


def output_statistics(stack: Stack[Matrix]) -> tuple[tf.Tensor, list[tf.Tensor | None]]:
    """float32 [outputs, OUTPUT_COLUMNS], NaN where an output has no such number; and of each output float32 [units], 1
    where a unit was silent in the whole batch, None where units cannot be or their number is not known.
    """
    matrices = stack.matrices
    if not matrices:
        return tf.zeros([0, len(OUTPUT_COLUMNS)]), []
    tables, silent, sentinels = zip(*each(_measured, matrices), strict=True)
    usual = tf.concat(tables, axis=0)

    def mended() -> tf.Tensor:
        broken = tf.concat(each(_of_broken, matrices), axis=0)
        columns = [
            usual[:, i] if name not in _SPOILT else broken[:, _SPOILT.index(name)]
            for i, name in enumerate(OUTPUT_COLUMNS)
        ]
        return tf.stack(columns, axis=1)

    table = branch(tf.reduce_all(tf.math.is_finite(tf.stack(sentinels))), lambda: usual, mended)
    places = stack.places()
    by_matrix = [units for of_matrix in silent for units in of_matrix]
    return tf.gather(table, places), [by_matrix[place] for place in places]


def together(outputs: Sequence[Output]) -> list[list[int]]:
    """Which of them stand in one matrix: small ones of one batch size with the same notion of saturated."""
    groups: list[list[int]] = []
    filling: dict[tuple, tuple[list[int], int]] = {}
    for index, output in enumerate(outputs):
        shape = output.tensor.shape
        size = _columns(output) * ((shape.rank and shape[0]) or ASSUMED_BATCH)
        if not 0 < size <= MAX_STACKED_ELEMENTS:
            groups.append([index])
            continue
        key = (output.batch, UNSATURATED.get(output.activation))
        group, filled = filling.get(key, ([], 0))
        if not group or filled + size > MAX_STACKED_ELEMENTS:
            group, filled = [], 0
            groups.append(group)
        group.append(index)
        filling[key] = group, filled + size
    return groups


def _columns(output: Output) -> int:
    """0 where it is not known."""
    shape = output.tensor.shape
    known = shape.rank is not None and None not in shape[1:]
    return math.prod(shape[1:]) if known and shape.rank else int(known)


def _matrix(outputs: Sequence[Output]) -> Matrix:
    activations = tuple(output.activation for output in outputs)
    units = tuple(output.tensor.shape[-1] if output.tensor.shape.rank else 1 for output in outputs)
    if len(outputs) > 1:
        widths = tuple(_columns(output) for output in outputs)
        flat = [as_float(tf.reshape(o.tensor, [-1, width])) for o, width in zip(outputs, widths, strict=True)]
        return Matrix(activations, units, tf.concat(flat, axis=1), widths)
    x, width = outputs[0].tensor, _columns(outputs[0])
    if not x.shape.rank:
        x = tf.reshape(x, [1, 1]) if x.shape.rank == 0 else x
    elif width:
        nonfinite = outputs[0].nonfinite
        part = _first_examples(outputs[0]) if nonfinite is None else x
        values = as_float(tf.reshape(part, [-1, width]))
        return Matrix(activations, units, values, (width,), None if part is x else x, nonfinite)
    examples = tf.shape(x)[0]
    return Matrix(activations, units, as_float(tf.reshape(x, [examples, -1])), (0,))


def _first_examples(output: Output) -> tf.Tensor:
    """As many as are measured; the tensor itself where that is certainly all of it."""
    x = output.tensor
    most = max(MIN_EXAMPLES if x.shape.rank > 2 else MIN_VALUES, MEASURED_ELEMENTS // _columns(output))
    return x if x.shape[0] is not None and x.shape[0] <= most else x[:most]


def _count_nonfinite(x: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(as_float(~tf.math.is_finite(as_float(x))))


def _measured(matrix: Matrix) -> tuple[tf.Tensor, list[tf.Tensor | None], tf.Tensor]:
    """float32 [outputs, OUTPUT_COLUMNS], silent units of each output, and a number that is finite only where every
    element is.
    """
    values = matrix.values
    examples = tf.cast(tf.shape(values)[0], tf.float32)
    centred = values - values[:1]  # exactly 0 in a constant column, whatever its offset
    size, bounds = tf.abs(values), UNSATURATED.get(matrix.activations[0])
    summed = [centred, tf.square(centred), tf.sign(size)]
    if bounds is not None:
        summed.append(as_float((values < bounds[0]) | (values > bounds[1])))
    shift, square, nonzero, *outside = (total / examples for total in sums.down_columns(*summed))
    variance, mean = tf.maximum(square - tf.square(shift), 0.0), values[0] + shift
    largest = tf.reduce_max(size, axis=0)
    whole_mean = matrix.mean(mean)
    between = matrix.mean(tf.square(mean - matrix.spread(whole_mean)))
    numbers = {
        "activation_mean": whole_mean,
        "activation_std": tf.sqrt(matrix.mean(variance) + between),
        "activation_unit_std": matrix.mean(tf.sqrt(variance)),
        "activation_max_abs": matrix.largest(largest),
        "activation_zero_share": matrix.mean(1.0 - nonzero),
        "activation_nonfinite": tf.zeros_like(whole_mean),
    }
    if outside:
        numbers["activation_saturated_share"] = matrix.mean(outside[0])
    silent = [None] * len(matrix.activations)
    if any(activation in DEAD_BELOW_ZERO for activation in matrix.activations):
        parts = zip(matrix.activations, matrix.units, matrix.parts(largest), strict=True)
        silent = [_silent(*part) for part in parts]
        shares = [tf.constant(_NAN) if units is None else tf.reduce_mean(units) for units in silent]
        numbers["activation_dead_share"] = tf.stack(shares)
    sentinel = tf.reduce_sum(numbers["activation_std"])
    if matrix.whole is not None:
        sentinel += sums.of_squares(as_float(tf.reshape(matrix.whole, [1, -1])))[0]
    if matrix.nonfinite is not None:
        sentinel = tf.where(matrix.nonfinite > 0.0, _NAN, sentinel)
    followed = [None if units is None or units.shape[0] is None else units for units in silent]
    return _table(numbers), followed, sentinel


def _silent(activation: str | None, units: int | None, largest: tf.Tensor) -> tf.Tensor | None:
    """float32 [units], 1 where the largest of all outputs is 0; outputs of these activations are never below.

    largest: of each column.
    """
    if activation not in DEAD_BELOW_ZERO:
        return None
    if units is not None and largest.shape[0] != units:
        largest = tf.reduce_max(tf.reshape(largest, [-1, units]), axis=0)
    return tf.cast(tf.equal(largest, 0.0), tf.float32)


def _of_broken(matrix: Matrix) -> tf.Tensor:
    """float32 [outputs, _SPOILT] as they are with a NaN or Inf among the values."""
    values = matrix.values
    size, is_nan = tf.abs(values), tf.math.is_nan(values)
    conditions = (is_nan, ~tf.math.is_finite(values), tf.equal(values, 0.0))
    nans, nonfinite, zeros = sums.down_columns(*map(as_float, conditions))
    count = matrix.total(nonfinite)
    if matrix.whole is not None:
        count = _count_nonfinite(matrix.whole)[None]
    elif matrix.nonfinite is not None:
        count = matrix.nonfinite[None]
    # Where a NaN is, reduce_max promises nothing.
    largest = matrix.largest(tf.reduce_max(tf.where(is_nan, 0.0, size), axis=0))
    largest = tf.where(matrix.total(nans) > 0.0, _NAN, largest)
    zero_share = matrix.mean(zeros) / as_float(tf.shape(values)[0])
    return tf.stack([largest, zero_share, count], axis=1)


def _table(numbers: Numbers) -> tf.Tensor:
    blank = tf.fill(numbers["activation_mean"].shape, _NAN)
    return tf.stack([numbers.get(name, blank) for name in OUTPUT_COLUMNS], axis=1)
