"""Do the two halves of a batch ask for the same step? The cosine of their gradients at the output layer's kernel.

There a gradient is a product of what the backward pass has anyway: the layer's input times the residual, dL/dz of each
example. Sample weights, label smoothing and penalties are left out.
"""

from typing import Any

import keras
import tensorflow as tf

from tb_lossdiag.recording.activations import activation_name
from tb_lossdiag.recording.apart import Copies
from tb_lossdiag.recording.keras_private import is_masked
from tb_lossdiag.recording.losses import Loss
from tb_lossdiag.recording.observation import Observation
from tb_lossdiag.recording.residual import MAX_KERNEL_ELEMENTS, residual_form
from tb_lossdiag.recording.statistics import as_float, norm
from tb_lossdiag.recording.workers import replicas_of

RESIDUALS = {
    "softmax": lambda p, y: tf.nn.softmax(p) - y,
    "sigmoid": lambda p, y: tf.nn.sigmoid(p) - y,
    "difference": lambda p, y: p - y,
    "sign": lambda p, y: tf.sign(p - y),
}


def gradient_agreement(
    observation: Observation, target: tf.Tensor, prediction: tf.Tensor, loss: Loss, copies: Copies
) -> tf.Tensor | None:
    """Cosine of the gradients of the first and the second half of the batch; NaN for fewer than 4 examples.

    None where the prediction is no Dense layer's, but for an activation, or its loss has no residual that is known; and
    where this replica sees a part of the batch only and the others cannot be asked for theirs.
    """
    if replicas_of(observation.model) > 1 and not observation.asks_others:
        return None
    features, activation = _output_layer(observation, prediction)
    residual = RESIDUALS.get(residual_form(activation, loss))
    if features is None or residual is None or is_masked(prediction):
        return None
    width, units = features.shape[-1], prediction.shape[-1]
    if width is None or units is None or width * units > MAX_KERNEL_ELEMENTS:
        return None
    target = _in_shape_of(prediction, copies.of(target), sparse=loss.name.startswith("Sparse"))
    if target is None:
        return None
    replicas = tf.distribute.get_replica_context() if observation.asks_others else None
    return agreement(as_float(copies.of(features)), residual(as_float(copies.of(prediction)), target), replicas)


def agreement(
    features: tf.Tensor, residuals: tf.Tensor, replicas: tf.distribute.ReplicaContext | None = None
) -> tf.Tensor:
    """Cosine of features^T residuals over the first and the second half of the examples.

    replicas: with them, the examples are this replica's part of a batch that all of them share; NaN where the parts are
    not of one size, so that the halves are not either.
    """
    examples = tf.shape(features)[0]
    middle = examples // 2
    end, sizes = 2 * middle, [middle, middle]
    if replicas:
        before, half = replicas.replica_id_in_sync_group * examples, replicas.num_replicas_in_sync * examples // 2
        middle, end = (tf.clip_by_value(place - before, 0, examples) for place in (half, 2 * half))
        sizes = as_float(tf.stack([middle, end - middle]))

    def gradient(examples: slice) -> tf.Tensor:
        rows = (tf.reshape(x[examples], [-1, x.shape[-1]]) for x in (features, residuals))
        return tf.reshape(tf.matmul(*rows, transpose_a=True), [-1])

    both = tf.stack([gradient(slice(None, middle)), gradient(slice(middle, end))])
    if replicas:
        both, sizes = replicas.all_reduce(tf.distribute.ReduceOp.SUM, (both, sizes))
    cosine = tf.reduce_sum(tf.reduce_prod(both / norm(both)[:, None], axis=0))
    return tf.where((sizes[0] > 1) & tf.equal(sizes[0], sizes[1]), cosine, float("nan"))


def _output_layer(observation: Observation, prediction: tf.Tensor) -> tuple[Any, str | None]:
    """(input, activation) of the Dense layer that made the prediction; the activation may be a layer of its own."""
    tensor, activations = prediction, []
    for call in reversed(observation.calls):
        if not call.inputs or not any(_same(output, tensor) for output in call.outputs):
            continue
        layer, tensor = observation.structure.layers.get(call.path), call.inputs[0]
        activations += [name for name in [activation_name(layer)] if name != "linear"]
        if type(layer) is keras.layers.Dense:
            name = (activations or ["linear"])[0]
            return (tensor, name) if observation.holds(tensor) and len(activations) < 2 else (None, None)
        if not isinstance(layer, (keras.layers.Activation, keras.layers.Softmax)):
            break
    return None, None


def _same(output: Any, tensor: Any) -> bool:
    """Whether a layer was given this very output, or a cast of it: Keras casts inputs to the layer's own precision."""
    if output is tensor:
        return True
    op = None if tf.executing_eagerly() else getattr(tensor, "op", None)
    return op is not None and op.type == "Cast" and op.inputs[0] is output


def _in_shape_of(prediction: tf.Tensor, target: tf.Tensor, sparse: bool) -> tf.Tensor | None:
    """float32 targets as the loss compares them; None where their shapes do not tell."""
    rank, units = prediction.shape.rank, prediction.shape[-1]
    if sparse:
        if target.shape.rank == rank and target.shape[-1] == 1:
            target = tf.squeeze(target, -1)
        return tf.one_hot(tf.cast(target, tf.int32), units) if target.shape.rank == rank - 1 else None
    if target.shape.rank == rank - 1 and units == 1:
        target = target[..., None]
    return as_float(target) if target.shape.rank == rank and target.shape[-1] == units else None
