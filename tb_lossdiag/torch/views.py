"""Does a loss only draw outputs of the model together, with a gradient on both sides and nothing to keep them apart?

Two views of one example are compared by a cosine, and the loss is the mean of these cosines turned round. Without a
detach on one side the least loss is one point for all examples.
"""

from typing import Any

import torch
from torch import Tensor

from tb_lossdiag.torch.graph import descends

# What people make of a mean cosine c.
_SHAPES = (lambda c: -c, lambda c: 1 - c, lambda c: 2 - 2 * c, lambda c: -2 * c)
NEARLY = 1e-3  # mixed precision keeps three digits
MAX_KEPT = 8


class Views:
    """The cosines of one step, as they are told, and whether the loss was made of them."""

    def __init__(self) -> None:
        self._means: list[Tensor] = []
        self._nodes: dict[Any, None] = {}
        self._is_one_sided = self._are_in_loss = False

    def saw(self, left: Tensor, right: Tensor, cosine: Tensor) -> None:
        if not cosine.requires_grad or len(self._means) >= MAX_KEPT:
            return  # somebody only looks
        self._is_one_sided |= left.grad_fn is None or right.grad_fn is None
        self._means.append(cosine.detach().float().mean())
        self._nodes[cosine.grad_fn] = None

    def backward_begins(self, loss: Tensor) -> None:
        self._are_in_loss |= bool(self._nodes) and descends(loss, self._nodes)

    def are_all_of(self, loss: Tensor | None) -> bool:
        """Whether this loss is made of them alone, each with a gradient on both sides."""
        if loss is None or self._is_one_sided or not self._are_in_loss:
            return False
        mean, value = float(torch.stack(self._means).mean()), float(loss)
        return any(abs(shape(mean) - value) < NEARLY for shape in _SHAPES)

    def forget(self) -> None:
        """The step is over, and its graphs may go."""
        self._means.clear()
        self._nodes.clear()
        self._is_one_sided = self._are_in_loss = False
