"""Do the two halves of a batch ask for the same step, on JAX? The cosine of their gradients at the output's kernel.

There a gradient is a product of what the backward pass has anyway: the layer's input times the residual, dL/dz of each
example. Sample weights, label smoothing and penalties are left out.
"""

import jax
import jax.numpy as jnp

from tb_lossdiag.recording.jax.observation import Observation
from tb_lossdiag.recording.jax.reductions import norms
from tb_lossdiag.recording.jax.statistics import as_float
from tb_lossdiag.recording.losses import Loss
from tb_lossdiag.recording.output_layer import output_layer
from tb_lossdiag.recording.residual import MAX_KERNEL_ELEMENTS, residual_form

RESIDUALS = {
    "softmax": lambda p, y: jax.nn.softmax(p) - y,
    "sigmoid": lambda p, y: jax.nn.sigmoid(p) - y,
    "difference": lambda p, y: p - y,
    "sign": lambda p, y: jnp.sign(p - y),
}


def gradient_agreement(
    observation: Observation, target: jax.Array, prediction: jax.Array, loss: Loss
) -> jax.Array | None:
    """Cosine of the gradients of the first and the second half of the batch; NaN for fewer than 4 examples.

    None where the prediction is no Dense layer's, but for an activation, or its loss has no residual that is known.
    """
    seen = observation.seen
    features, activation = output_layer(seen.calls, observation.structure, prediction)
    residual = RESIDUALS.get(residual_form(activation, loss))
    if residual is None or not any(features is array for array in seen.tensors()):
        return None
    if features.shape[-1] * prediction.shape[-1] > MAX_KERNEL_ELEMENTS:
        return None
    target = _in_shape_of(prediction, target, sparse=loss.name.startswith("Sparse"))
    if target is None:
        return None
    return agreement(as_float(features), residual(as_float(prediction), target))


def agreement(features: jax.Array, residuals: jax.Array) -> jax.Array:
    """Cosine of features^T residuals over the first and the second half of the examples."""
    half = features.shape[0] // 2
    if half < 2:
        return jnp.float32(jnp.nan)

    def gradient(examples: slice) -> jax.Array:
        x, residual = (rows[examples].reshape(-1, rows.shape[-1]) for rows in (features, residuals))
        return jnp.matmul(x.T, residual, precision="highest").reshape(-1)

    both = jnp.stack([gradient(slice(None, half)), gradient(slice(half, 2 * half))])
    return jnp.sum(jnp.prod(both / norms(both)[0][:, None], axis=0))


def _in_shape_of(prediction: jax.Array, target: jax.Array, sparse: bool) -> jax.Array | None:
    """float32 targets as the loss compares them; None where their shapes do not tell."""
    units = prediction.shape[-1]
    if sparse:
        if target.ndim == prediction.ndim and target.shape[-1] == 1:
            target = target[..., 0]
        return jax.nn.one_hot(target.astype(jnp.int32), units) if target.ndim == prediction.ndim - 1 else None
    if target.ndim == prediction.ndim - 1 and units == 1:
        target = target[..., None]
    return as_float(target) if target.ndim == prediction.ndim and target.shape[-1] == units else None
