"""What happened between two modules? Which modules feed a tensor, and which activation was called as a function.

`F.relu(self.fc1(x))` is what Keras writes as Dense(activation="relu"): the activation belongs to the module before it.
Autograd remembers such calls, so a tensor's history is followed back to the modules' outputs; nothing is computed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

MAX_NODES = 64  # between two neighbouring modules lie few; a whole network without modules is not worth following
_RESHAPES = ("View", "UnsafeView", "Reshape", "ReshapeAlias", "Squeeze", "Unsqueeze", "Alias", "ToCopy", "Clone")
_MOVES = ("Transpose", "Permute", "T", "Slice", "Select")
_FUNCTIONS: dict[str, tuple[str, Callable[[Tensor], Tensor] | None]] = {
    "Relu": ("relu", torch.relu),
    "Sigmoid": ("sigmoid", torch.sigmoid),
    "Tanh": ("tanh", torch.tanh),
    "Softmax": ("softmax", lambda x: x.softmax(-1)),
    "LogSoftmax": ("log_softmax", lambda x: x.log_softmax(-1)),
    "LeakyRelu": ("leaky_relu", F.leaky_relu),
    "Elu": ("elu", F.elu),
    "Gelu": ("gelu", F.gelu),
    "Silu": ("silu", F.silu),
    "Mish": ("mish", F.mish),
    "Softplus": ("softplus", F.softplus),
    "Hardtanh": ("relu6", F.relu6),  # that is how autograd names it; Hardtanh itself is rare
    "Exp": ("exponential", torch.exp),
    "Sin": ("sin", torch.sin),
    "Cos": ("cos", torch.cos),
    "Pow": ("power", None),
    "Abs": ("abs", torch.abs),
    "Clamp": ("clip", None),
}
FUNCTIONS = dict(_FUNCTIONS.values())
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Origin:
    """Where a tensor comes from.

    feeds: the modules it was computed from. activations: module to the name of the activation called on its output,
        UNKNOWN where one was called on something that was computed from it.
    as_is: the module whose output it is, but for the activation and its shape; None where more was done.
    """

    feeds: tuple[str, ...] = ()
    activations: Mapping[str, str] = field(default_factory=dict)
    as_is: str | None = None


def origin(tensor: Tensor, produced: Mapping[Any, str]) -> Origin:
    """Follows a tensor back to modules' outputs. produced: autograd's node of an output to the module's path."""
    if tensor.grad_fn is None:
        return Origin()
    feeds: dict[str, None] = {}
    activations: dict[str, str] = {}
    queue, seen = [tensor.grad_fn], {tensor.grad_fn}
    bends = False
    for node in queue:
        if node in produced:
            feeds[produced[node]] = None
            continue
        function = _FUNCTIONS.get(called(node))
        if function is not None:
            path = produced.get(_through(_input(node), _RESHAPES + _MOVES, produced))
            if path is not None:
                activations[path] = function[0]
            else:
                bends = True
        if len(queue) < MAX_NODES:
            new = [before for before, _ in node.next_functions if before is not None and before not in seen]
            seen.update(new)
            queue += new
    if bends:
        activations = {**dict.fromkeys(feeds, UNKNOWN), **activations}
    return Origin(tuple(feeds), activations, _as_is(tensor.grad_fn, produced))


def as_given(tensor: Tensor, results: Sequence[Any]) -> int | None:
    """Which of these autograd nodes gave a tensor as it is, but for its shape; None for none of them."""
    places = {node: at for at, node in enumerate(results) if node is not None}
    return places.get(_through(tensor.grad_fn, _RESHAPES, places))


def _as_is(node: Any, produced: Mapping[Any, str]) -> str | None:
    node = _through(node, _RESHAPES, produced)
    if node not in produced and called(node) in _FUNCTIONS:
        node = _through(_input(node), _RESHAPES, produced)
    return produced.get(node)


def _through(node: Any, names: tuple[str, ...], produced: Mapping[Any, str]) -> Any:
    """The first node behind those that only change a tensor's shape."""
    while node is not None and node not in produced and called(node) in names:
        node = _input(node)
    return node


def _input(node: Any) -> Any:
    return node.next_functions[0][0] if node.next_functions else None


def called(node: Any) -> str:
    """ "Relu" of "ReluBackward0"."""
    return node.name().partition("Backward")[0] if node is not None else ""
