"""What was a loss given when the training called it? Predictions, targets and options of a module or a function."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tb_lossdiag.torch.loss_functions import CLASSES
from tb_lossdiag.torch.losses import tensors

# Names of what the model makes, where that is more than the first argument; of the others one is the target.
_PREDICTIONS = {
    "cosine_embedding_loss": ("input1", "input2"),
    "gaussian_nll_loss": ("input", "var"),
    "margin_ranking_loss": ("input1", "input2"),
    "triplet_margin_loss": ("anchor", "positive", "negative"),
    "triplet_margin_with_distance_loss": ("anchor", "positive", "negative"),
}
MAX_JOINED = 2**20  # elements; a copy of more would be felt
_TARGETS = ("target", "targets")
# Losses that say another thing when their arguments change places, and whose first argument is never data.
_ORDERED = (nn.BCELoss, nn.BCEWithLogitsLoss, nn.CrossEntropyLoss, nn.PoissonNLLLoss)
_OPTIONS = ("weight", "pos_weight", "reduction", "ignore_index", "log_input")
_WARNING = (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss)
_PLACES = (str(Path(torch.__file__).parent), str(Path(__file__).parent.parent))


@dataclass(frozen=True, eq=False)
class LossCall:
    """One call. kind: torch's class of this loss, or the user's own. predictions: what the model made; targets: what
    they are compared with. value: the loss, None where it was not computed yet. options: under torch's names.

    function, args, kwargs: the call itself. where: "train.py:17", the user's line; "" where that is not known.
    made: the first prediction with its history, where predictions are those of several calls. is_swapped: whether
    what the model made was given where the target belongs, to a loss that tells them apart.
    """

    kind: type
    predictions: tuple[Tensor, ...]
    targets: tuple[Tensor, ...]
    value: Tensor | None
    function: Callable[..., Any]
    args: tuple = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""
    made: Tensor | None = None
    is_swapped: bool = False


def function_call(name: str, function: Callable[..., Tensor], arguments: dict[str, Any]) -> LossCall | None:
    """Of one of torch's own. None where it was given nothing that the model made."""
    predictions, targets = _torchs_sides(name, arguments)
    plain = all(type(tensor) in (Tensor, nn.Parameter) for tensor in (*predictions, *targets))  # not one for tracing
    if not plain or not any(tensor.requires_grad for tensor in predictions):
        return None
    options = {known: arguments[known] for known in _OPTIONS if known in arguments}
    swapped = CLASSES[name] in _ORDERED and arguments.get("target") is predictions[0]
    return LossCall(
        CLASSES[name], predictions, targets, None, function, (), arguments, options, users_line(), is_swapped=swapped
    )


def module_call(module: nn.Module, args: tuple, kwargs: dict[str, Any], value: Tensor) -> LossCall | None:
    """None where it was given no prediction. A module of the user's own is given that first, and then the target."""
    name = next((known for known, kind in CLASSES.items() if kind is type(module)), None)
    if name is not None:
        arguments = _signature(type(module)).bind(module, *args, **kwargs).arguments
        predictions, targets = _torchs_sides(name, dict(list(arguments.items())[1:]))
    else:
        first, second, *_ = [*args, *kwargs.values(), None, None]
        predictions, targets = _sides(_floating([first]), tuple(tensors(second)))
    options = {name: getattr(module, name) for name in _OPTIONS if hasattr(module, name)}
    call = LossCall(type(module), predictions, targets, value, module.forward, args, kwargs, options, users_line())
    if not predictions:
        return None
    return replace(call, is_swapped=type(module) in _ORDERED and _target(args, kwargs) is predictions[0])


def _target(args: tuple, kwargs: Mapping[str, Any]) -> Any:
    return args[1] if len(args) > 1 else kwargs.get("target")


@lru_cache
def _signature(kind: type) -> inspect.Signature:
    return inspect.signature(kind.forward)


def _torchs_sides(name: str, arguments: Mapping[str, Any]) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    first = next(iter(arguments))
    predictions = _floating(arguments.get(known) for known in _PREDICTIONS.get(name, (first,)))
    return _sides(predictions, tuple(tensors([arguments.get(known) for known in _TARGETS])))


def _floating(values: Any) -> tuple[Tensor, ...]:
    return tuple(tensor for value in values for tensor in tensors(value) if tensor.is_floating_point())


def _sides(
    predictions: tuple[Tensor, ...], targets: tuple[Tensor, ...]
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """The other way round where only what stands for the target has a history: many a loss does not care."""
    if any(tensor.requires_grad for tensor in predictions) or not any(tensor.requires_grad for tensor in targets):
        return predictions, targets
    return targets, predictions


def users_line() -> str:
    """Where the innermost call is that stands neither in torch nor in our own code."""
    frame: Any = inspect.currentframe().f_back
    while frame is not None and not is_foreign(frame.f_code.co_filename):
        frame = frame.f_back
    return "" if frame is None else f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def is_foreign(file: str) -> bool:
    """Whether code in it is neither torch's nor our own."""
    return not file.startswith(_PLACES)


def again(call: LossCall, predictions: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
    """The loss of other predictions and targets, as one number; all else as it was given."""
    if issubclass(call.kind, _WARNING) and len(targets) == 1:
        predictions, targets = _in_one_form(predictions[0], targets[0])
    pairs = zip((*call.predictions, *call.targets), (*predictions, *targets), strict=True)
    new = {id(old): tensor for old, tensor in pairs}
    value = next(tensors(call.function(*_exchanged(call.args, new), **_exchanged(dict(call.kwargs), new))))
    return value.mean() if value.dim() else value


def _in_one_form(prediction: Tensor, target: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """As torch itself would bring them into one, but without its warning, which the training has had."""
    if prediction.shape == target.shape:
        return [prediction], [target]
    whole = torch.broadcast_tensors(prediction, target)
    return [whole[0]], [whole[1]]


def is_same(call: LossCall, other: LossCall) -> bool:
    """Whether both are one call: under `with torch.device(...)` torch calls a function once more inside itself."""
    sides = ((*of.predictions, *of.targets) for of in (call, other))
    return call.kind is other.kind and [*map(id, next(sides))] == [*map(id, next(sides))]


def is_small(call: LossCall) -> bool:
    return sum(tensor.numel() for tensor in call.predictions) <= MAX_JOINED


def joined(earlier: LossCall | None, call: LossCall) -> LossCall:
    """A call with the examples of an earlier one in front, where both are of one form and not too large."""
    if earlier is None or earlier.kind is not call.kind or not _fit(earlier, call):
        return call
    old, new = (*earlier.predictions, *earlier.targets), (*call.predictions, *call.targets)
    both = [torch.cat([a.detach(), b.detach()]) for a, b in zip(old, new, strict=True)]
    exchange = {id(tensor): whole for tensor, whole in zip(new, both, strict=True)}
    count = len(call.predictions)
    return replace(
        call,
        predictions=tuple(both[:count]),
        targets=tuple(both[count:]),
        args=_exchanged(call.args, exchange),
        kwargs=_exchanged(dict(call.kwargs), exchange),
        made=call.made if call.made is not None else call.predictions[0],
    )


def _fit(earlier: LossCall, call: LossCall) -> bool:
    def forms(of: LossCall) -> list[tuple]:
        return [
            (tensor.dim() > 0, tensor.shape[1:], tensor.dtype, tensor.device)
            for tensor in (*of.predictions, *of.targets)
        ]

    sizes = sum(tensor.numel() for of in (earlier, call) for tensor in of.predictions)
    rows = {(tensor.shape[:1], tensor.dim() > 0) for tensor in (*call.predictions, *call.targets)}
    return forms(earlier) == forms(call) and sizes <= MAX_JOINED and len(rows) == 1 and all(at for _, at in rows)


def _exchanged(value: Any, new: Mapping[int, Tensor]) -> Any:
    if isinstance(value, Tensor):
        return new.get(id(value), value)
    if isinstance(value, dict):
        return {key: _exchanged(inner, new) for key, inner in value.items()}
    if type(value) in (tuple, list):
        return type(value)(_exchanged(inner, new) for inner in value)
    return value
