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
    """L2 norm of each row [rows, n], from the largest element, so that 1e-30 does not underflow nor 1e30 overflow."""
    return _norm(x, _sizes(x)[2])


def gradient_statistics(gradients: tf.Tensor, unchanged: tf.Tensor, sizes: tf.Tensor) -> Numbers:
    """Of gradients [rows, n], one variable a row, with zeros behind its true number of elements.

    unchanged: bool [rows, n], where the step left the weight as it was; NaN where no element has a gradient.
    """
    _, total, largest = _sizes(gradients)
    zero = tf.equal(gradients, 0.0)
    meant = _count(~zero)
    return {
        "gradient_norm": _norm(gradients, largest),
        "gradient_mean_abs": total / sizes,
        "gradient_max_abs": largest,
        "gradient_zero_share": (sizes - meant) / sizes,
        "gradient_nonfinite": _count(~tf.math.is_finite(gradients)),
        "unchanged_share": tf.where(meant > 0.0, _count(unchanged & ~zero) / meant, _NAN),
    }


def dense(gradient: tf.Tensor | tf.IndexedSlices, variable: tf.Variable) -> tf.Tensor:
    """The gradient that a sparse one stands for, in its variable's shape."""
    if isinstance(gradient, tf.IndexedSlices):
        gradient = tf.math.unsorted_segment_sum(gradient.values, gradient.indices, variable.shape[0])
    return tf.ensure_shape(gradient, variable.shape)


def data_statistics(x: tf.Tensor, classes: int | None = None) -> Numbers:
    """Of one input, target or prediction [batch, ..., features]. classes: how many, where x holds class labels."""
    x = as_float(x)
    width = (x.shape[-1] or tf.shape(x)[-1]) if (x.shape.rank or 0) > 1 else 1
    mean, std = _moments(x if (x.shape.rank or 0) < 2 else tf.reshape(x, [tf.shape(x)[0], -1]))
    shift, by_place = _moments(tf.reshape(mean, [-1, width]))  # of each feature over its places, in time or an image
    within = tf.reduce_mean(tf.reshape(tf.square(std), [-1, width]), axis=0)
    feature_std = tf.sqrt(within + tf.square(by_place))
    whole, between = _moments(shift[:, None])
    smallest = tf.reduce_min(tf.where(feature_std > 0.0, feature_std, tf.float32.max))
    row = tf.reshape(x, [1, -1])
    size, total, _ = _sizes(row)
    numbers = {
        "min": tf.reduce_min(x),
        "max": tf.reduce_max(x),
        "mean": whole[0],
        "std": tf.sqrt(tf.reduce_mean(tf.square(feature_std)) + tf.square(between[0])),
        "nonfinite": _nonfinite(row, total)[0],
        "feature_std_min": tf.where(smallest < tf.float32.max, smallest, tf.reduce_min(feature_std)),
        "feature_std_max": tf.reduce_max(feature_std),
        "feature_mean_max": tf.reduce_max(tf.abs(shift)),
        "diversity": tf.math.divide_no_nan(tf.reduce_mean(std), tf.reduce_mean(size)),
    }
    if classes is not None:
        numbers["out_of_range"] = tf.reduce_sum(_ones_where(~((x >= 0.0) & (x < float(classes)))))
    return numbers


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


def _sizes(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """|x| [rows, n], its sum and its largest element by row; both NaN where one is, as reduce_max does not promise."""
    size = tf.abs(x)
    total = tf.reduce_sum(size, axis=1)
    largest = tf.maximum(tf.reduce_max(size, axis=1), 0.0)  # of nothing it would be -inf
    return size, total, tf.where(tf.math.is_nan(total), _NAN, largest)


def _norm(x: tf.Tensor, largest: tf.Tensor) -> tf.Tensor:
    scale = tf.where((largest > 0.0) & tf.math.is_finite(largest), largest, 1.0)
    return scale * tf.sqrt(tf.reduce_sum(tf.square(x / scale[:, None]), axis=1))


def _nonfinite(x: tf.Tensor, total: tf.Tensor) -> tf.Tensor:
    """How many elements of each row [rows, n] are NaN or Inf; total: the sum of their sizes."""

    def counted() -> tf.Tensor:
        return _count(~tf.math.is_finite(x))

    if _is_small(x):
        return counted()
    return branch(tf.reduce_all(tf.math.is_finite(total)), lambda: tf.zeros_like(total), counted)


def _is_small(x: tf.Tensor) -> bool:
    """Whether a pass over x is cheaper than a branch around it; of an unknown size it is taken to be."""
    elements = x.shape.num_elements()
    return elements is None or elements < BRANCH_ELEMENTS


def _moments(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean and std over the first axis of [n] or [n, columns], by column.

    Around the first row: exactly 0 for constant columns, whatever their offset.
    """
    x = x if x.shape.rank == 2 else tf.reshape(x, [-1, 1])
    count = tf.cast(tf.shape(x)[0], tf.float32)
    centred = x - x[:1]
    mean = sums.down_columns(centred) / count
    variance = sums.down_columns(tf.square(centred)) / count - tf.square(mean)
    return x[0] + mean, tf.sqrt(tf.maximum(variance, 0.0))


def _by_feature(x: tf.Tensor) -> tf.Tensor:
    """[examples, features]: the last axis is a feature; a vector holds one feature."""
    if x.shape.rank is None or x.shape.rank < 2:
        return tf.reshape(x, [-1, 1])
    width = x.shape[-1] if x.shape[-1] is not None else tf.shape(x)[-1]
    return tf.reshape(x, [-1, width])


def _ones_where(condition: tf.Tensor) -> tf.Tensor:
    return tf.cast(condition, tf.float32)


def _count(condition: tf.Tensor) -> tf.Tensor:
    """By row [rows, n]."""
    return tf.reduce_sum(_ones_where(condition), axis=1)


def _share(condition: tf.Tensor) -> tf.Tensor:
    """By row [rows, n]."""
    return tf.reduce_mean(_ones_where(condition), axis=1)
