"""Which layer of the model gives the output that the loss is called on, and how many units has it?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tb_lossdiag.diagnosis.losses import snake_case
from tb_lossdiag.run import LayerCard, ModelCard, Run

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
    return {size for size in asked_shape(card)[1:] if type(size) is int}


def asked_shape(card: ModelCard) -> tuple:
    """Of the predictions as the loss was called with them, the batch axis None; () where that is not known."""
    told = card.settings.get("loss_shapes")
    shape = told.get("prediction") if isinstance(told, dict) else None
    return tuple(shape) if isinstance(shape, (list, tuple)) else ()


# Of the spread of the predictions: a layer's outputs may be measured on a part of the batch. Of 400 recordings of the
# zoo whose last layer gives the predictions none differs by more (benchmarks/zoo).
SAME, OF_SIZE = 0.1, 0.01


def gives_predictions(run: Run, path: str, at: int = 0) -> bool | None:
    """Whether a layer's outputs are the predictions themselves, by their mean and deviation in the first sample.

    False where an operation lies between: a softmax as a function, a product with other outputs. None where no
    statistics tell. at: which of the predictions.
    """
    outputs = run.layers.of_kind("output") if run.layers is not None else None
    table = run.data.of_kind("prediction") if run.data is not None else None
    row = next((row for row in reversed(outputs.rows) if row.layer == path), None) if outputs is not None else None
    if row is None or table is None or len(table.rows) <= at or not len(outputs.steps) or not len(table.steps):
        return None
    if not all(map(outputs.has, ("activation_mean", "activation_std"))) or not all(map(table.has, ("mean", "std"))):
        return None
    own = [float(outputs.cell(row.name, name)[0]) for name in ("activation_mean", "activation_std")]
    said = [float(table.column(name)[0, at]) for name in ("mean", "std")]
    if outputs.steps[0] != table.steps[0] or not np.isfinite([*own, *said]).all():
        return None
    room = SAME * max(said[1], OF_SIZE * abs(said[0]))
    return bool(abs(own[0] - said[0]) <= room and abs(own[1] - said[1]) <= room)
