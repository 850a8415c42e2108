"""How are many sums and maxima of arrays taken at the price of one? In one pass, by a reduction of several operands.

XLA makes a kernel of each reduction else. Sixty of them over [4, 65536] took 0.55 s of CPU to compile, and as six of
ten operands each 0.18 s; both ran in 3 ms.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

# Of 1e8 numbers up to LARGE, or made smaller, the squares add up to less than float32's largest number. Numbers from
# SMALL on, or made larger, have squares that are normal numbers, and so have those of a ten-millionth of the largest.
SMALL, LARGE = 1e-12, 1e15
UP, DOWN = 1e20, 1e-25

Pair = tuple[list[jax.Array], list[jax.Array]]


def reduced(summed: Sequence[jax.Array], largest: Sequence[jax.Array], axis: int) -> Pair:
    """The sums of the ones and the maxima of the others along an axis. All of one shape and float32.

    The maximum of nothing is -inf, and that of a NaN is NaN.
    """
    sums = len(summed)

    def both(left: Sequence[jax.Array], right: Sequence[jax.Array]) -> tuple[jax.Array, ...]:
        pairs = enumerate(zip(left, right, strict=True))
        return tuple(a + b if place < sums else jnp.maximum(a, b) for place, (a, b) in pairs)

    none = [jnp.float32(0.0)] * sums + [jnp.float32(-jnp.inf)] * len(largest)
    found = jax.lax.reduce((*summed, *largest), tuple(none), both, (axis,))
    return list(found[:sums]), list(found[sums:])


def norms(*arrays: jax.Array) -> list[jax.Array]:
    """L2 norm of each row [rows, n] of each of these, all of one shape."""
    sums, largest = reduced([square for x in arrays for square in squares(x)], [jnp.abs(x) for x in arrays], 1)
    return [norm_from(sums[3 * place :][:3], most) for place, most in enumerate(largest)]


def squares(x: jax.Array) -> list[jax.Array]:
    """What has to be added up for `norm_from`: the squares, and those of the numbers made larger and made smaller.

    So that 1e-30 does not underflow nor 1e30 overflow, and yet one pass is enough.
    """
    return [jnp.square(x), jnp.square(x * UP), jnp.square(x * DOWN)]


def norm_from(sums: Sequence[jax.Array], largest: jax.Array) -> jax.Array:
    """The norms from the sums of `squares` and the largest magnitudes."""
    plain, up, down = map(jnp.sqrt, sums)
    return jnp.where(largest < SMALL, up / UP, jnp.where(largest > LARGE, down / DOWN, plain))
