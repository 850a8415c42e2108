"""What is this batch's loss? What the loss module gave, or else the scalar on which `backward` was called.

It is kept as a copy on its device: users divide a loss in place, and reading it here would wait for a GPU.
"""

import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from torch import Tensor, nn

from tb_lossdiag.torch.backward import Listener, listen, unlisten
from tb_lossdiag.torch.hook import Hook
from tb_lossdiag.torch.losses import tensors
from tb_lossdiag.torch.marks import marks


class BatchLoss(Listener):
    """Listens until `close`. Of several losses before a step the last one counts: what somebody only looks at, as in a
    validation, comes before the training's own.
    """

    def __init__(
        self,
        parameters: Sequence[nn.Parameter],
        module: nn.Module | None,
        guarded: Callable[[], AbstractContextManager],
    ) -> None:
        """parameters: a backward pass that reaches none of them is of another model."""
        self._parameters = parameters
        self._guarded = guarded
        self._value: Tensor | None = None
        self._elsewhere: Tensor | None = None  # of the last backward pass that reached none of the parameters
        self._is_modules = False
        self._scale: tuple[Tensor, Tensor] | None = None
        self._product: Callable[[], Tensor | None] = lambda: None
        self._marks: list[tuple[int, int]] = []
        hook = Hook(self._saw_call, guarded)
        self._handle = None if module is None else module.register_forward_hook(hook, with_kwargs=True)
        listen(self)

    def take(self) -> tuple[Tensor | None, Tensor | None]:
        """The loss since the last call, and the factor that a GradScaler had put on it; None where there was none.

        Where no backward pass reached a parameter, the loss of a graph that was cut is all that is known of the step.
        """
        value, scale = self._value if self._value is not None else self._elsewhere, self._scale
        self._value = self._elsewhere = self._scale = None
        self._is_modules = False
        return value, scale[1] if scale else None

    def close(self) -> None:
        unlisten(self)
        if self._handle is not None:
            self._handle.remove()

    def scaled(self, loss: Tensor, product: Tensor, scale: Tensor) -> None:
        with self._guarded():
            self._scale = loss.detach(), scale
            self._product = weakref.ref(product)  # it holds the whole graph

    def backward_begins(self, loss: Tensor | None) -> None:
        if not self._is_modules:
            with self._guarded():
                self._marks = marks(self._parameters)

    def backward_ended(self, loss: Tensor | None) -> None:
        if self._is_modules or loss is None:
            return
        with self._guarded():
            own = _copy(self._scale[0] if self._scale and self._product() is loss else loss)
            if self._marks != marks(self._parameters):
                self._value = own
            else:
                self._elsewhere = own

    def _saw_call(self, module: nn.Module, args: tuple, kwargs: dict[str, Any], output: Any) -> None:
        loss = next(tensors(output), None)
        if loss is not None and loss.requires_grad:
            self._value, self._is_modules = _copy(loss), True


def _copy(loss: Tensor) -> Tensor:
    loss = loss.detach()
    return loss.mean() if loss.dim() else loss.clone()
