"""Is a loss one that two models play for? Then its targets are no labels, and chance is no failure.

A discriminator is called on what is real and on what is not, each with one target for all; once the generator is good
it can do no better than chance. The generator is judged by what another model makes of its outputs.
"""

from collections.abc import Container, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from tb_lossdiag.torch.forward import ForwardPass
from tb_lossdiag.torch.graph import leaves_before
from tb_lossdiag.torch.loss_call import LossCall

# Why a loss has no references: clauses that can follow "because".
ANOTHERS = "what the loss compares is made by another model, of what this one gives"
ADVERSARIES = "each call of the loss has one target for all examples, as of what is real and what is not"


def of_another(
    calls: Sequence[LossCall],
    passes: Sequence[ForwardPass],
    ends: Container[Any],
    foreign: Mapping[int, Tensor],
    trained: Sequence[Tensor],
) -> list[LossCall]:
    """Those whose predictions another model made of this one's outputs.

    ends: the nodes of the passes. foreign: leaves that are no parameters of this model; what its optimizer trains, all
    of `trained`, is a part of it all the same, such as a head.
    """
    known = {id(tensor) for tensor in trained}
    others = {key for key, leaf in foreign.items() if isinstance(leaf, nn.Parameter) and key not in known}
    return [
        call
        for call in calls
        if (others and leaves_before(call.predictions[0], ends).keys() & others)
        # Where the other model is frozen meanwhile, that all are to be judged alike gives it away.
        or (_has_one_target(call) and not any(forward.gave(call.predictions[0]) for forward in passes))
    ]


def are_adversaries(calls: Sequence[LossCall]) -> bool:
    """Whether each call has one target for all its examples, and not all calls the same."""
    if len(calls) < 2 or not all(map(_has_one_target, calls)):
        return False
    firsts = [call.targets[0].reshape(-1)[0] for call in calls]
    return any(bool(first != firsts[0]) for first in firsts)


def _has_one_target(call: LossCall) -> bool:
    """Whether all its examples have the same, which is a number and no label."""
    if len(call.targets) != 1 or not call.targets[0].is_floating_point() or call.targets[0].numel() < 2:
        return False
    flat = call.targets[0].reshape(-1)
    return bool((flat == flat[0]).all())
