"""How much of the gradient does the optimizer's own clipping leave, on JAX?"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras

from tb_lossdiag.recording.jax.reductions import norms
from tb_lossdiag.recording.jax.statistics import as_float, in_groups


def clip_factor(optimizer: Any, gradients: Sequence[jax.Array], before: jax.Array, scale: Any) -> jax.Array | None:
    """Norm over all variables after clipping / before; None where the optimizer does not clip each step's gradients.

    gradients: as given to the optimizer, multiplied by `scale` where that is not None. before: their norms, unscaled.
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer = optimizer.inner_optimizer
    if not gradients or optimizer.gradient_accumulation_steps:
        return None  # Keras clips the sum over several steps then
    whole = norms(before[None, :])[0][0]
    if _limits(optimizer.clipnorm):
        after = before * jnp.minimum(1.0, optimizer.clipnorm / before)
    elif _limits(optimizer.global_clipnorm):
        after = before * jnp.minimum(1.0, optimizer.global_clipnorm / whole)
    elif _limits(optimizer.clipvalue):
        limit, scale = optimizer.clipvalue, as_float(1.0 if scale is None else scale)
        clipped = [(jnp.clip(as_float(gradient) / scale, -limit, limit),) for gradient in gradients]
        after = in_groups(lambda _, rows: {"norm": norms(rows)[0]}, clipped)["norm"]
    else:
        return None
    factor = jnp.where(whole > 0.0, norms(after[None, :])[0][0] / whole, 1.0)
    return jnp.where(jnp.isfinite(whole), factor, jnp.nan)


def _limits(setting: float | None) -> bool:
    return bool(setting and setting > 0)
