"""What are the numbers of a tensor? The in-graph kernels; every one compiles under XLA and takes an unknown batch size.

All are computed in float32. A norm is taken over all elements as they are, so a NaN element gives a NaN norm.
What only rare tensors need, such as the count of non-finite elements, stands in a branch that others do not enter.
"""

from collections.abc import Mapping, Sequence

import tensorflow as tf

from tb_lossdiag.recording import sums
from tb_lossdiag.recording.branch import branch
from tb_lossdiag.recording.limits import EXTREME, MAX_TARGET_UNITS

MAX_STACKED_ELEMENTS = 65_536  # a larger temporary is mapped and page-faulted anew at each sparse sample
# A norm whose square is beyond these is taken of the row times or by RESCALE: far enough inside float32's 1e-38 … 3e38
# that no square of an element that counts is lost. A power of two changes no digit.
LARGE_SQUARE, SMALL_SQUARE, RESCALE = 1e30, 1e-20, 2.0**80
BRANCH_ELEMENTS = 16_384  # a branch costs about as much as two passes over these

_NAN = float("nan")

Numbers = dict[str, tf.Tensor]


def table(rows: Sequence[Mapping[str, tf.Tensor]], columns: Sequence[str]) -> tf.Tensor:
    """float32 [rows, columns] of scalars, NaN where a row lacks a column."""
    if not rows:
        return tf.zeros([0, len(columns)])
    nan = tf.constant(_NAN)
    return tf.reshape(tf.stack([row.get(name, nan) for row in rows for name in columns]), [len(rows), len(columns)])


def norm(x: tf.Tensor) -> tf.Tensor:
    """L2 norm of each row [rows, n], n static unless there is one row only.

    Where the sum of squares comes near an end of float32's range it is taken anew of a multiple: 1e-30 does not
    underflow nor 1e30 overflow.
    """
    square = sums.of_squares(x)
    scale = tf.where(square > LARGE_SQUARE, 1.0 / RESCALE, tf.where(square < SMALL_SQUARE, RESCALE, 1.0))
    return tf.sqrt(sums.of_squares(x * scale[:, None])) / scale


def dense(gradient: tf.Tensor | tf.IndexedSlices, variable: tf.Variable) -> tf.Tensor:
    """The gradient that a sparse one stands for, in its variable's shape."""
    if isinstance(gradient, tf.IndexedSlices):
        gradient = tf.math.unsorted_segment_sum(gradient.values, gradient.indices, variable.shape[0])
    return tf.ensure_shape(gradient, variable.shape)


def data_statistics(x: tf.Tensor, classes: int | None = None) -> Numbers:
    """Of one input, target or prediction [batch, ..., features]. classes: how many, where x holds class labels.

    Adds up by column first and takes what is left of several columns together: under XLA each sum, each largest and
    each smallest over all of x is a few kernels to compile.
    """
    x = as_float(x)
    rank = x.shape.rank or 0
    columns = x if rank == 2 else tf.reshape(x, [tf.shape(x)[0], -1] if rank > 2 else [-1, 1])
    mean, std, size = _moments(columns, tf.abs(columns))
    high, low = tf.unstack(_largest(tf.reduce_max(columns, axis=0), -tf.reduce_min(columns, axis=0)))
    spread, whole_size = tf.unstack(tf.reduce_mean(tf.stack([std, size]), axis=1))
    if rank > 2:  # a feature spreads over its places, in time or an image, too
        places = [-1, x.shape[-1] or tf.shape(x)[-1]]
        within = tf.reduce_mean(tf.reshape(tf.square(std), places), axis=0)
        mean, by_place = _moments(tf.reshape(mean, places))
        std = tf.sqrt(within + tf.square(by_place))
    numbers = {
        "min": -low,
        "max": high,
        "nonfinite": _nonfinite(columns, whole_size),
        "diversity": tf.math.divide_no_nan(spread, whole_size),
        **_of_features(mean, std),
    }
    if classes is not None:
        numbers["out_of_range"] = tf.reduce_sum(as_float(~((x >= 0.0) & (x < float(classes)))))
    return numbers


def term_statistics(value: tf.Tensor) -> Numbers:
    """Of a term of the loss, or of the same for each example."""
    mean = tf.reduce_mean(as_float(value))
    return {"mean": mean, "nonfinite": as_float(~tf.math.is_finite(mean))}


def _of_features(mean: tf.Tensor, std: tf.Tensor) -> Numbers:
    """From the mean and the spread of each feature [features]."""
    if mean.shape[0] == 1:
        mean, std = mean[0], std[0]
        one = {"mean": mean, "std": std, "feature_mean_max": tf.abs(mean)}
        return one | {"feature_std_min": std, "feature_std_max": std}
    whole, between = _moments(mean[:, None])
    varying = tf.where(std > 0.0, -std, -tf.float32.max)
    shift, most, least, constant = tf.unstack(_largest(tf.abs(mean), std, varying, -std))
    return {
        "mean": whole[0],
        "std": tf.sqrt(tf.reduce_mean(tf.square(std)) + tf.square(between[0])),
        "feature_std_min": -tf.where(least > -tf.float32.max, least, constant),
        "feature_std_max": most,
        "feature_mean_max": shift,
    }


def _largest(*rows: tf.Tensor) -> tf.Tensor:
    """[rows] from so many [n]"""
    return tf.reduce_max(tf.stack(rows), axis=1)


def target_statistics(targets: tf.Tensor, classes: int | None = None) -> tf.Tensor:
    """float32 [outputs, 3]: schema.TARGET_COLUMNS of each class, or of each unit of the last axis."""
    if classes is not None:
        labels = tf.reshape(tf.cast(targets, tf.int32), [-1])
        counted = min(classes, MAX_TARGET_UNITS)
        labels = tf.where((labels >= 0) & (labels < counted), labels, -1)
        counts = tf.math.unsorted_segment_sum(tf.ones_like(labels, tf.float32), labels, counted)
        share = counts / tf.cast(tf.size(labels), tf.float32)
        return tf.stack([share, tf.sqrt(share * (1.0 - share)), tf.minimum(share, 1.0 - share)], axis=1)
    units = _by_feature(as_float(targets))[:, :MAX_TARGET_UNITS]
    mean, std = _moments(units)
    # Between the two middle values every point has the same mean distance, so no average of the two is needed.
    median = tf.sort(units, axis=0)[tf.shape(units)[0] // 2]
    return tf.stack([mean, std, tf.reduce_mean(tf.abs(units - median), axis=0)], axis=1)


def majority_share(x: tf.Tensor, threshold: float) -> tf.Tensor:
    """Of predictions [batch, ..., units]: the share of the most frequent class, that of the largest unit.

    threshold: above it a single unit says yes. NaN where a prediction is.
    """
    features = _by_feature(as_float(x))
    classes = features.shape[-1]
    if classes == 1:
        yes = _share(tf.reshape(features, [1, -1]) > threshold)[0]
        share = tf.maximum(yes, 1.0 - yes)
    else:
        chosen = tf.argmax(features, axis=-1, output_type=tf.int32)
        counts = tf.math.unsorted_segment_sum(tf.ones_like(chosen, tf.float32), chosen, classes)
        share = tf.reduce_max(counts) / tf.cast(tf.size(chosen), tf.float32)
    return tf.where(tf.reduce_any(tf.math.is_nan(features)), _NAN, share)


def extreme_share(x: tf.Tensor) -> tf.Tensor:
    """Of predictions that all lie in 0 … 1: the share next to either end; else NaN."""
    row = tf.reshape(as_float(x), [1, -1])
    share = _share((row <= EXTREME) | (row >= 1.0 - EXTREME))[0]
    return tf.where(tf.reduce_all((row >= 0.0) & (row <= 1.0)), share, _NAN)


def as_float(x: tf.Tensor | float) -> tf.Tensor:
    return tf.cast(x, tf.float32)


def _nonfinite(x: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """How many elements [n, columns] are NaN or Inf; size: their mean magnitude."""

    def counted() -> tf.Tensor:
        return tf.reduce_sum(sums.down_columns(as_float(~tf.math.is_finite(x)))[0])

    if _is_small(x):
        return counted()
    return branch(tf.math.is_finite(size), lambda: tf.constant(0.0), counted)


def _is_small(x: tf.Tensor) -> bool:
    """Whether a pass over x is cheaper than a branch around it; of an unknown size it is taken to be."""
    elements = x.shape.num_elements()
    return elements is None or elements < BRANCH_ELEMENTS


def _moments(x: tf.Tensor, *others: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Mean and std over the first axis of [n, columns], by column, and the means of others of its shape.

    Around the first row: exactly 0 for constant columns, whatever their offset.
    """
    count, first = tf.cast(tf.shape(x)[0], tf.float32), x[:1]
    centred = x - first
    mean, square, *means = (total / count for total in sums.down_columns(centred, tf.square(centred), *others))
    return tf.squeeze(first, axis=0) + mean, tf.sqrt(tf.maximum(square - tf.square(mean), 0.0)), *means


def _by_feature(x: tf.Tensor) -> tf.Tensor:
    """[examples, features]: the last axis is a feature; a vector holds one feature."""
    if x.shape.rank is None or x.shape.rank < 2:
        return tf.reshape(x, [-1, 1])
    width = x.shape[-1] if x.shape[-1] is not None else tf.shape(x)[-1]
    return tf.reshape(x, [-1, width])


def _share(condition: tf.Tensor) -> tf.Tensor:
    """By row [rows, n]."""
    return tf.reduce_mean(as_float(condition), axis=1)
