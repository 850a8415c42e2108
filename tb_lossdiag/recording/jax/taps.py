"""What passes through a training step on JAX while it is traced? Hooks on model, layers, optimizers and jax.grad.

The hooks hand on arguments and results untouched and only tell an Observation, which keeps references; statistics are
computed when the step is over.
"""

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import jax
import keras

from tb_lossdiag.recording.calls import call_hook, compute_loss_hook, mean_hook
from tb_lossdiag.recording.jax.observation import Observation
from tb_lossdiag.recording.loss_calls import loss_hooks
from tb_lossdiag.recording.patch import patched

_tracing = threading.RLock()  # jax.value_and_grad is everybody's: one observed step at a time


@contextmanager
def watching(observation: Observation) -> Iterator[None]:
    """The hooks report to this observation while the block runs; whatever happens in it, they go again."""
    model = observation.model
    optimizers = {id(x): x for x in vars(model).values() if isinstance(x, keras.optimizers.Optimizer)}
    with _tracing, ExitStack() as stack:
        stack.callback(observation.end)  # a function that the user made meanwhile and keeps is plain again
        for layer in [model, *observation.structure.layers.values()]:
            stack.callback(patched(layer, "call", call_hook(observation, layer)))
        stack.callback(patched(model, "compute_loss", compute_loss_hook(observation)))
        stack.callback(patched(keras.metrics.Mean, "update_state", mean_hook(observation)))
        for hook in loss_hooks(model, functools.partial(observation.tell, "saw_loss")):
            stack.callback(patched(*hook))
        for optimizer in optimizers.values():
            stack.callback(patched(optimizer, "stateless_apply", _apply_hook(observation, optimizer)))
        differentiated = _value_and_grad_hook(observation, jax.value_and_grad)
        stack.callback(patched(jax, "value_and_grad", differentiated))
        stack.callback(patched(jax, "grad", _grad_hook(differentiated)))
        yield


def _apply_hook(observation: Observation, optimizer: Any) -> Callable:
    original = optimizer.stateless_apply

    @functools.wraps(original)
    def stateless_apply(optimizer_variables: Any, grads: Any, trainable_variables: Any) -> Any:
        observation.tell("saw_apply", optimizer, optimizer_variables, grads)
        return original(optimizer_variables, grads, trainable_variables)

    return stateless_apply


def _value_and_grad_hook(observation: Observation, original: Callable) -> Callable:
    @functools.wraps(original)
    def value_and_grad(fun: Callable, argnums: Any = 0, has_aux: bool = False, *rest: Any, **options: Any) -> Callable:
        plain = original(fun, argnums, has_aux, *rest, **options)

        @functools.wraps(plain)
        def differentiated(*args: Any, **kwargs: Any) -> Any:
            if not observation.is_here():
                return plain(*args, **kwargs)

            @functools.wraps(fun)
            def carrying(*args: Any, **kwargs: Any) -> Any:
                with observation.inside():
                    result = fun(*args, **kwargs)
                value, aux = result if has_aux else (result, None)
                return value, (aux, observation.taken_out())

            carry = original(carrying, argnums, True, *rest, **options)
            (value, (aux, tensors)), gradients = carry(*args, **kwargs)
            observation.tell("saw_outside", tensors, value, args)
            return ((value, aux) if has_aux else value), gradients

        return differentiated

    return value_and_grad


def _grad_hook(value_and_grad: Callable) -> Callable:
    @functools.wraps(jax.grad)
    def grad(fun: Callable, argnums: Any = 0, has_aux: bool = False, *rest: Any, **options: Any) -> Callable:
        both = value_and_grad(fun, argnums, has_aux, *rest, **options)

        @functools.wraps(fun)
        def differentiated(*args: Any, **kwargs: Any) -> Any:
            value, gradients = both(*args, **kwargs)
            return (gradients, value[1]) if has_aux else gradients

        return differentiated

    return grad
