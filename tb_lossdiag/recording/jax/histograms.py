"""How are the values of a gradient, an update or an output distributed, on JAX? Shares of drawn values by octave.

Counted in some samples only, in a branch. Values are drawn in all of them, which took an MLP twin 8.6 ms instead of 8.5
on a busy machine: for a branch that drew them itself XLA would have to keep every gradient, weight and output whole. A
second twin that counts would cost the training another compilation.
"""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp

from tb_lossdiag.recording.buckets import CODES, MANTISSA_BITS, bucket_of_code
from tb_lossdiag.recording.drawing import DRAWN_COLUMNS, examples, stride
from tb_lossdiag.recording.jax.statistics import as_float, in_groups
from tb_lossdiag.schema import BUCKETS, ZERO_BUCKET


def histograms(lines: Sequence[jax.Array | None], on: bool | jax.Array) -> jax.Array:
    """float32 [lines, BUCKETS] of drawn values; NaN for None, where there are none, and all of them unless `on`."""
    blank = jnp.full((len(lines), BUCKETS), jnp.nan, jnp.float32)
    places = [place for place, values in enumerate(lines) if values is not None]

    def counted() -> jax.Array:
        table = in_groups(_shares, [(lines[place],) for place in places])["shares"]
        return blank.at[jnp.array(places, jnp.int32)].set(table)

    if not places:
        return blank
    return counted() if on is True else jax.lax.cond(on, counted, lambda: blank)


def drawn(x: jax.Array) -> jax.Array:
    """float32 [values]: some of all elements."""
    return as_float(_some(x))


def drawn_change(before: jax.Array, after: jax.Array) -> jax.Array:
    """float32 [values]: some of after - before, in the precision of the weights, exactly 0 where they are the same."""
    before, after = _some(before), _some(after)
    precision = jnp.promote_types(before.dtype, jnp.float32)  # of a float64's change float32 may lose all
    return as_float(jnp.where(before == after, 0.0, after.astype(precision) - before.astype(precision)))


def drawn_output(output: jax.Array) -> jax.Array:
    """float32 [values]: some of the elements of [batch, ..., units]."""
    if not output.ndim or not output.size:
        return drawn(output)
    width = output.size // output.shape[0]
    every = stride([width], DRAWN_COLUMNS)
    part = output[: examples(width // every)]
    return as_float(part.reshape(part.shape[0], -1)[:, ::every].reshape(-1))


def _some(x: jax.Array) -> jax.Array:
    return x.reshape(-1)[:: stride([x.size])]


def _shares(sizes: jax.Array, values: jax.Array) -> Mapping[str, jax.Array]:
    """float32 [rows, BUCKETS] of rows of values with zeros behind the first `sizes` of each."""
    rows, width = values.shape
    bits = jax.lax.bitcast_convert_type(values, jnp.int32)
    buckets = jnp.asarray(bucket_of_code())[jnp.bitwise_and(jnp.right_shift(bits, MANTISSA_BITS), CODES - 1)]
    places = (buckets + (BUCKETS + 1) * jnp.arange(rows)[:, None]).reshape(-1)
    counts = jax.ops.segment_sum(jnp.ones(places.shape, jnp.float32), places, rows * (BUCKETS + 1))
    counts = counts.reshape(rows, BUCKETS + 1)[:, :BUCKETS].at[:, ZERO_BUCKET].add(sizes - width)
    return {"shares": counts / sizes[:, None]}
