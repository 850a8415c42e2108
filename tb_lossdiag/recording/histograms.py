"""How are the values of a gradient, an update or an output distributed? Shares of drawn values by octave of magnitude.

Counted in some samples only; the others pass the whole of it over in a branch.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tb_lossdiag.recording.branch import branch
from tb_lossdiag.recording.buckets import CODES, MANTISSA_BITS, bucket_of_code
from tb_lossdiag.recording.drawing import DRAWN_COLUMNS, examples, stride
from tb_lossdiag.recording.outputs import Matrix
from tb_lossdiag.recording.stack import Stack
from tb_lossdiag.recording.statistics import as_float
from tb_lossdiag.recording.variables import Rows
from tb_lossdiag.schema import BUCKETS, ZERO_BUCKET

# Of an output whose width no trace knows: its first columns.
UNKNOWN_COLUMNS = 1_024

_NAN = float("nan")


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


def _of_rows(matrix: Rows, values: tf.Tensor | None) -> _Drawn:
    """A line for each variable; of no values where values is None."""
    lines = len(matrix.sizes)
    if values is None:
        return _Drawn(tf.zeros([lines, 0]), tf.zeros([lines, 1], tf.int32), tf.zeros([lines]), tf.zeros([lines]))
    every = stride(matrix.sizes)
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
    values = values[: examples(values.shape[1] or UNKNOWN_COLUMNS)]
    line = tf.constant(matrix.of_columns() if len(matrix.widths) > 1 else [0])[None, :]
    sizes = as_float(tf.shape(values)[0]) * as_float(widths)
    return _Drawn(values, line, sizes, tf.zeros_like(sizes))


def _shares(drawn: Sequence[_Drawn]) -> tf.Tensor:
    """float32 [lines of all, BUCKETS]"""
    codes, lines = [], 0
    for one in drawn:
        code = tf.bitwise.bitwise_and(
            tf.bitwise.right_shift(tf.bitcast(one.values, tf.int32), MANTISSA_BITS), CODES - 1
        )
        codes.append(tf.reshape(tf.bitwise.bitwise_or(code, (one.line + lines) * CODES), [-1]))
        lines += one.sizes.shape[0]
    counts = tf.reshape(_counts(tf.concat(codes, axis=0), lines * CODES), [lines, CODES])
    table = tf.transpose(tf.math.unsorted_segment_sum(tf.transpose(counts), bucket_of_code(), BUCKETS + 1)[:BUCKETS])
    filled = tf.concat([one.filled for one in drawn], axis=0)
    table -= filled[:, None] * tf.one_hot(ZERO_BUCKET, BUCKETS)
    return table / tf.concat([one.sizes for one in drawn], axis=0)[:, None]


def _counts(codes: tf.Tensor, size: int) -> tf.Tensor:
    """float32 [size]: how often each code is there."""
    if tf.config.list_physical_devices("GPU"):  # which does not count under enable_op_determinism, but adds up
        return tf.math.unsorted_segment_sum(tf.ones_like(codes, tf.float32), codes, size)
    none = tf.zeros([0])  # weights
    return tf.raw_ops.DenseBincount(input=codes, size=size, weights=none, binary_output=False)
