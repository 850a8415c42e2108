"""Do examples of a batch run into each other? By a softmax over axis 0, or a `view` where axes were to be swapped.

Both are read off what the step did anyway; nothing is run for it.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from tb_lossdiag.torch.private import shape_of, softmax_axis

MOST_ELEMENTS = 2**22  # of an input that is compared with what a layer was given, once


def is_softmax_over_batch(nodes: Iterable[Any], examples: int) -> bool:
    """Whether one of these autograd nodes is a softmax of [examples, classes] over the examples."""
    for node in nodes:
        axis = softmax_axis(node)
        shape = shape_of(node) if axis is not None else None
        if shape is not None and len(shape) == 2 and axis % 2 == 0 and shape[0] == examples > 1 and shape[1] > 1:
            return True
    return False


def is_viewed(given: Tensor, taken: Tensor) -> bool:
    """Whether a layer took an input with its first two axes swapped in shape, and its numbers in their old order."""
    swapped = (*given.shape[1::-1], *given.shape[2:]) if given.dim() > 1 else ()
    if tuple(taken.shape) != swapped or given.shape == taken.shape:
        return False
    if 1 in swapped[:2] or given.numel() > MOST_ELEMENTS or given.dtype != taken.dtype:
        return False
    return torch.equal(given.reshape(-1), taken.reshape(-1))
