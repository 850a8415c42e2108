"""What does a tensor of a traced step come from? Its graph, read backwards; nothing is added to it."""

from collections.abc import Iterable
from typing import Any

import tensorflow as tf

# Data enter a graph through these, from an iterator or as arguments and captured tensors.
_ENTRANCES = ("IteratorGetNext", "OptionalGetValue", "Placeholder")
# Behind these nothing is differentiated.
_ENDS = ("ArgMax", "ArgMin", "PreventGradient", "StopGradient")


def ancestors(tensors: Iterable[Any], before: Iterable[Any] = (), differentiated: bool = False) -> list[tf.Operation]:
    """The ops that these tensors of one graph come from, those that made them included, in the order they were made.

    before: tensors that are not looked behind. differentiated: only along what a gradient can flow back.
    """
    tensors, ends = list(tensors), {key(tensor) for tensor in before}
    found: dict[int, tf.Operation] = {}
    open_ends = [tensor for tensor in tensors if key(tensor) not in ends]
    while open_ends:
        tensor = open_ends.pop()
        op = tensor.op
        if id(op) in found or (differentiated and (op.type in _ENDS or not tensor.dtype.is_floating)):
            continue
        found[id(op)] = op
        open_ends += [x for x in op.inputs if key(x) not in ends and (not differentiated or x.dtype.is_floating)]
    return [op for op in tensors[0].graph.get_operations() if id(op) in found] if found else []


def key(tensor: tf.Tensor) -> tuple[int, int]:
    """Equal for one tensor only; tensors themselves compare their values."""
    return id(tensor.op), tensor.value_index


def is_entrance(op: tf.Operation) -> bool:
    """Whether it brings data into the graph, which a handle of a variable is not."""
    return op.type.startswith(_ENTRANCES) and any(not is_handle(output) for output in op.outputs)


def is_handle(tensor: Any) -> bool:
    return tensor.dtype in (tf.resource, tf.variant)
