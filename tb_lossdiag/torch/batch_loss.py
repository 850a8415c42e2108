"""What is this batch's loss? What the loss module gave, or else the scalar on which `backward` was called.

It is kept as a copy on its device: users divide a loss in place, and reading it here would wait for a GPU.
"""

import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from torch import Tensor, nn

from tb_lossdiag.torch.backward import listen, unlisten
from tb_lossdiag.torch.hook import Hook
from tb_lossdiag.torch.losses import tensors
from tb_lossdiag.torch.private import version_of


class BatchLoss:
    """Listens until `close`. Of several losses before a step the last one counts."""

    def __init__(
        self,
        parameters: Sequence[nn.Parameter],
        module: nn.Module | None,
        counts: Callable[[], bool],
        called: Callable[[tuple, dict[str, Any]], None],
        guarded: Callable[[], AbstractContextManager],
    ) -> None:
        """parameters: a backward pass that reaches none of them is of another model.

        counts: whether a forward pass now belongs to the training. called: told what the module was given then.
        """
        self._parameters = parameters
        self._counts = counts
        self._called = called
        self._guarded = guarded
        self._value: Tensor | None = None
        self._scale: tuple[Tensor, Tensor] | None = None
        self._product: Callable[[], Tensor | None] = lambda: None
        self._marks: list[tuple[int, int]] = []
        self._asks_backward = module is None
        hook = Hook(self._saw_call, guarded)
        self._handle = None if module is None else module.register_forward_hook(hook, with_kwargs=True)
        listen(self)

    def take(self) -> tuple[Tensor | None, Tensor | None]:
        """The loss since the last call, and the factor that a GradScaler had put on it; None where there was none."""
        value, scale, self._value, self._scale = self._value, self._scale, None, None
        return value, scale[1] / scale[0] if scale else None

    def close(self) -> None:
        unlisten(self)
        if self._handle is not None:
            self._handle.remove()

    def scaled(self, loss: Tensor, product: Tensor) -> None:
        with self._guarded():
            self._scale = loss.detach(), product.detach()
            self._product = weakref.ref(product)  # it holds the whole graph

    def backward_begins(self) -> None:
        if self._asks_backward:
            with self._guarded():
                self._marks = [_mark(parameter) for parameter in self._parameters]

    def backward_ended(self, loss: Tensor) -> None:
        if not self._asks_backward:
            return
        with self._guarded():
            pairs = zip(self._marks, self._parameters, strict=True)
            if any(mark != _mark(parameter) for mark, parameter in pairs):
                self._value = _copy(self._scale[0] if self._scale and self._product() is loss else loss)

    def _saw_call(self, module: nn.Module, args: tuple, kwargs: dict[str, Any], output: Any) -> None:
        loss = next(tensors(output), None)
        if loss is not None and loss.requires_grad and self._counts():
            self._value = _copy(loss)
            self._called(args, kwargs)


def _copy(loss: Tensor) -> Tensor:
    loss = loss.detach()
    return loss.mean() if loss.dim() else loss.clone()


def _mark(parameter: nn.Parameter) -> tuple[int, int]:
    """Changes with every gradient that is added."""
    gradient = parameter.grad
    return (0, 0) if gradient is None else (id(gradient), version_of(gradient))
