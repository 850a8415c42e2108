"""How is it seen what layers are called with, and what the loss is? By hooks that hand on everything untouched.

For observations of one step in one thread, on JAX and PyTorch; what TensorFlow's need beyond that is in taps.py.
"""

import functools
from collections.abc import Callable
from typing import Any, Protocol

import keras


class Told(Protocol):
    """An observation of a step. tell: calls its method of that name, and keeps what goes wrong in it to itself."""

    model: Any

    def tell(self, what: str, *args: Any, **kwargs: Any) -> None: ...


def call_hook(observation: Told, layer: Any) -> Callable:
    """Stands in for layer.call."""
    original = layer.call

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        observation.tell("saw_call", layer, args, kwargs, result)
        return result

    return call


def compute_loss_hook(observation: Told) -> Callable:
    """Stands in for model.compute_loss."""
    original = observation.model.compute_loss

    @functools.wraps(original)
    def compute_loss(*args: Any, **kwargs: Any) -> Any:
        loss = original(*args, **kwargs)
        observation.tell("saw_compute_loss", loss, *args, **kwargs)
        return loss

    return compute_loss


def mean_hook(observation: Told) -> Callable:
    """Stands in for keras.metrics.Mean.update_state."""
    original = keras.metrics.Mean.update_state

    @functools.wraps(original)
    def update_state(self: Any, values: Any, *args: Any, **kwargs: Any) -> Any:
        observation.tell("saw_mean", self, values)
        return original(self, values, *args, **kwargs)

    return update_state
