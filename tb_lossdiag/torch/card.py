"""What did the user write? A torch model, its optimizer and its loss as a ModelCard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from tb_lossdiag.run import LayerCard, ModelCard, Row
from tb_lossdiag.torch.forward import ForwardPass
from tb_lossdiag.torch.kinds import LEAVES, activation_name, kind, settings
from tb_lossdiag.torch.losses import Loss
from tb_lossdiag.torch.optimizer_card import optimizer_card
from tb_lossdiag.torch.seen import Seen


@dataclass(frozen=True)
class Plan:
    """What the user says of the training: how often to sample it, and how long it is to be."""

    every: int | str
    epochs: int | None
    steps_per_epoch: int | None

    @property
    def total(self) -> int | None:
        """Steps; None when unknown."""
        return self.epochs * self.steps_per_epoch if self.epochs and self.steps_per_epoch else None


def model_card(
    model: nn.Module,
    optimizer: Optimizer,
    seen: Seen,
    rows: Sequence[Row],
    data_rows: Sequence[Row],
    initial: Mapping[str, Mapping[str, Any]],
    plan: Plan,
) -> ModelCard:
    """The card of a training whose first sampled step was seen.

    model: the bare one. initial: initial_weights, from before that step.
    """
    forward, layers = seen.forward, seen.structure.layers
    units = {call.path: call.units for call in forward.calls}
    parameters = list(model.parameters())
    dtypes = _sizes_by_dtype(parameters)
    dtype = max(dtypes, key=dtypes.get, default="float32")
    return ModelCard(
        framework=f"torch {torch.__version__}",
        model=seen.structure.name,
        # A layer that was not called has no place in the data's flow, and none is known of a compiled model's.
        layers=tuple(_layer_card(path, layers[path], forward, units[path], initial.get(path, {})) for path in units),
        rows=tuple(rows),
        data_rows=tuple(data_rows),
        optimizer=optimizer_card(optimizer),
        loss=_loss_card(forward.loss),
        precision=seen.precision or dtype,
        batch_size=seen.examples or None,
        parameters=sum(parameter.numel() for parameter in parameters),
        trainable_parameters=sum(dtypes.values()),
        epochs=plan.epochs,
        steps_per_epoch=plan.steps_per_epoch,
        settings={
            "every": plan.every,
            "target_kind": "sparse_classes" if forward.loss and forward.loss.classes else "values",
            "classes": forward.loss.classes if forward.loss else None,
            "sample_weight": bool(forward.loss and forward.loss.weighted),
            **({"variable_dtype": dtype} if dtype != "float32" else {}),
        },
    )


def _layer_card(
    path: str, layer: nn.Module, forward: ForwardPass, units: int | None, initial: Mapping[str, Any]
) -> LayerCard:
    own = activation_name(layer)
    return LayerCard(
        path=path,
        kind=kind(layer),
        activation=forward.activations.get(path, own) if own in (None, "linear") else own,
        inputs=forward.feeds.get(path, ()),
        units=units,
        parameters=sum(parameter.numel() for parameter in layer.parameters(recurse=isinstance(layer, LEAVES))),
        trainable=any(parameter.requires_grad for parameter in layer.parameters()),
        settings={**settings(layer), **initial},
    )


def _loss_card(loss: Loss | None) -> dict[str, Any]:
    """Keras takes back a softmax in front of such a loss (reads_logits); torch applies it twice."""
    return {"name": loss.name, "from_logits": loss.from_logits, "reads_logits": False} if loss else {}


def _sizes_by_dtype(parameters: Sequence[nn.Parameter]) -> dict[str, int]:
    """Trainable elements by number format."""
    sizes: dict[str, int] = {}
    for parameter in parameters:
        if parameter.requires_grad:
            name = str(parameter.dtype).removeprefix("torch.")
            sizes[name] = sizes.get(name, 0) + parameter.numel()
    return sizes
