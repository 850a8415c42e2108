"""Which layer of the model gives the output that the loss is called on, and how many units has it?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tb_lossdiag.diagnosis.losses import snake_case
from tb_lossdiag.run import LayerCard, ModelCard

PASSIVE = {"Dropout", "Flatten", "Reshape", "InputLayer", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise"}


@dataclass(frozen=True)
class Pair:
    """A loss, and the layer that gives what it is called on.

    at: which of the model's outputs that is; the recorded targets of single units are those of the first.
    """

    output: LayerCard
    units: int | None
    loss: Mapping[str, Any]
    at: int = 0

    @property
    def name(self) -> str:
        return snake_case(self.loss.get("name", ""))

    @property
    def told(self) -> str:
        units = f"{self.units} unit{'s' if self.units != 1 else ''}"
        return f"{self.output.path!r} ({self.output.activation or 'no activation'}, {units}) feeds {self.name}"


def output_layer(card: ModelCard) -> LayerCard | None:
    """The layer whose activation shapes the predictions.

    Of a model with several ends it is the one that fits what the loss was called with, which need not be the last.
    """
    layers = [layer for layer in card.layers if layer.kind not in PASSIVE]
    sizes = _asked_sizes(card)
    last = layers[-1] if layers else None
    if last is None or last.units is None or not sizes or last.units in sizes:
        return last
    return next((layer for layer in reversed(layers) if layer.units in sizes), last)


def output_units(card: ModelCard) -> int | None:
    last = next((layer.units for layer in reversed(card.layers) if layer.units is not None), None)
    output, sizes = output_layer(card), _asked_sizes(card)
    return output.units if output is not None and output.units in sizes and last not in sizes else last


def _asked_sizes(card: ModelCard) -> set[int]:
    """The sizes of what the loss was called with, but for the batch; nothing where that is not known."""
    told = card.settings.get("loss_shapes")
    shape = told.get("prediction") if isinstance(told, dict) else None
    return {size for size in shape[1:] if type(size) is int} if isinstance(shape, (list, tuple)) else set()
