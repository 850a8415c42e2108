"""How are the values of a gradient, an update or an output distributed? Shares of drawn values by octave of magnitude.

Counted in some samples only; the others pass the whole of it over in a branch.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tb_lossdiag.recording.branch import branch
from tb_lossdiag.recording.outputs import Matrix
from tb_lossdiag.recording.stack import Stack
from tb_lossdiag.recording.statistics import as_float
from tb_lossdiag.recording.variables import Rows
from tb_lossdiag.schema import BUCKETS, LARGEST_OCTAVE, SMALLEST_OCTAVE

# Of so many values a share is known within 1.1 % for one standard error. A smaller tensor is counted whole.
DRAWN_VALUES = 2_048
# Of an output so many examples are drawn at least, since those of one example are alike.
DRAWN_EXAMPLES = 64
DRAWN_COLUMNS = 256  # at least, spread over units and positions
# Of an output whose width no trace knows: its first columns.
UNKNOWN_COLUMNS = 1_024

_NAN = float("nan")
# A float32's bits: its sign, 8 of exponent + 127, 23 of mantissa. The exponent is 0 for zero and for what is smaller
# than any normal number, which TensorFlow flushes to zero, and 255 for NaN and Inf.
_MANTISSA_BITS, _BIAS = 23, 127
_EXPONENTS, _NONFINITE = 256, 255
_CODES = 2 * _EXPONENTS  # of sign and exponent


@dataclass(frozen=True)
class _Drawn:
    """float32 [m, n] of some lines. line: int32, of a shape that fits, to which of them an element belongs.

    sizes: float32 [lines], how many are meant. filled: float32 [lines], how many zeros beyond were drawn with them.
    """

    values: tf.Tensor
    line: tf.Tensor
    sizes: tf.Tensor
    filled: tf.Tensor


def histograms(variables: Stack[Rows], kept: Sequence[int], outputs: Stack[Matrix], on: tf.Tensor) -> tf.Tensor:
    """float32 [lines, BUCKETS]: gradients and updates of the kept variables, then the outputs; all NaN unless `on`.

    NaN also where a variable has no gradient, and in a line of no values at all.
    """
    weights = variables.places()
    places = [weights[index] for index in kept]
    places += [len(weights) + place for place in places]
    places += [2 * len(weights) + place for place in outputs.places()]
    if not places:
        return tf.zeros([0, BUCKETS])

    def counted() -> tf.Tensor:
        drawn = [_of_rows(matrix, matrix.gradients) for matrix in variables.matrices]
        drawn += [_of_rows(matrix, matrix.changes) for matrix in variables.matrices]
        drawn += [_of_columns(matrix) for matrix in outputs.matrices]
        return tf.gather(_shares(drawn), places)

    return branch(on, counted, lambda: tf.fill([len(places), BUCKETS], _NAN))


def stride(sizes: Sequence[int], wanted: int) -> int:
    """Every how many elements to draw from tensors of these sizes to have as many as wanted of each.

    Without a factor in common with a size, so that no axis is met in a few places only.
    """
    every = max(1, min(sizes) // wanted)
    while any(math.gcd(every, size) > 1 for size in sizes):
        every += 1
    return every


def _of_rows(matrix: Rows, values: tf.Tensor | None) -> _Drawn:
    """A line for each variable; of no values where values is None."""
    lines = len(matrix.sizes)
    if values is None:
        return _Drawn(tf.zeros([lines, 0]), tf.zeros([lines, 1], tf.int32), tf.zeros([lines]), tf.zeros([lines]))
    every = stride(matrix.sizes, DRAWN_VALUES)
    values = values[:, ::every] if every > 1 else values
    sizes = np.array([math.ceil(size / every) for size in matrix.sizes], np.float32)
    return _Drawn(
        values, tf.range(lines)[:, None], tf.constant(sizes), tf.constant(np.float32(values.shape[1]) - sizes)
    )


def _of_columns(matrix: Matrix) -> _Drawn:
    """A line for each output."""
    values, widths = matrix.values, matrix.widths
    if len(widths) == 1:
        values = values[:, :: stride(widths, DRAWN_COLUMNS)] if widths[0] else values[:, :UNKNOWN_COLUMNS]
        widths = tf.shape(values)[1:]
    values = values[: max(DRAWN_EXAMPLES, DRAWN_VALUES // max(1, values.shape[1] or UNKNOWN_COLUMNS))]
    line = tf.constant(matrix.of_columns() if len(matrix.widths) > 1 else [0])[None, :]
    sizes = as_float(tf.shape(values)[0]) * as_float(widths)
    return _Drawn(values, line, sizes, tf.zeros_like(sizes))


def _shares(drawn: Sequence[_Drawn]) -> tf.Tensor:
    """float32 [lines of all, BUCKETS]"""
    codes, lines = [], 0
    for one in drawn:
        code = tf.bitwise.bitwise_and(
            tf.bitwise.right_shift(tf.bitcast(one.values, tf.int32), _MANTISSA_BITS), _CODES - 1
        )
        codes.append(tf.reshape(tf.bitwise.bitwise_or(code, (one.line + lines) * _CODES), [-1]))
        lines += one.sizes.shape[0]
    counts = tf.reshape(_counts(tf.concat(codes, axis=0), lines * _CODES), [lines, 2, _EXPONENTS])
    zeros = counts[:, 0, :1] + counts[:, 1, :1] - tf.concat([one.filled for one in drawn], axis=0)[:, None]
    first, last = SMALLEST_OCTAVE + _BIAS, LARGEST_OCTAVE + _BIAS
    smallest = tf.reduce_sum(counts[..., 1 : first + 1], axis=2, keepdims=True)
    largest = tf.reduce_sum(counts[..., last:_NONFINITE], axis=2, keepdims=True)
    octaves = tf.concat([smallest, counts[..., first + 1 : last], largest], axis=2)
    table = tf.concat([tf.reverse(octaves[:, 1], [1]), zeros, octaves[:, 0]], axis=1)
    return table / tf.concat([one.sizes for one in drawn], axis=0)[:, None]


def _counts(codes: tf.Tensor, size: int) -> tf.Tensor:
    """float32 [size]: how often each code is there."""
    if tf.config.list_physical_devices("GPU"):  # which does not count under enable_op_determinism, but adds up
        return tf.math.unsorted_segment_sum(tf.ones_like(codes, tf.float32), codes, size)
    none = tf.zeros([0])  # weights
    return tf.raw_ops.DenseBincount(input=codes, size=size, weights=none, binary_output=False)
