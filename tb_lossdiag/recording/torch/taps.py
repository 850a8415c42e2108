"""What passes through a training step of Keras on PyTorch? Hooks on model, layers, optimizers and backward.

The hooks hand on arguments and results untouched and only tell an Observation.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import torch

from tb_lossdiag.recording.calls import call_hook, compute_loss_hook, mean_hook
from tb_lossdiag.recording.loss_calls import loss_hooks
from tb_lossdiag.recording.patch import patched
from tb_lossdiag.recording.torch.observation import Observation


@contextmanager
def watching(observation: Observation) -> Iterator[None]:
    """The hooks report to this observation while the block runs; whatever happens in it, they go again."""
    model = observation.model
    optimizers = {id(x): x for x in vars(model).values() if isinstance(x, keras.optimizers.Optimizer)}
    with ExitStack() as stack:
        for layer in [model, *observation.structure.layers.values()]:
            stack.callback(patched(layer, "call", call_hook(observation, layer)))
        stack.callback(patched(model, "compute_loss", compute_loss_hook(observation)))
        stack.callback(patched(keras.metrics.Mean, "update_state", mean_hook(observation)))
        for hook in loss_hooks(model, functools.partial(observation.tell, "saw_loss")):
            stack.callback(patched(*hook))
        for optimizer in optimizers.values():
            stack.callback(patched(optimizer, "apply", _apply_hook(observation, optimizer)))
        stack.callback(patched(torch.autograd, "backward", _backward_hook(observation)))
        yield


def _apply_hook(observation: Observation, optimizer: Any) -> Callable:
    original = optimizer.apply

    @functools.wraps(original)
    def apply(grads: Any, trainable_variables: Any = None) -> Any:
        if trainable_variables is not None:
            trainable_variables = list(trainable_variables)  # whoever hands over an iterator can have it read once
        grads = list(grads)
        observation.tell("saw_apply", optimizer, grads, trainable_variables)
        return original(grads, trainable_variables)

    return apply


def _backward_hook(observation: Observation) -> Callable:
    original = torch.autograd.backward

    @functools.wraps(original)
    def backward(tensors: Any, *args: Any, **kwargs: Any) -> Any:
        observation.tell("saw_backward", tensors)
        return original(tensors, *args, **kwargs)

    return backward
