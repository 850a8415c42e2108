"""What are the numbers of an array on JAX? The kernels of recording/statistics.py, with the same meanings, for XLA.

All are computed in float32. A norm is taken over all elements as they are, so a NaN element gives a NaN norm. Shapes
are static here, and one pass takes all that is read of an array, so no kernel needs a branch.
"""

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from tb_lossdiag.recording.jax.reductions import norm_from, norms, reduced, squares
from tb_lossdiag.recording.layout import OUTPUT_COLUMNS
from tb_lossdiag.recording.limits import DEAD_BELOW_ZERO, EXTREME, MAX_TARGET_UNITS, UNSATURATED

MAX_STACKED_ELEMENTS = 65_536  # stacking copies; what is larger is worth a kernel of its own
PADDING_BITS = 4  # a row may become 16 times as long; what it costs then is still little

Numbers = dict[Any, jax.Array]  # by name, or by place


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
    table = _in_order([jnp.stack(list(numbers.values()), axis=1) for numbers in results], order)
    return {name: table[:, column] for column, name in enumerate(results[0])}


def variable_statistics(variables: Sequence[tuple[jax.Array, ...]], scale: Any = None) -> Numbers:
    """{column: float32 [variables]} of (before, after, gradient, unchanged).

    before, after: the weights. gradient: raw, to be divided by the loss scale. unchanged: bool, where the step left a
    weight as it was; the share of it is NaN where no element has a gradient.
    """

    def added(_: jax.Array, before: jax.Array, after: jax.Array, gradients: jax.Array, unchanged: jax.Array) -> Numbers:
        if scale is not None:
            gradients = gradients / as_float(scale)
        size, meant, change = jnp.abs(gradients), gradients != 0.0, after - before
        counted = map(as_float, (meant, ~jnp.isfinite(gradients), unchanged & meant))
        summed = [*squares(gradients), *squares(before), *squares(change), size, *counted]
        sums, largest = reduced(summed, [size, jnp.abs(before), jnp.abs(change)], 1)
        return dict(enumerate([*sums, *largest]))

    found = in_groups(added, variables)
    if not found:
        return {}
    *powers, total, meant, nonfinite, left, largest, weight, change = found.values()
    elements = jnp.array([before.size for before, *_ in variables], jnp.float32)
    return {
        "gradient_norm": norm_from(powers[:3], largest),
        "gradient_mean_abs": total / elements,
        "gradient_max_abs": jnp.maximum(largest, 0.0),  # of nothing it is -inf
        "gradient_zero_share": (elements - meant) / elements,
        "gradient_nonfinite": nonfinite,
        "unchanged_share": jnp.where(meant > 0.0, left / meant, jnp.nan),
        **_of_update(norm_from(powers[3:6], weight), norm_from(powers[6:], change)),
    }


def update_statistics(variables: Sequence[tuple[jax.Array, jax.Array]]) -> Numbers:
    """Of variables without a gradient: {column: float32 [variables]} of (before, after)."""
    found = in_groups(lambda _, *pair: dict(enumerate(norms(pair[0], pair[1] - pair[0]))), variables)
    return _of_update(*found.values()) if found else {}


def _of_update(weight: jax.Array, update: jax.Array) -> Numbers:
    """All-zero weights have no ratio."""
    ratio = jnp.where(weight > 0.0, update / weight, jnp.nan)
    return {"weight_norm": weight, "update_norm": update, "update_ratio": ratio}


def output_statistics(output: jax.Array, activation: str | None) -> jax.Array:
    """float32 [OUTPUT_COLUMNS] of one layer output [batch, ..., units]; NaN for what it cannot have.

    activation: its Keras name says what is dead and saturated. Adds up by column, a unit and position each, and then
    what the columns have.
    """
    output = as_float(output)
    if not output.size:
        return jnp.full(len(OUTPUT_COLUMNS), jnp.nan, jnp.float32)
    columns = output.reshape(output.shape[0] if output.ndim else 1, -1)
    examples, width = columns.shape
    centred, bounds = columns - columns[:1], UNSATURATED.get(activation)
    counted = [columns == 0.0, ~jnp.isfinite(columns)]
    if bounds is not None:
        counted.append((columns < bounds[0]) | (columns > bounds[1]))
    sums, (size,) = reduced([centred, jnp.square(centred), *map(as_float, counted)], [jnp.abs(columns)], 0)
    shift, square, *counts = (total / examples for total in sums)
    variance, mean = jnp.maximum(square - jnp.square(shift), 0.0), columns[0] + shift
    centred = mean - mean[:1]
    silent = as_float(size == 0.0)
    summed = [variance, jnp.sqrt(variance), centred, jnp.square(centred), silent, *counts]
    sums, (largest,) = reduced(summed, [size], 0)
    variance, unit_std, shift, square, silent, zero, nonfinite, *outside = (total / width for total in sums)
    numbers = {
        "activation_mean": mean[0] + shift,
        "activation_std": jnp.sqrt(variance + jnp.maximum(square - jnp.square(shift), 0.0)),
        "activation_max_abs": jnp.maximum(largest, 0.0),
        "activation_zero_share": zero,
        "activation_nonfinite": nonfinite * (examples * width),
    }
    if output.ndim:
        numbers["activation_unit_std"] = unit_std
    if outside:
        numbers["activation_saturated_share"] = outside[0]
    if activation in DEAD_BELOW_ZERO:  # whose outputs are never below 0
        units = output.shape[-1] if output.ndim > 2 else width
        numbers["activation_dead_share"] = silent
        if units != width:
            numbers["activation_dead_share"] = jnp.mean(as_float(jnp.max(size.reshape(-1, units), axis=0) == 0.0))
    return jnp.stack([numbers.get(name, jnp.float32(jnp.nan)) for name in OUTPUT_COLUMNS])


def outputs_statistics(outputs: Sequence[tuple[jax.Array, str | None]]) -> jax.Array:
    """float32 [outputs, OUTPUT_COLUMNS] of (output, activation); those of one shape and activation at once."""
    groups: dict[Any, list[int]] = {}
    for index, (output, activation) in enumerate(outputs):
        groups.setdefault((output.shape, output.dtype, activation), []).append(index)
    order: list[int] = []
    tables: list[jax.Array] = []
    for (shape, _, activation), members in groups.items():
        width = max(1, MAX_STACKED_ELEMENTS // max(1, math.prod(shape)))
        kernel = jax.vmap(functools.partial(output_statistics, activation=activation))
        for start in range(0, len(members), width):
            chunk = members[start : start + width]
            tables.append(kernel(jnp.stack([outputs[index][0] for index in chunk])))
            order += chunk
    return _in_order(tables, order) if tables else jnp.zeros((0, len(OUTPUT_COLUMNS)), jnp.float32)


def data_statistics(x: jax.Array, classes: int | None = None) -> Numbers:
    """Of one input, target or prediction [batch, ..., features]. classes: how many, where x holds class labels."""
    x = as_float(x)
    if not x.size:
        return {}
    columns = x.reshape(x.shape[0], -1) if x.ndim else x.reshape(1, 1)
    examples = columns.shape[0]
    centred, size = columns - columns[:1], jnp.abs(columns)
    counted = [~jnp.isfinite(columns)]
    if classes is not None:
        counted.append(~((columns >= 0.0) & (columns < float(classes))))
    sums, extremes = reduced([centred, jnp.square(centred), size, *map(as_float, counted)], [columns, -columns], 0)
    shift, square, size, *counts = (total / examples for total in sums)
    std, mean = jnp.sqrt(jnp.maximum(square - jnp.square(shift), 0.0)), columns[0] + shift
    (spread, size, *counts), (high, low) = reduced([std, size, *counts], extremes, 0)
    if x.ndim > 2:  # a feature spreads over its places, in time or an image, too
        within = jnp.mean(jnp.square(std).reshape(-1, x.shape[-1]), axis=0)
        mean, by_place = _moments(mean.reshape(-1, x.shape[-1]))
        std = jnp.sqrt(within + jnp.square(by_place))
    numbers = {
        "min": -low,
        "max": high,
        "nonfinite": counts[0] * examples,
        "diversity": jnp.where(size == 0.0, 0.0, spread / size),
        **_of_features(mean, std),
    }
    if classes is not None:
        numbers["out_of_range"] = counts[1] * examples
    return numbers


def term_statistics(value: jax.Array) -> Numbers:
    """Of a term of the loss, or of the same for each example."""
    mean = jnp.mean(as_float(value))
    return {"mean": mean, "nonfinite": as_float(~jnp.isfinite(mean))}


def _of_features(mean: jax.Array, std: jax.Array) -> Numbers:
    """From the mean and the spread of each feature [features]."""
    centred, varying = mean - mean[:1], jnp.where(std > 0.0, -std, -jnp.inf)
    sums, (shift, most, least, constant) = reduced(
        [centred, jnp.square(centred), jnp.square(std)], [jnp.abs(mean), std, varying, -std], 0
    )
    between, square, within = (total / mean.size for total in sums)
    return {
        "mean": mean[0] + between,
        "std": jnp.sqrt(within + jnp.maximum(square - jnp.square(between), 0.0)),
        "feature_std_min": -jnp.where(least > -jnp.inf, least, constant),
        "feature_std_max": most,
        "feature_mean_max": shift,
    }


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
    x = as_float(x).reshape(-1)
    (extreme, outside), _ = reduced(
        [*map(as_float, ((x <= EXTREME) | (x >= 1.0 - EXTREME), ~((x >= 0.0) & (x <= 1.0))))], [], 0
    )
    return jnp.where(outside == 0.0, extreme / x.size, jnp.nan)


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


def _in_order(tables: Sequence[jax.Array], order: Sequence[int]) -> jax.Array:
    """[items, columns] of all tables, whose rows are of the items in this order."""
    table = jnp.concatenate(tables) if len(tables) > 1 else tables[0]
    if list(order) == sorted(order):
        return table
    return table[jnp.array([order.index(index) for index in range(len(order))], jnp.int32)]


def _moments(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Mean and std over the first axis, around the first row: exactly 0 for constant columns, whatever their offset."""
    centred = x - x[:1]
    (shift, square), _ = reduced([centred, jnp.square(centred)], [], 0)
    shift, square = shift / x.shape[0], square / x.shape[0]
    return x[0] + shift, jnp.sqrt(jnp.maximum(square - jnp.square(shift), 0.0))


def _by_feature(x: jax.Array) -> jax.Array:
    """[examples, features]: the last axis is a feature; a vector holds one feature."""
    return x.reshape(-1, x.shape[-1] if x.ndim > 1 else 1)


def _class_counts(labels: jax.Array, classes: int) -> jax.Array:
    """float32 [classes]; labels from there on are not counted."""
    return jax.ops.segment_sum(jnp.ones(labels.shape, jnp.float32), labels, classes)
