"""What does the first sampled step tell of the program? Facts that no statistic has, under a card's settings.

They are looked for once, when the card is written.
"""

from typing import Any

from torch import nn
from torch.optim import Optimizer

from tb_lossdiag.torch.ownership import ownership
from tb_lossdiag.torch.schedules import schedulers_of
from tb_lossdiag.torch.used import Used

BY_HAND = "the loss is written by hand; hand watch(loss=...) a callable"
NOT_FOUND = "no prediction and target were found of which watch(loss=...) gives the loss"


def step_facts(model: nn.Module, optimizer: Optimizer, used: Used) -> dict[str, Any]:
    """Only those that are known."""
    schedulers = schedulers_of(optimizer)
    return {
        **ownership(model, optimizer, used.foreign),
        **({"callbacks": schedulers} if schedulers else {}),
        **({"broadcasts": used.broadcasts} if used.broadcasts else {}),
        **({"calls_per_step": used.passes} if used.passes > 1 else {}),
        **({"inputs": used.forward.given} if used.forward.given else {}),
        **_loss_facts(used),
    }


def _loss_facts(used: Used) -> dict[str, Any]:
    if not used.losses:
        return {"not_measured": used.not_measured or (NOT_FOUND if used.not_found else BY_HAND)}
    call = used.losses[0]
    shapes = {
        name: [None, *tensor.shape[1:]] if tensor.dim() else []
        for name, side in (("target", call.targets), ("prediction", call.predictions))
        for tensor in side[:1]
    }
    reason = used.not_measured
    swapped = {"swapped_arguments": call.kind.__name__} if call.is_swapped else {}
    return {"loss_shapes": shapes, **swapped, **({"not_measured": reason} if reason else {})}
