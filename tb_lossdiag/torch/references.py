"""What would the loss be of outputs that know nothing? The training's own loss on outputs dealt to other examples, and
on the best constant output found; and of outputs that know all, where those are the targets.

All are of the same batch as the loss itself, so they can be compared with it, whatever the loss is.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from tb_lossdiag.recording.torch.statistics import Numbers
from tb_lossdiag.torch.loss_call import LossCall, again
from tb_lossdiag.torch.losses import Loss
from tb_lossdiag.torch.repeatable import is_torchs, repeatable

PERMUTATIONS = 3
MAX_ELEMENTS = 2**20  # of predictions; of more, some examples are taken, for the loss and its references alike
_SELF_LEAST = (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss, nn.BCELoss)
_BY_CLASS = (nn.CrossEntropyLoss, nn.NLLLoss)
# Losses that compare outputs with each other: dealt together, they would stay the pairs that they are.
_PAIRS = (nn.TripletMarginLoss, nn.TripletMarginWithDistanceLoss, nn.CosineEmbeddingLoss, nn.MarginRankingLoss)
_ALMOST = 1e-6  # a probability of 0 has no logarithm


def references(call: LossCall, loss: Loss, generator: torch.Generator) -> tuple[Numbers, str]:
    """Numbers under their names in schema.DATA_COLUMNS, or none and why not: a clause that can follow "because".

    loss: as the call was described. generator: of our own, on the CPU.
    """
    if not all(tensor.is_floating_point() for tensor in call.predictions):
        return {}, "the loss is of numbers that are not real"
    axis = 1 if issubclass(call.kind, nn.CTCLoss) else 0
    if any(tensor.dim() <= axis for tensor in call.predictions):
        return {}, "the loss is not of a batch of predictions"
    examples = call.predictions[0].shape[axis]
    if examples < 2 or any(tensor.shape[axis] != examples for tensor in call.predictions):
        return (
            {},
            "the batch has no other example to deal an output to" if examples < 2 else "the batch axis is not known",
        )
    call, reason = repeatable(call)
    if call is None:
        return {}, reason
    try:
        return _measured(call, loss, axis, generator), ""
    except Exception as error:  # whatever a user's loss may raise of outputs it was not made for
        return {}, f"the loss cannot be called on other outputs ({type(error).__name__})"


def _measured(call: LossCall, loss: Loss, axis: int, generator: torch.Generator) -> Numbers:
    outputs = [tensor.detach().float() if is_torchs(call) else tensor.detach() for tensor in call.predictions]
    targets = [tensor.detach() for tensor in call.targets]
    if is_torchs(call):
        targets = [tensor.float() if tensor.is_floating_point() else tensor for tensor in targets]
    outputs, targets = _some(outputs, targets, axis)

    def of(outputs: Sequence[Tensor], targets: Sequence[Tensor] = targets) -> Tensor:
        return again(call, outputs, targets).detach().float()

    own = of(outputs)
    dealt = torch.stack([of(_dealt(call, outputs, axis, generator)) for _ in range(PERMUTATIONS)])
    numbers = {
        "loss": own,
        "loss_shuffled": dealt.mean(),
        "loss_shuffled_change": ((dealt - own).abs() / own.abs().clamp(min=torch.finfo(torch.float32).tiny)).amax(),
    }
    constants = [value for value in (of([*c]) for c in _constants(call, loss, outputs, targets, axis))]
    known = torch.stack(constants)
    numbers["loss_constant"] = torch.where(known.isfinite(), known, torch.inf).amin()
    if _is_least_of_itself(call, loss, outputs, targets):
        numbers["loss_least"] = of([targets[0].to(outputs[0].dtype)])
    return numbers


def _some(outputs: Sequence[Tensor], targets: Sequence[Tensor], axis: int) -> tuple[list[Tensor], list[Tensor]]:
    """The first examples, where there are too many to compute the loss of several times."""
    examples, size = outputs[0].shape[axis], max(tensor.numel() for tensor in outputs)
    kept = max(2, examples * MAX_ELEMENTS // size)
    fits = axis == 0 and all(tensor.dim() and tensor.shape[0] == examples for tensor in targets)
    if kept >= examples or not fits:
        return list(outputs), list(targets)
    return [tensor[:kept] for tensor in outputs], [tensor[:kept] for tensor in targets]


def _dealt(call: LossCall, outputs: Sequence[Tensor], axis: int, generator: torch.Generator) -> list[Tensor]:
    """No example keeps its own. Of a triplet the positives are dealt to other anchors."""
    order = torch.randperm(outputs[0].shape[axis], generator=generator)
    to = torch.empty_like(order)
    to[order] = order.roll(1)
    moved = [tensor.index_select(axis, to.to(tensor.device)) for tensor in outputs]
    made = [tensor.requires_grad for tensor in call.predictions]
    if any(made) and not all(made):  # what an output is compared with stands where another one could
        pairs = zip(outputs, moved, made, strict=True)
        return [dealt if is_made else own for own, dealt, is_made in pairs]
    return [outputs[0], moved[1], *outputs[2:]] if issubclass(call.kind, _PAIRS) else moved


def _constants(
    call: LossCall, loss: Loss, outputs: Sequence[Tensor], targets: Sequence[Tensor], axis: int
) -> Iterator[list[Tensor]]:
    """Outputs that are the same for each example: the mean one, and what the targets make the best of this loss."""
    yield [tensor.mean(axis, keepdim=True).expand_as(tensor) for tensor in outputs]
    if len(outputs) != 1 or len(targets) != 1:
        return
    output, target = outputs[0], targets[0]
    if issubclass(call.kind, _BY_CLASS) and output.dim() > 1:
        yield [_prior(output, target, loss).log().expand_as(output)]
    elif target.is_floating_point() and target.shape == output.shape and not issubclass(call.kind, _BY_CLASS):
        mean = target.mean(0, keepdim=True)
        for constant in _of_mean(call.kind)(mean), target.median(0, keepdim=True).values:
            yield [constant.to(output.dtype).expand_as(output)]


def _of_mean(kind: type) -> Callable[[Tensor], Tensor]:
    """The best constant in the space of the outputs, from the targets' mean."""
    if issubclass(kind, nn.BCEWithLogitsLoss):
        return lambda mean: mean.clamp(_ALMOST, 1.0 - _ALMOST).logit()
    if issubclass(kind, (nn.PoissonNLLLoss, nn.KLDivLoss)):
        return lambda mean: mean.clamp(min=_ALMOST).log()
    return lambda mean: mean


def _prior(output: Tensor, target: Tensor, loss: Loss) -> Tensor:
    """[1, classes, 1, ...] how frequent each class is."""
    classes = output.shape[1]
    if target.is_floating_point():
        share = target.transpose(0, 1).flatten(1).mean(1) if target.dim() > 1 else target.new_ones(classes) / classes
    else:
        labels = target[target != loss.ignored].reshape(-1)
        labels = labels[(labels >= 0) & (labels < classes)]
        share = torch.bincount(labels, minlength=classes).float() / max(1, labels.numel())
    return share.clamp(min=_ALMOST).reshape(1, classes, *[1] * (output.dim() - 2))


def _is_least_of_itself(call: LossCall, loss: Loss, outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> bool:
    """Whether outputs equal to the targets are what a perfect model would give."""
    if len(outputs) != 1 or len(targets) != 1 or loss.from_logits:
        return False
    output, target = outputs[0], targets[0]
    if not target.is_floating_point() or target.shape != output.shape:
        return False
    if is_torchs(call):
        return issubclass(call.kind, _SELF_LEAST)
    # A loss of the user's own may apply a sigmoid; then targets of 0 and 1 are compared with any numbers.
    probable = bool(((target >= 0.0) & (target <= 1.0)).all())
    return not probable or bool(((output >= 0.0) & (output <= 1.0)).all())
