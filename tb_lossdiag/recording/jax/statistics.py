"""What are the numbers of an array on JAX? The kernels of recording/statistics.py, with the same meanings, for XLA.

All are computed in float32. A norm is taken over all elements as they are, so a NaN element gives a NaN norm. Shapes
are static here, and XLA makes one pass of what reads the same array, so no kernel needs a branch.
"""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from tb_lossdiag.recording.limits import DEAD_BELOW_ZERO, EXTREME, MAX_TARGET_UNITS, UNSATURATED

MAX_STACKED_ELEMENTS = 65_536  # stacking copies; what is larger is worth a kernel of its own
PADDING_BITS = 4  # a row may become 16 times as long; what it costs then is still little

Numbers = dict[str, jax.Array]


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> jax.Array:
    """float32 [rows, columns] of scalars, NaN where a row lacks a column."""
    cells = [as_float(row.get(name, jnp.nan)) for row in rows for name in columns]
    return jnp.stack(cells).reshape(len(rows), len(columns)) if cells else jnp.zeros((0, len(columns)), jnp.float32)


def in_groups(kernel: Callable[..., Numbers], arrays: Sequence[tuple[jax.Array, ...]]) -> Numbers:
    """A kernel over rows applied to many arrays, or tuples of arrays: {statistic: float32 [arrays]}.

    Arrays of about one size are padded with zeros, stacked and done at once: XLA then compiles tens of kernels for a
    deep model, not thousands. The kernel is given first how many elements of each row are true.
    """
    groups: dict[int, list[int]] = {}
    for index, (first, *_) in enumerate(arrays):
        groups.setdefault(_padded_size(first.size), []).append(index)
    order: list[int] = []
    results: list[Numbers] = []
    for size, members in groups.items():
        height = max(1, MAX_STACKED_ELEMENTS // max(1, size))
        for start in range(0, len(members), height):
            chunk = members[start : start + height]
            sizes = [arrays[index][0].size for index in chunk]
            parts = zip(*(arrays[index] for index in chunk), strict=True)
            stacked = (jnp.stack([_as_row(x, max(sizes)) for x in part]) for part in parts)
            results.append(kernel(jnp.array(sizes, jnp.float32), *stacked))
            order += chunk
    if not results:
        return {}
    table = jnp.concatenate([jnp.stack(list(numbers.values()), axis=1) for numbers in results])
    if order != sorted(order):
        table = table[jnp.array([order.index(index) for index in range(len(order))], jnp.int32)]
    return {name: table[:, column] for column, name in enumerate(results[0])}


def norm(x: jax.Array) -> jax.Array:
    """L2 norm of each row [rows, n], from the largest element, so that 1e-30 does not underflow nor 1e30 overflow."""
    largest = _largest(jnp.abs(x))
    scale = jnp.where((largest > 0.0) & jnp.isfinite(largest), largest, 1.0)
    return scale * jnp.sqrt(jnp.sum(jnp.square(x / scale[:, None]), axis=1))


def gradient_statistics(elements: jax.Array, gradients: jax.Array, unchanged: jax.Array, scale: Any = None) -> Numbers:
    """Of raw gradients [rows, n], one variable a row, zeros after its elements, divided by the loss scale.

    unchanged: bool [rows, n], where the step left the weight as it was; NaN where no element has a gradient.
    """
    if scale is not None:
        gradients = gradients / as_float(scale)
    size, zero = jnp.abs(gradients), gradients == 0.0
    meant = _count(~zero)
    return {
        "gradient_norm": norm(gradients),
        "gradient_mean_abs": jnp.sum(size, axis=1) / elements,
        "gradient_max_abs": _largest(size),
        "gradient_zero_share": (elements - meant) / elements,
        "gradient_nonfinite": _count(~jnp.isfinite(gradients)),
        "unchanged_share": jnp.where(meant > 0.0, _count(unchanged & ~zero) / meant, jnp.nan),
    }


def update_statistics(_: jax.Array, before: jax.Array, after: jax.Array) -> Numbers:
    """Of weights [rows, n] before and after the step, zeros after their elements; all-zero weights have no ratio."""
    weight, update = norm(before), norm(after - before)
    return {
        "weight_norm": weight,
        "update_norm": update,
        "update_ratio": jnp.where(weight > 0.0, update / weight, jnp.nan),
    }


def output_statistics(output: jax.Array, activation: str | None) -> Numbers:
    """Of one layer output [batch, ..., units], scalars. activation: its Keras name says what is dead and saturated."""
    output = as_float(output)
    row = output.reshape(1, -1)
    mean = jnp.mean(row)
    numbers = {
        "activation_mean": mean,
        "activation_std": jnp.sqrt(jnp.mean(jnp.square(row - mean))),
        "activation_max_abs": _largest(jnp.abs(row))[0],
        "activation_zero_share": jnp.mean(as_float(row == 0.0)),
        "activation_nonfinite": _count(~jnp.isfinite(row))[0],
    }
    if output.ndim:
        numbers["activation_unit_std"] = jnp.mean(_moments(output)[1])
    if activation in DEAD_BELOW_ZERO:
        numbers["activation_dead_share"] = jnp.mean(as_float(jnp.max(_by_feature(output), axis=0) <= 0.0))
    if activation in UNSATURATED:
        low, high = UNSATURATED[activation]
        numbers["activation_saturated_share"] = jnp.mean(as_float((row < low) | (row > high)))
    return numbers


def outputs_statistics(outputs: Sequence[tuple[jax.Array, str | None]]) -> list[Numbers]:
    """output_statistics of many (output, activation); those of one shape and activation are done at once."""
    groups: dict[Any, list[int]] = {}
    for index, (output, activation) in enumerate(outputs):
        groups.setdefault((output.shape, output.dtype, activation), []).append(index)
    found: dict[int, Numbers] = {}
    for (shape, _, activation), members in groups.items():
        width = max(1, MAX_STACKED_ELEMENTS // max(1, math.prod(shape)))
        for start in range(0, len(members), width):
            chunk = members[start : start + width]
            kernel = jax.vmap(functools.partial(output_statistics, activation=activation))
            columns = kernel(jnp.stack([outputs[index][0] for index in chunk]))
            found |= {index: {name: x[row] for name, x in columns.items()} for row, index in enumerate(chunk)}
    return [found[index] for index in range(len(outputs))]


def data_statistics(x: jax.Array, classes: int | None = None) -> Numbers:
    """Of one input, target or prediction [batch, ..., features]. classes: how many, where x holds class labels."""
    x = as_float(x)
    feature_mean, feature_std = _moments(_by_feature(x))
    mean = jnp.mean(feature_mean)
    variance = jnp.mean(jnp.square(feature_std) + jnp.square(feature_mean - mean))
    positive = feature_std > 0.0
    smallest = jnp.min(jnp.where(positive, feature_std, jnp.inf))
    spread = jnp.mean(_moments(x)[1] if x.ndim > 2 else feature_std)
    size = jnp.mean(jnp.abs(x))
    numbers = {
        "min": jnp.min(x),
        "max": jnp.max(x),
        "mean": mean,
        "std": jnp.sqrt(variance),
        "nonfinite": _count(~jnp.isfinite(x.reshape(1, -1)))[0],
        "feature_std_min": jnp.where(jnp.any(positive), smallest, jnp.min(feature_std)),
        "feature_std_max": jnp.max(feature_std),
        "feature_mean_max": jnp.max(jnp.abs(feature_mean)),
        "diversity": jnp.where(size == 0.0, 0.0, spread / size),
    }
    if classes is not None:
        numbers["out_of_range"] = jnp.sum(as_float(~((x >= 0.0) & (x < float(classes)))))
    return numbers


def target_statistics(targets: jax.Array, classes: int | None = None) -> jax.Array:
    """float32 [outputs, 3]: schema.TARGET_COLUMNS of each class, or of each unit of the last axis."""
    if classes is not None:
        counted = min(classes, MAX_TARGET_UNITS)
        possible = (targets >= 0) & (targets < counted)  # a NaN is not
        labels = jnp.where(possible, targets, counted).astype(jnp.int32).reshape(-1)
        share = _class_counts(labels, counted) / labels.size
        return jnp.stack([share, jnp.sqrt(share * (1.0 - share)), jnp.minimum(share, 1.0 - share)], axis=1)
    units = _by_feature(as_float(targets))[:, :MAX_TARGET_UNITS]
    mean, std = _moments(units)
    # Between the two middle values every point has the same mean distance, so no average of the two is needed.
    median = jnp.sort(units, axis=0)[units.shape[0] // 2]
    return jnp.stack([mean, std, jnp.mean(jnp.abs(units - median), axis=0)], axis=1)


def majority_share(x: jax.Array, threshold: float) -> jax.Array:
    """Of predictions [batch, ..., units]: the share of the most frequent class, that of the largest unit.

    threshold: above it a single unit says yes. NaN where a prediction is.
    """
    features = _by_feature(as_float(x))
    if features.shape[-1] == 1:
        yes = jnp.mean(as_float(features > threshold))
        share = jnp.maximum(yes, 1.0 - yes)
    else:
        share = jnp.max(_class_counts(jnp.argmax(features, axis=-1), features.shape[-1])) / features.shape[0]
    return jnp.where(jnp.any(jnp.isnan(features)), jnp.nan, share)


def extreme_share(x: jax.Array) -> jax.Array:
    """Of predictions that all lie in 0 … 1: the share next to either end; else NaN."""
    x = as_float(x)
    share = jnp.mean(as_float((x <= EXTREME) | (x >= 1.0 - EXTREME)))
    return jnp.where(jnp.all((x >= 0.0) & (x <= 1.0)), share, jnp.nan)


def as_float(x: Any) -> jax.Array:
    return jnp.asarray(x).astype(jnp.float32)


def _padded_size(size: int) -> int:
    """Up to which size arrays share a group; a large array has one of its own size."""
    return (
        size if size > MAX_STACKED_ELEMENTS else 2 ** (PADDING_BITS * math.ceil((size - 1).bit_length() / PADDING_BITS))
    )


def _as_row(x: jax.Array, size: int) -> jax.Array:
    number = x if x.dtype == jnp.bool_ else as_float(x)
    return jnp.pad(number.reshape(-1), (0, size - x.size))


def _largest(sizes: jax.Array) -> jax.Array:
    """By row [rows, n] of sizes; 0 of nothing."""
    return jnp.max(sizes, axis=1, initial=0.0)


def _moments(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Mean and std over the first axis, around the first row: exactly 0 for constant columns, whatever their offset."""
    shift = x[:1]
    centred = x - shift
    mean = jnp.mean(centred, axis=0)
    return shift[0] + mean, jnp.sqrt(jnp.mean(jnp.square(centred - mean), axis=0))


def _by_feature(x: jax.Array) -> jax.Array:
    """[examples, features]: the last axis is a feature; a vector holds one feature."""
    return x.reshape(-1, x.shape[-1] if x.ndim > 1 else 1)


def _class_counts(labels: jax.Array, classes: int) -> jax.Array:
    """float32 [classes]; labels from there on are not counted."""
    return jax.ops.segment_sum(jnp.ones(labels.shape, jnp.float32), labels, classes)


def _count(condition: jax.Array) -> jax.Array:
    """By row [rows, n]."""
    return jnp.sum(as_float(condition), axis=1)
