"""What was the loss computed from? Autograd's graph, walked from a tensor back to the leaves; nothing is computed."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from torch import Tensor

MAX_NODES = 50_000  # walked in some 50 ms, of a step that takes far longer
MAX_BETWEEN = 512  # between a loss and the model lie few
_LEAF = "AccumulateGrad"


@dataclass(frozen=True)
class Graph:
    """nodes: of autograd, the loss's first. leaves: tensors that get a gradient, by their id."""

    nodes: dict[Any, None]
    leaves: dict[int, Tensor]


def graph_of(loss: Tensor) -> Graph:
    """Of a very large graph only the part next to the loss."""
    nodes: dict[Any, None] = {} if loss.grad_fn is None else {loss.grad_fn: None}
    queue, leaves = list(nodes), {}
    for node in queue:
        if node.name().endswith(_LEAF):
            leaves[id(node.variable)] = node.variable
        if len(queue) < MAX_NODES:
            for before, _ in node.next_functions:
                if before is not None and before not in nodes:
                    nodes[before] = None
                    queue.append(before)
    return Graph(nodes, leaves)


def leaves_before(tensor: Tensor, ends: Container[Any]) -> dict[int, Tensor]:
    """Leaves that a tensor was computed from otherwise than through what one of these nodes made."""
    leaves = [] if tensor.grad_fn is None else leaves_behind(tensor.grad_fn, ends)
    return {id(leaf): leaf for leaf in leaves}


def leaves_behind(node: Any, ends: Container[Any] = ()) -> list[Tensor]:
    """Leaves that this node's result was computed from otherwise than through what one of the ends made."""
    queue, seen, leaves = [node], {node}, []
    for one in queue:
        if one in ends:
            continue
        if one.name().endswith(_LEAF):
            leaves.append(one.variable)
        if len(queue) < MAX_NODES:
            new = [before for before, _ in one.next_functions if before is not None and before not in seen]
            seen.update(new)
            queue += new
    return leaves


def descends(tensor: Tensor, ends: Container[Any]) -> bool:
    """Whether a tensor was computed from what one of these nodes made."""
    if tensor.grad_fn is None:
        return False
    queue, seen = [tensor.grad_fn], {tensor.grad_fn}
    for node in queue:
        if node in ends:
            return True
        if len(queue) < MAX_BETWEEN:
            new = [before for before, _ in node.next_functions if before is not None and before not in seen]
            seen.update(new)
            queue += new
    return False
