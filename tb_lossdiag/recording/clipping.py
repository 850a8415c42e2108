"""How much of the gradient does the optimizer's own clipping leave?"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tb_lossdiag.recording.statistics import as_float, dense, norm

Gradient = tf.Tensor | tf.IndexedSlices


def clip_factor(
    optimizer: Any, gradients: Sequence[Gradient], variables: Sequence[Any], norms: tf.Tensor, scale: Any
) -> tf.Tensor | None:
    """Norm over all variables after clipping / before; None where the optimizer does not clip each step's gradients.

    gradients: as given to the optimizer, scaled by `scale` where that is not None. norms: theirs, unscaled. As Keras
    does it, a sparse gradient is clipped by its stored values, several of which may belong to one row.
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer = optimizer.inner_optimizer
    if not gradients or optimizer.gradient_accumulation_steps or tf.distribute.get_strategy().num_replicas_in_sync > 1:
        return None  # Keras clips the sum over several steps then, or each replica's part
    scale = as_float(1.0 if scale is None else scale)
    if _limits(optimizer.clipnorm):
        after = norms * tf.minimum(1.0, optimizer.clipnorm / _stored_norms(gradients, norms, scale))
    elif _limits(optimizer.global_clipnorm):
        whole = norm(_stored_norms(gradients, norms, scale)[None, :])
        after = norms * tf.minimum(1.0, optimizer.global_clipnorm / whole)
    elif _limits(optimizer.clipvalue):
        clipped = [_clipped(gradient, scale, optimizer.clipvalue) for gradient in gradients]
        pairs = zip(clipped, variables, strict=True)
        after = tf.stack([norm(tf.reshape(dense(*pair), [1, -1]))[0] for pair in pairs])
    else:
        return None
    before, after = norm(norms[None, :])[0], norm(after[None, :])[0]
    factor = tf.where(before > 0.0, after / before, 1.0)
    return tf.where(tf.math.is_finite(before), factor, float("nan"))


def _limits(setting: float | None) -> bool:
    return bool(setting and setting > 0)


def _stored_norms(gradients: Sequence[Gradient], norms: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    if not any(isinstance(gradient, tf.IndexedSlices) for gradient in gradients):
        return norms
    return tf.stack(
        [
            norm(tf.reshape(as_float(gradient.values), [1, -1]))[0] / scale
            if isinstance(gradient, tf.IndexedSlices)
            else norms[index]
            for index, gradient in enumerate(gradients)
        ]
    )


def _clipped(gradient: Gradient, scale: tf.Tensor, limit: float) -> Gradient:
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(_clipped(gradient.values, scale, limit), gradient.indices, gradient.dense_shape)
    return tf.clip_by_value(as_float(gradient) / scale, -limit, limit)
