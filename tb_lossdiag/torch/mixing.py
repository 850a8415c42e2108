"""Do examples of a batch run into each other? By a softmax over axis 0, or a `view` where axes were to be swapped.

Both are read off what the step did anyway; nothing is run for it.
"""

from collections.abc import Container, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from tb_lossdiag.torch.private import shape_before_view, shape_of, softmax_axis

LOSS = ""  # in the place of a layer: the loss was given the view
MOST_ELEMENTS = 2**22  # of an input that is compared with what a layer was given, once


def is_softmax_over_batch(nodes: Iterable[Any], examples: int) -> bool:
    """Whether one of these autograd nodes is a softmax of [examples, classes], or [examples, …], over the examples.

    Where the second axis is as long as the batch, each example may be compared with each other one, or the first one be
    the steps of a sequence.
    """
    for node in nodes:
        axis = softmax_axis(node)
        shape = shape_of(node) if axis is not None else None
        if shape is None or len(shape) < 2 or axis % len(shape) or shape[0] != examples or examples < 2:
            continue
        if 1 < shape[1] != examples:
            return True
    return False


def is_viewed(given: Tensor, taken: Tensor) -> bool:
    """Whether a layer took an input with two axes swapped in shape, and its numbers in their old order."""
    if not swapped(tuple(given.shape), tuple(taken.shape)):
        return False
    if given.numel() > MOST_ELEMENTS or given.dtype != taken.dtype:
        return False
    return torch.equal(given.reshape(-1), taken.reshape(-1))


def swapped(given: Sequence[int], taken: Sequence[int]) -> bool:
    """Whether a shape is another one with its first two axes swapped, or its units moved to or from the second place.

    Axes of one element say nothing: moving them moves no number. Nor does a first axis that has become a multiple of
    what it was: examples are cut into parts, or their parts put together.
    """
    if len(given) != len(taken) or len(given) < 3 or (given[0] != taken[0] and taken[0] % given[0] == 0):
        return False
    first = (given[1], given[0], *given[2:])
    forward, back = (given[0], given[-1], *given[1:-1]), (given[0], *given[2:], given[1])
    told = [size for size in given if size != 1] != [size for size in taken if size != 1]
    return told and tuple(taken) in (first, forward, back)


def crosses_examples(given: Sequence[int], taken: Sequence[int], examples: int) -> bool:
    """Whether what has the examples on its second axis was viewed as if they were on its first one.

    A first axis that is a multiple of the examples may be theirs and the steps' in one.
    """
    behind = len(given) > 2 and given[0] > 1 < examples and given[1] == examples and given[0] % examples
    return bool(behind and len(taken) > 0 and taken[0] == examples)


def viewed_shape(tensor: Tensor, made: Container[Any]) -> tuple[int, ...] | None:
    """Of what a layer made and this tensor is a plain view of; None where more than views lie between.

    made: autograd's nodes of the layers' outputs.
    """
    node, shape = tensor.grad_fn, None
    while node is not None and node not in made:
        shape = shape_before_view(node)
        if shape is None:
            return None
        node = node.next_functions[0][0]
    return shape if node is not None else None
