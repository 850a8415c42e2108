"""On which loss was `backward` called, by what had a GradScaler multiplied it, and which steps did that skip?

And which derivatives were taken that are differentiated again, which outputs compared by a cosine? Torch has no hook
for these, so `torch.autograd.backward` and `grad`, `cosine_similarity`, GradScaler's `scale` and `step`, and what is
entered to pack saved tensors are replaced as long as somebody listens; `Tensor.backward` goes through the first.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from tb_lossdiag.torch.private import scale_of
from tb_lossdiag.torch.replaced import Replaced


class Listener:
    """Hears nothing until a method is written over. What that does must not raise."""

    def scaled(self, loss: Tensor, product: Tensor, scale: Tensor) -> None:
        """A GradScaler multiplied a loss."""

    def backward_begins(self, loss: Tensor | None) -> None:
        """loss: what is differentiated where that is one number."""

    def backward_ended(self, loss: Tensor | None) -> None:
        """As it began."""

    def differentiated(self, outputs: Any, inputs: Any, results: Any) -> None:
        """torch.autograd.grad was asked for derivatives that are differentiated again."""

    def compared(self, left: Tensor, right: Tensor, cosine: Tensor) -> None:
        """torch.nn.functional.cosine_similarity was called."""

    def packing_begins(self) -> None:
        """What autograd keeps is from here on kept in a way of the training's own, as by checkpoints."""

    def scaled_step_begins(self, optimizer: Optimizer) -> None:
        """A GradScaler is asked for a step."""

    def scaled_step_ended(self, optimizer: Optimizer) -> None:
        """It took the step, or skipped it."""


def listen(listener: Listener) -> None:
    _replaced.add(listener)


def unlisten(listener: Listener) -> None:
    """Does nothing for one that does not listen."""
    _replaced.remove(listener)


def _listening_backward(original: Callable) -> Callable:
    def backward(tensors: Any, *args: Any, **kwargs: Any) -> None:
        first = tensors[0] if isinstance(tensors, (tuple, list)) and tensors else tensors
        loss = first if isinstance(first, Tensor) and first.dim() == 0 else None
        for listener in tuple(_replaced.listeners):
            listener.backward_begins(loss)
        original(tensors, *args, **kwargs)
        for listener in tuple(_replaced.listeners):
            listener.backward_ended(loss)

    return backward


def _listening_grad(original: Callable) -> Callable:
    def grad(outputs: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        results = original(outputs, inputs, *args, **kwargs)
        keeps_graph = kwargs.get("create_graph", len(args) > 2 and args[2])
        if keeps_graph and not torch.compiler.is_compiling():
            for listener in tuple(_replaced.listeners):
                listener.differentiated(outputs, inputs, results)
        return results

    return grad


def _listening_cosine(original: Callable) -> Callable:
    def cosine_similarity(x1: Any, x2: Any, *args: Any, **kwargs: Any) -> Any:
        cosine = original(x1, x2, *args, **kwargs)
        if not torch.compiler.is_compiling() and all(isinstance(one, Tensor) for one in (x1, x2, cosine)):
            for listener in tuple(_replaced.listeners):
                listener.compared(x1, x2, cosine)
        return cosine

    return cosine_similarity


def _listening_scale(original: Callable) -> Callable:
    def scale(scaler: Any, outputs: Any) -> Any:
        product = original(scaler, outputs)
        if isinstance(outputs, Tensor) and outputs.dim() == 0 and product is not outputs:
            factor = scale_of(scaler, outputs, product)
            for listener in tuple(_replaced.listeners):
                listener.scaled(outputs, product, factor)
        return product

    return scale


def _listening_step(original: Callable) -> Callable:
    def step(scaler: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        for listener in tuple(_replaced.listeners):
            listener.scaled_step_begins(optimizer)
        result = original(scaler, optimizer, *args, **kwargs)
        for listener in tuple(_replaced.listeners):
            listener.scaled_step_ended(optimizer)
        return result

    return step


def _listening_packing(original: Callable) -> Callable:
    def enter(hooks: Any) -> Any:
        if not torch.compiler.is_compiling():
            for listener in tuple(_replaced.listeners):
                listener.packing_begins()
        return original(hooks)

    return enter


_replaced = Replaced(
    (
        (torch.autograd, "backward", _listening_backward),
        (torch.autograd, "grad", _listening_grad),
        (torch.nn.functional, "cosine_similarity", _listening_cosine),
        (torch.autograd.graph.saved_tensors_hooks, "__enter__", _listening_packing),
        (torch.amp.GradScaler, "scale", _listening_scale),
        (torch.amp.GradScaler, "step", _listening_step),
    )
)
