"""Has anybody asked to be called when a gradient comes by? A tensor's hooks cannot be listed once they are autograd's.

So asking for one is replaced while somebody listens, which is in a few sampled steps.
"""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from tb_lossdiag.torch.replaced import Replaced


class Hearer(Protocol):
    """What it does must not raise."""

    def hooked(self) -> None: ...


def hear_hooks(hearer: Hearer) -> None:
    _replaced.add(hearer)


def unhear_hooks(hearer: Hearer) -> None:
    _replaced.remove(hearer)


def _listening(original: Callable) -> Callable:
    def asked(*args: Any, **kwargs: Any) -> Any:
        if not torch.compiler.is_compiling():
            for hearer in tuple(_replaced.listeners):
                hearer.hooked()
        return original(*args, **kwargs)

    return asked


_replaced = Replaced([(Tensor, name, _listening) for name in ("register_hook", "retain_grad")])
