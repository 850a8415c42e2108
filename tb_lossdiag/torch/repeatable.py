"""May a loss be called once more? Torch's own may; one of the user's own on a copy, and only where it gives the same.

A loss may draw random numbers, count its calls or average over them. What it does to a copy of its module it does not
do to the training, and the random state is put back.
"""

import copy
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from tb_lossdiag.torch.loss_call import LossCall, again
from tb_lossdiag.torch.peers import has_peers

MAX_WEIGHTS = 100_000  # of a loss module: a copy of more, or what a network in it computes, would be felt
SAME = 1e-3  # relative; autocast may have computed the training's loss in half precision


@dataclass
class Draws:
    """changed: whether random numbers were drawn in the block."""

    changed: bool = False


def repeatable(call: LossCall) -> tuple[LossCall | None, str]:
    """The call as it may be repeated, or None and why not: a clause that can follow "because"."""
    if is_torchs(call):
        return call, ""
    if has_peers():
        return None, "a loss of the user's own may wait for the other processes"
    module = getattr(call.function, "__self__", None)
    if isinstance(module, nn.Module):
        held = [*module.parameters(), *module.buffers()]
        if sum(tensor.numel() for tensor in held) > MAX_WEIGHTS:
            return None, "the loss has a network of its own"
        try:
            call = replace(call, function=copy.deepcopy(module).forward)
        except Exception as error:  # whatever a user's module may raise
            return None, f"the loss cannot be copied ({type(error).__name__})"
    try:
        with undisturbed(call.predictions[0].device) as draws:
            value = again(call, call.predictions, call.targets)
    except Exception as error:  # whatever a user's loss may raise
        return None, f"the loss cannot be called again ({type(error).__name__})"
    if draws.changed:
        return None, "the loss draws random numbers"
    if call.value is not None and not _is_same(value, call.value):
        return None, "the loss is another one when it is called again"
    return call, ""


def is_torchs(call: LossCall) -> bool:
    return getattr(call.function, "__module__", "").startswith("torch.nn.")


@contextmanager
def undisturbed(device: torch.device) -> Iterator[Draws]:
    """Puts all random states back as they were."""
    draws = Draws()
    is_cuda = device.type == "cuda"
    plain, numbers, own = random.getstate(), np.random.get_state(), torch.get_rng_state()
    other = torch.cuda.get_rng_state(device) if is_cuda else own
    try:
        yield draws
    finally:
        now = np.random.get_state()
        same = torch.equal(own, torch.get_rng_state()) and plain == random.getstate() and numbers[2:] == now[2:]
        same &= np.array_equal(numbers[1], now[1])
        if is_cuda:
            same &= torch.equal(other, torch.cuda.get_rng_state(device))
            torch.cuda.set_rng_state(other, device)
        draws.changed = not same
        random.setstate(plain)
        np.random.set_state(numbers)
        torch.set_rng_state(own)


def _is_same(value: Tensor, known: Tensor) -> bool:
    known = known.detach().float().mean()
    return bool(torch.isclose(value.float(), known, rtol=SAME, atol=0.0, equal_nan=True))
