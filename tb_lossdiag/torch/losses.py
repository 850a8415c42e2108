"""Which loss is it, and in which form does it take predictions and targets? Torch's losses under Keras's names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from tb_lossdiag.torch.axes import IMAGE_RANK, arranged

_NAMES = {
    nn.BCEWithLogitsLoss: "BinaryCrossentropy",
    nn.BCELoss: "BinaryCrossentropy",
    nn.MSELoss: "MeanSquaredError",
    nn.L1Loss: "MeanAbsoluteError",
    nn.HuberLoss: "Huber",
    nn.KLDivLoss: "KLDivergence",
    nn.PoissonNLLLoss: "Poisson",
}
_BY_CLASS = (nn.CrossEntropyLoss, nn.NLLLoss)
_IGNORED = -100  # torch's own label of examples that do not count, where none is given


@dataclass(frozen=True)
class Loss:
    """A loss as it was called. from_logits: whether it applies the softmax, sigmoid or exp itself.

    classes: how many, where the targets are integer class labels. ignored: the label of examples that do not count.
    weighted: whether it is something else than the plain mean over the examples.
    """

    name: str
    from_logits: bool = False
    classes: int | None = None
    ignored: int | None = None
    weighted: bool = False


def described(
    kind: type, options: Mapping[str, Any], prediction: Tensor, target: Tensor | None, activation: str | None
) -> Loss:
    """kind, options: torch's class of the loss, or the user's own, and how it was set.

    activation: the name of what made the prediction; log-probabilities are logits that a softmax leaves as is.
    """
    name = next((name for known, name in _NAMES.items() if issubclass(kind, known)), kind.__name__)
    takes_logarithms = issubclass(kind, nn.PoissonNLLLoss) and bool(options.get("log_input", True))
    from_logits = issubclass(kind, nn.BCEWithLogitsLoss) or takes_logarithms
    classes, ignored = None, None
    if issubclass(kind, _BY_CLASS):
        sparse = target is not None and not target.is_floating_point()
        if issubclass(kind, nn.CrossEntropyLoss) or activation == "log_softmax":
            name, from_logits = f"{'Sparse' if sparse else ''}CategoricalCrossentropy", True
        if sparse and prediction.dim() > 1:
            classes, ignored = prediction.shape[1], options.get("ignore_index", _IGNORED)
    elif kind not in _NAMES and target is not None and _are_labels(prediction, target):
        classes = prediction.shape[-1]
    weighted = any(isinstance(options.get(name), Tensor) for name in ("weight", "pos_weight"))
    return Loss(name, from_logits, classes, ignored, weighted or options.get("reduction") == "sum")


def in_units(kind: type | None, tensor: Tensor) -> Tensor:
    """A prediction, or a target of the same form, with its units on the last axis. kind: the loss's class."""
    by_class = kind is not None and issubclass(kind, _BY_CLASS)
    return arranged(tensor, by_class or tensor.dim() >= IMAGE_RANK)


def counted(target: Tensor, loss: Loss) -> Tensor:
    """The target without the labels that are to be ignored."""
    return target if loss.ignored is None else target[target != loss.ignored]


def tensors(value: object) -> Iterator[Tensor]:
    """The strided tensors in what a module was given or gave, however nested."""
    if isinstance(value, Tensor):
        if not value.is_sparse and not value.is_nested:
            yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from tensors(inner)
    elif isinstance(value, (tuple, list)):
        for inner in value:
            yield from tensors(inner)


def _are_labels(prediction: Tensor, target: Tensor) -> bool:
    if target.is_floating_point() or target.is_complex() or prediction.dim() < 2 or prediction.shape[-1] < 2:
        return False
    return target.shape == prediction.shape[:-1] or (target.dim() > 0 and target.shape[-1] == 1)
