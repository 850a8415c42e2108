"""On which loss was `backward` called, and by what had a GradScaler multiplied it?

Torch has no hook for either, so `torch.autograd.backward` and `GradScaler.scale` are replaced as long as somebody
listens; `Tensor.backward` goes through the former.
"""

import functools
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor


class Listener(Protocol):
    """What it does must not raise."""

    def scaled(self, loss: Tensor, product: Tensor) -> None: ...

    def backward_begins(self) -> None: ...

    def backward_ended(self, loss: Tensor) -> None: ...


_listeners: list[Listener] = []
_originals: list[tuple[Any, str, Callable, Callable]] = []


def listen(listener: Listener) -> None:
    if not _listeners:
        _replace(torch.autograd, "backward", _listening_backward)
        _replace(torch.amp.GradScaler, "scale", _listening_scale)
    _listeners.append(listener)


def unlisten(listener: Listener) -> None:
    """Does nothing for one that does not listen."""
    if listener not in _listeners:
        return
    _listeners.remove(listener)
    if not _listeners:
        for owner, name, original, ours in _originals:
            if getattr(owner, name) is ours:  # else someone replaced it after us, and calls ours
                setattr(owner, name, original)
        _originals.clear()


def _replace(owner: Any, name: str, listening: Callable[[Callable], Callable]) -> None:
    original = getattr(owner, name)
    ours = functools.wraps(original)(listening(original))
    _originals.append((owner, name, original, ours))
    setattr(owner, name, ours)


def _listening_backward(original: Callable) -> Callable:
    def backward(tensors: Any, *args: Any, **kwargs: Any) -> None:
        for listener in _listeners:
            listener.backward_begins()
        original(tensors, *args, **kwargs)
        loss = tensors if isinstance(tensors, Tensor) else next(iter(tensors), None)
        if isinstance(loss, Tensor) and loss.dim() == 0:
            for listener in _listeners:
                listener.backward_ended(loss)

    return backward


def _listening_scale(original: Callable) -> Callable:
    def scale(scaler: Any, outputs: Any) -> Any:
        product = original(scaler, outputs)
        if isinstance(outputs, Tensor) and outputs.dim() == 0 and product is not outputs:
            for listener in _listeners:
                listener.scaled(outputs, product)
        return product

    return scale
