"""Does the loss hold second derivatives of the model's outputs by its inputs, as the equations of physics do?"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tb_lossdiag.torch.graph import descends, leaves_before

MAX_KEPT = 16  # derivatives of one step whose graphs are held


class Derivatives:
    """Those that one step takes by `torch.autograd.grad`, in the order in which they are told.

    are_second: whether one of them was taken of another.
    """

    def __init__(self) -> None:
        self.are_second = False
        self._nodes: dict[Any, None] = {}

    def saw(self, outputs: Any, inputs: Any, results: Sequence[Any]) -> None:
        """results: the derivatives of the outputs by the inputs; by weights, as in meta-learning, they do not count."""
        if not all(_is_data(tensor) for tensor in _tensors(inputs)):
            return
        self.are_second |= any(descends(tensor, self._nodes) for tensor in _tensors(outputs))
        for result in _tensors(results):
            if result.grad_fn is not None and len(self._nodes) < MAX_KEPT:
                self._nodes[result.grad_fn] = None

    def forget(self) -> None:
        """The step is over, and its graphs may go."""
        self._nodes.clear()


def _tensors(given: Any) -> list[Tensor]:
    several = [given] if isinstance(given, torch.Tensor) else given
    return [one for one in several if isinstance(one, torch.Tensor)]


def _is_data(tensor: Tensor) -> bool:
    if isinstance(tensor, nn.Parameter):
        return False
    return not any(isinstance(leaf, nn.Parameter) for leaf in leaves_before(tensor, ()).values())
