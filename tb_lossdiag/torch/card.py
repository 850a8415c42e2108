"""What did the user write? A torch model, its optimizer and its loss as a ModelCard."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from tb_lossdiag.recording.layout import Layout
from tb_lossdiag.run import LayerCard, ModelCard
from tb_lossdiag.torch.forward import ForwardPass
from tb_lossdiag.torch.kinds import LEAVES, activation_name, kind, settings
from tb_lossdiag.torch.losses import Loss
from tb_lossdiag.torch.optimizer_card import optimizer_card
from tb_lossdiag.torch.seen import Seen


def model_card(
    model: nn.Module,
    optimizer: Optimizer,
    seen: Seen,
    layout: Layout,
    initial: Mapping[str, Mapping[str, Any]],
    batch_size: int | None,
    plan: Mapping[str, int | None],
    settings: Mapping[str, Any],
) -> ModelCard:
    """The card of a training whose first sampled step was seen.

    model: the bare one. initial: initial_weights, from before that step. plan: {"epochs": ..., "steps_per_epoch": ...},
    None where unknown. settings: how it is recorded.
    """
    forward, layers, units = seen.used.forward, seen.structure.layers, dict(layout.units)
    parameters = list(model.parameters())
    dtypes = _sizes_by_dtype(parameters)
    dtype = max(dtypes, key=dtypes.get, default="float32")
    return ModelCard(
        framework=f"torch {torch.__version__}",
        model=seen.structure.name,
        # A layer that was not called has no place in the data's flow, and none is known of a compiled model's.
        layers=tuple(_layer_card(path, layers[path], forward, units[path], initial.get(path, {})) for path in units),
        rows=layout.rows,
        data_rows=layout.data_rows,
        optimizer=optimizer_card(optimizer),
        loss=_loss_card(forward.loss),
        precision=seen.precision or dtype,
        batch_size=batch_size,
        parameters=sum(parameter.numel() for parameter in parameters),
        trainable_parameters=sum(dtypes.values()),
        settings={
            **settings,
            "target_kind": "values" if layout.classes is None else "sparse_classes",
            "classes": layout.classes,
            "sample_weight": layout.weighted,
            **({"variable_dtype": dtype} if dtype != "float32" else {}),
        },
        **plan,
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
        settings={**settings(layer), **forward.sequences.get(path, {}), **initial},
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
