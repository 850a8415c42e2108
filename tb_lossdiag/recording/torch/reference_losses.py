"""What is the user's loss on other outputs than the model's, on PyTorch? Outputs dealt to other examples, constants,
and the targets themselves, of the same batch in the same step.

A step runs at once here, and no trace shows what a function of the user's does. So it is called again where its code
shows no effect, on copies of what it may change in place, with variables that nobody can assign to, and with the random
states put back; one that has drawn from them is not asked again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from tb_lossdiag.recording.effects import unmoved
from tb_lossdiag.recording.keras_private import give_mask, mask_of
from tb_lossdiag.recording.loss_calls import LossCall, is_kerass
from tb_lossdiag.recording.references import (
    DRAWS,
    FAILED,
    NO_BATCH,
    NO_TENSOR,
    NotCalledAgain,
    Unchanged,
    constants_of,
    dealing,
    has_least,
    measured_examples,
    shapes_of,
)
from tb_lossdiag.recording.torch.statistics import Numbers, as_float

MAX_NODES = 30  # looked at on the way from what a loss was called on back to the model's output
_refused: "WeakKeyDictionary[Any, str]" = WeakKeyDictionary()  # losses that are not called again, and why


@torch.no_grad()
def reference_losses(call: LossCall) -> Numbers:
    """The columns of schema.DATA_COLUMNS from "loss" to "loss_least". Raises NotCalledAgain with the reason."""
    if call.loss in _refused:
        raise NotCalledAgain(_refused[call.loss])
    try:
        return _measured(call)
    except Exception as found:  # one that has failed may have done something: it is not asked again
        known = isinstance(found, NotCalledAgain)
        _refused[call.loss] = str(found) if known else f"{FAILED} ({type(found).__name__})"
        raise


def _measured(call: LossCall) -> Numbers:
    target, prediction, mask = call.target, call.prediction, mask_of(call.prediction)
    if not isinstance(prediction, Tensor) or not prediction.is_floating_point():
        raise NotCalledAgain(NO_TENSOR)
    target = torch.as_tensor(target, device=prediction.device)
    if not target.dim() or not prediction.dim():
        raise NotCalledAgain(NO_BATCH)
    count = measured_examples(tuple(prediction.shape))
    target, prediction, mask, weight = (_first(x, count) for x in (target, prediction.detach(), mask, call.weight))
    effect = call.effect()
    if effect is not None:
        raise NotCalledAgain(effect)
    answered = _answering(call, target, weight)
    own = answered(prediction, mask) if call.value is None or count else own_loss(call)
    batch, losses = prediction.shape[0], []
    for order in torch.as_tensor(dealing(batch), device=prediction.device):
        losses.append(answered(prediction[order], mask if mask is None or mask.shape[0] == 1 else mask[order]))
    dealt = torch.stack(losses)
    made = torch.stack([answered(one, mask) for one in _constants(call, target, prediction)])
    larger = torch.maximum(dealt.abs(), own.abs())
    change = torch.where(larger == 0.0, 0.0, (dealt - own).abs() / torch.where(larger == 0.0, 1.0, larger))
    missing = made.isnan()
    least = torch.where(missing.all(), torch.nan, torch.where(missing, torch.inf, made).min())
    numbers = {"loss": own, "loss_constant": least}
    if batch > 1:
        numbers |= {"loss_shuffled": dealt.mean(), "loss_shuffled_change": change.max()}
    if has_least(call.description, *shapes_of(call), target.is_floating_point()):
        numbers["loss_least"] = answered(target.reshape(prediction.shape).to(prediction.dtype), mask)
    return numbers


def own_loss(call: LossCall) -> Tensor:
    """What the loss answered in the step itself; the mean of what is one value for each example."""
    return as_float(call.value.detach()).mean()


def is_made_of(tensor: Any, prediction: Any) -> bool:
    """Whether few operators lead from the model's output to what a loss was called on."""
    if not (isinstance(tensor, Tensor) and isinstance(prediction, Tensor)) or prediction.grad_fn is None:
        return False
    left, looked_at = [tensor.grad_fn], 0
    while left and looked_at < MAX_NODES:
        node = left.pop(0)
        if node is prediction.grad_fn:
            return True
        looked_at += 1
        left += [] if node is None else [one for one, _ in node.next_functions]
    return False


def _first(x: Any, count: int | None) -> Any:
    """The first examples; of what has no batch axis, or one of size 1, all."""
    return x if x is None or count is None or not len(x.shape) or x.shape[0] == 1 else x[:count]


def _answering(call: LossCall, target: Tensor, weight: Any) -> Callable[[Tensor, Any], Tensor]:
    """The loss as a function of prediction and mask that answers one float32."""
    is_users = not is_kerass(call.loss)

    def answered(prediction: Tensor, mask: Any) -> Tensor:
        prediction = prediction.clone()  # ours, to be given the mask
        if mask is not None:
            give_mask(prediction, mask)
        given = [x.clone() if is_users and isinstance(x, Tensor) else x for x in (target, weight)]
        with _undrawn() if is_users else nullcontext([False]) as drew, Unchanged():
            value = call.again(given[0], prediction, given[1])
        if drew[0]:
            raise NotCalledAgain(DRAWS)
        return as_float(value.detach()).mean()

    return answered


@contextmanager
def _undrawn() -> Iterator[list[bool]]:
    """Python's, numpy's and torch's random states are after the block what they were before; the list then says whether
    the block had drawn.
    """
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    states = [torch.get_rng_state(), *(torch.cuda.get_rng_state(device) for device in devices)]
    drew: list[bool] = []
    try:
        with unmoved() as drew:
            yield drew
    finally:
        now = [torch.get_rng_state(), *(torch.cuda.get_rng_state(device) for device in devices)]
        if not all(torch.equal(a, b) for a, b in zip(states, now, strict=True)):
            torch.set_rng_state(states[0])
            for device, state in zip(devices, states[1:], strict=True):
                torch.cuda.set_rng_state(state, device)
            drew[0] = True


def _constants(call: LossCall, target: Tensor, prediction: Tensor) -> list[Tensor]:
    """Outputs in the form of the prediction, each the same for every example; the kinds of references.constants_of."""
    shapes = tuple(target.shape), tuple(prediction.shape)
    is_integer = not target.is_floating_point() and target.dtype != torch.bool
    made = []
    for kind in constants_of(call.description, not is_kerass(call.loss), *shapes, is_integer):
        of_outputs = kind == "prediction"
        vector = as_float(prediction).mean(dim=0) if of_outputs else _of_targets(kind, target, prediction)
        made.append(vector.to(prediction.dtype).expand(prediction.shape))
    return made


def _of_targets(kind: str, target: Tensor, prediction: Tensor) -> Tensor:
    units = prediction.shape[-1]
    if kind in ("mean", "median"):
        values = as_float(target)
        values = values[..., None] if values.dim() < prediction.dim() else values
        return values.mean(dim=0) if kind == "mean" else values.sort(dim=0).values[values.shape[0] // 2]
    yes = kind in ("shares of yes", "log odds")
    if target.dim() == prediction.dim() and target.shape[-1] == units and units != 1:
        rows = as_float(target).reshape(-1, units)
        counted, count = rows.sum(dim=0), rows.shape[0]
    elif yes:
        counted, count = as_float(target).sum().reshape(1), target.numel()
    else:
        labels = target.reshape(-1).long()
        known = (labels >= 0) & (labels < units)
        counted = torch.zeros(units, device=target.device)
        counted.scatter_add_(0, torch.where(known, labels, 0), known.float())
        count = labels.numel()
    shares = (counted + 1.0) / (count + (2.0 if yes else float(units)))
    if kind == "log shares":
        return shares.log()
    return shares.log() - torch.log1p(-shares) if kind == "log odds" else shares
