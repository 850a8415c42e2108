"""What should have been recorded? An eager loop with its own GradientTape, and numpy in float64."""

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf


@dataclass
class Step:
    """One step of the reference loop; arrays by variable and by layer name, float64."""

    loss: float
    penalty: float
    prediction: np.ndarray
    gradients: list[np.ndarray]
    clipped: list[np.ndarray]
    halves: list[np.ndarray]  # the last kernel's gradient on either half of the batch
    before: list[np.ndarray]
    after: list[np.ndarray]
    outputs: dict[str, np.ndarray]


def train(model, optimizer, loss_function, batches) -> list[Step]:
    """Trains a Functional or Sequential model batch by batch, keeping everything."""
    inside = keras.Model(model.inputs[0], {layer.name: layer.output for layer in model.layers})
    steps = []
    for x, y in batches:
        with tf.GradientTape() as tape:
            prediction = model(x, training=True)
            penalty = sum(map(float, model.losses))
            loss = loss_function(y, prediction) + sum(model.losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        outputs = {name: _float64(value) for name, value in inside(x, training=True).items()}
        before = [_float64(v) for v in model.trainable_variables]
        clipped = [_float64(tf.convert_to_tensor(gradient)) for gradient in optimizer._clip_gradients(gradients)]
        halves = last_kernel_gradients(model, loss_function, x, y)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        dense = [_float64(tf.convert_to_tensor(gradient)) for gradient in gradients]
        after = [_float64(v) for v in model.trainable_variables]
        steps.append(Step(float(loss), penalty, _float64(prediction), dense, clipped, halves, before, after, outputs))
    return steps


def last_kernel_gradients(model, loss_function, x, y) -> list[np.ndarray]:
    """Of the last layer that has a kernel: a backward pass for each half of the batch."""
    kernel = [layer for layer in model.layers if hasattr(layer, "kernel")][-1].kernel.value
    half, gradients = len(x) // 2, []
    for part in (slice(0, half), slice(half, 2 * half)):
        with tf.GradientTape() as tape:
            loss = loss_function(y[part], model(x[part]))
        gradients.append(_float64(tape.gradient(loss, kernel)))
    return gradients


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float((first * second).sum() / np.sqrt((first**2).sum() * (second**2).sum()))


def _float64(value) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(value), np.float64)
