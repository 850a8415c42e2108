"""Did predictions and targets of different rank meet in the loss? (B,) against (B, 1) becomes (B, B), each with each.

Where the loss is torch's own both shapes are at hand. In a loss written by hand autograd's graph has them: of what the
model made, and of the result.

Named is only what nobody means: both have the batch in front, their ranks differ, and all pairs are averaged. Who wants
pairs gives both the same rank, has the model on both sides, or picks some pairs out.
"""

from collections.abc import Callable, Container, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tb_lossdiag.torch.functions import called
from tb_lossdiag.torch.graph import MAX_BETWEEN, leaves_behind
from tb_lossdiag.torch.loss_call import LossCall
from tb_lossdiag.torch.loss_functions import CLASSES
from tb_lossdiag.torch.private import constant_shape, shape_of

_ELEMENTWISE = (
    *(nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss, nn.KLDivLoss, nn.PoissonNLLLoss, nn.GaussianNLLLoss),
    *(nn.SoftMarginLoss, nn.HingeEmbeddingLoss),
)
_AVERAGED = (
    *("Mean", "Sum", "Nansum", "Add", "Neg", "Div", "Mul", "Sub", "Rsub", "Pow", "Abs", "Sqrt", "Exp", "Log", "Log1P"),
    *("Expm1", "Cosh", "Clamp", "ClampMin", "ClampMax", "Where", "Relu", "Softplus", "Sigmoid", "LogSigmoid"),
    *("MseLoss", "SmoothL1Loss", "HuberLoss"),
)
_DIFFERENCES = ("Sub", "Rsub", "Add")
_PRODUCTS = ("Mul", "Div")
# Torch's own, called by a name that was taken before we listened.
_LOSSES = {"MseLoss": "mse_loss", "SmoothL1Loss": "smooth_l1_loss", "HuberLoss": "huber_loss"}
_NAMES = {kind: name for name, kind in CLASSES.items()}
_NEW_AXES = ("Unsqueeze", "View", "UnsafeView", "Reshape", "ReshapeAlias")

Shape = Sequence[int]


def broadcast_of(call: LossCall) -> dict[str, Any] | None:
    """As run.ModelCard has it; None where prediction and target have one form, or fit in a way that one may mean."""
    if not issubclass(call.kind, _ELEMENTWISE) or len(call.predictions) != 1 or len(call.targets) != 1:
        return None
    left, right = tuple(call.predictions[0].shape), tuple(call.targets[0].shape)
    result = _result(left, right)
    if result is None or not _meet(left, right, result):
        return None
    return _told(_NAMES.get(call.kind, call.kind.__name__), left, right, result, call.where)


def broadcasts_by_hand(loss: Tensor, ends: Container[Any], may_unpack: Callable[[], bool]) -> list[dict[str, Any]]:
    """Between the loss and what the model made. ends: the nodes of that.

    may_unpack: whether what autograd kept of a product may be looked at.
    """
    found: dict[tuple, dict[str, Any]] = {}
    queue: list[tuple[Any, str]] = [(loss.grad_fn, "")]
    seen = {loss.grad_fn}
    for node, user in queue:
        if node is None or node in ends:
            continue
        told = _by_hand(node, user, ends, may_unpack)
        if told is not None:
            found.setdefault((told["operation"], *told["result"]), told)
        if called(node) in _AVERAGED and len(queue) < MAX_BETWEEN:
            for before, _ in node.next_functions:
                if before is not None and before not in seen:
                    seen.add(before)
                    queue.append((before, called(node)))
    return list(found.values())


def _by_hand(node: Any, user: str, ends: Container[Any], may_unpack: Callable[[], bool]) -> dict[str, Any] | None:
    operation = called(node)
    sides = [(at, before, output) for at, (before, output) in enumerate(node.next_functions) if before is not None]
    is_expanded = operation == "Expand" and user in _LOSSES
    others = _of_data(node, sides)
    sides = [one for one in sides if one not in others]
    if len(sides) != 1 or not (operation in _DIFFERENCES + _PRODUCTS or is_expanded):
        return None
    (at, before, output), result = sides[0], shape_of(node)
    mine = shape_of(before, output)
    if result is None or mine is None or len(result) == 0 or result == mine:
        return None
    if others:
        other = shape_of(*others[0][1:])
    elif operation in _PRODUCTS:
        other = constant_shape(node, at) if may_unpack() else None
    else:  # autograd does not keep it; it has one of two forms
        other = mine[:1] + mine[2:] if len(mine) == len(result) else (*mine[:1], 1, *mine[1:])
    if other is None or not _meet(mine, other, result) or _is_made_on_purpose(before, mine, ends):
        return None
    left, right = (mine, other) if at == 0 else (other, mine)
    return _told(_LOSSES.get(user, operation.lower()) if is_expanded else operation.lower(), left, right, result, "")


def _of_data(node: Any, sides: Sequence[tuple]) -> list[tuple]:
    """Of two sides the one that is made of an input alone, which has a gradient where the loss holds derivatives."""
    shapes = [shape_of(before, output) for _, before, output in sides]
    if len(sides) != 2 or None in shapes or len(shapes[0]) == len(shapes[1]):
        return []
    of_data = [one for one in sides if not any(isinstance(leaf, nn.Parameter) for leaf in leaves_behind(one[1]))]
    return of_data if len(of_data) == 1 else []


def _meet(left: Shape, right: Shape, result: Shape) -> bool:
    """Whether two ranks meet so that each example of one is paired with each of the other."""
    if not left or not right or len(left) == len(right) or left[0] != right[0] or left[0] < 2:
        return False
    if _result(left, right) != tuple(result):
        return False
    high, low = (left, right) if len(left) > len(right) else (right, left)
    at = len(high) - len(low)  # where the batch of the lower rank comes to lie
    return high[at] == 1 and result[at] == result[0] == left[0]


def _is_made_on_purpose(node: Any, shape: Shape, ends: Container[Any]) -> bool:
    """Whether the user gave it the axis of size 1, as in `p[:, None]`; the model's own output has it from the layer."""
    while node is not None and node not in ends and len(shape) > 1 and 1 in shape[1:]:
        behind = [(before, output) for before, output in node.next_functions if before is not None]
        inner = [shape_of(before, output) for before, output in behind]
        if called(node) in _NEW_AXES and inner and inner[0] is not None and len(inner[0]) < len(shape):
            return True
        same = [before for (before, _), size in zip(behind, inner, strict=True) if size == shape]
        if not same:
            return False
        node = same[0]
    return False


def _result(left: Shape, right: Shape) -> tuple[int, ...] | None:
    try:
        return tuple(torch.broadcast_shapes(left, right))
    except RuntimeError:
        return None


def _told(operation: str, left: Shape, right: Shape, result: Shape, where: str) -> dict[str, Any]:
    return {
        "operation": operation,
        "left": list(left),
        "right": list(right),
        "result": list(result),
        "where": where,
    }
