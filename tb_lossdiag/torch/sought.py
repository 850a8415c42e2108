"""With what did the training call the loss function that the user handed? Nothing tells, so it is tried.

Of the tensors that the user's function holds where it calls `backward`, those count whose loss is the one that is
differentiated: what is found that way is right, or nothing is found.
"""

import inspect
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from tb_lossdiag.torch.graph import descends
from tb_lossdiag.torch.loss_call import LossCall, again, is_foreign
from tb_lossdiag.torch.losses import tensors
from tb_lossdiag.torch.peers import has_peers
from tb_lossdiag.torch.repeatable import undisturbed

MAX_TRIES = 24  # a loss of a small batch takes some 20 µs
SAME = 1e-5  # relative; the same numbers in the same order give the same loss
_OPTIMIZED = 1  # a code flag of CPython: the frame's variables are not a module's dict


def sought(function: Callable[..., Any], value: Tensor, outputs: Sequence[Tensor], ends: Any) -> LossCall | None:
    """The call whose loss is this value. outputs: of the model. ends: the nodes of its passes, as for `descends`."""
    if has_peers():
        return None  # it may wait for the other processes, which do not call it once more
    held = list(_held())
    mine = [tensor for tensor in held if tensor.requires_grad and tensor.dim() and descends(tensor, ends)]
    predictions = _distinct([*outputs, *mine])
    targets = _distinct([tensor for tensor in held if not tensor.requires_grad and tensor.dim()])
    kind = type(getattr(function, "__name__", type(function).__name__), (), {})
    pairs = ((p, t) for p, t in itertools.product(predictions, targets) if p.shape[:1] == t.shape[:1])
    for prediction, target in itertools.islice(pairs, MAX_TRIES):
        call = LossCall(kind, (prediction,), (target,), None, function, (prediction, target))
        if _is_it(call, value):
            return call
    return None


def _is_it(call: LossCall, value: Tensor) -> bool:
    try:
        with torch.no_grad(), undisturbed(value.device):
            loss = again(call, call.predictions, call.targets)
    except Exception:  # whatever a user's function may raise of tensors that it was not made for
        return False
    return bool(torch.isclose(loss.float(), value.detach().float(), rtol=SAME, atol=0.0))


def _held() -> Iterator[Tensor]:
    """What the innermost function outside torch and us holds, newest first."""
    frame: Any = inspect.currentframe().f_back
    while frame is not None and not is_foreign(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        return
    names = frame.f_locals
    found = [tensor for value in reversed(list(names.values())) for tensor in tensors(value)]
    if frame.f_code.co_flags & _OPTIMIZED and type(names) is dict:
        names.clear()  # a copy that the frame keeps, before Python 3.13: it would hold the tensors
    yield from found


def _distinct(found: Sequence[Tensor]) -> list[Tensor]:
    return list({id(tensor): tensor for tensor in found}.values())
