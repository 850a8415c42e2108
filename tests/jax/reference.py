"""What should have been recorded? jax.value_and_grad of a hand-written loss, and momentum and clipping by hand."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

BATCH = 8


def train(forward, weights, x, y, rate, momentum, clipnorm):
    """{"<step>/<what>/<name>": array} of SGD in batches; forward: (weights, x) -> ({layer name: output}, penalty)."""
    differentiated = jax.jit(jax.value_and_grad(partial(_loss, forward), has_aux=True))
    half_gradient = jax.jit(jax.grad(partial(_data_loss, forward)))
    found, velocity = {}, [np.zeros_like(weight) for weight in weights]
    weights = [np.asarray(weight, jnp.result_type(float)) for weight in weights]
    for step, start in enumerate(range(0, len(x), BATCH)):
        part = slice(start, start + BATCH)
        (loss, (outputs, penalty)), gradients = differentiated(weights, x[part], y[part])
        gradients = [np.asarray(gradient) for gradient in gradients]
        clipped = [g * min(1.0, clipnorm / max(np.linalg.norm(g), 1e-30)) for g in gradients]
        velocity = [momentum * v - rate * g for v, g in zip(velocity, clipped, strict=True)]
        after = [w + v for w, v in zip(weights, velocity, strict=True)]
        half = [slice(start, start + BATCH // 2), slice(start + BATCH // 2, start + BATCH)]
        halves = [half_gradient(weights, x[h], y[h])[-2] for h in half]
        found |= {f"{step}/loss/": loss, f"{step}/penalty/": penalty}
        found |= {f"{step}/output/{name}": np.asarray(output) for name, output in outputs.items()}
        for what, arrays in (
            ("gradient", gradients),
            ("clipped", clipped),
            ("before", weights),
            ("after", after),
            ("half", halves),
        ):
            found |= {f"{step}/{what}/{index}": np.asarray(array) for index, array in enumerate(arrays)}
        weights = after
    return found


def _loss(forward, weights, x, y):
    outputs, penalty = forward(weights, x)
    return _crossentropy(outputs["out"], y) + penalty, (outputs, penalty)


def _data_loss(forward, weights, x, y):
    return _crossentropy(forward(weights, x)[0]["out"], y)


def _crossentropy(probabilities, y):
    return -jnp.mean(jnp.log(probabilities[jnp.arange(len(y)), y]))
