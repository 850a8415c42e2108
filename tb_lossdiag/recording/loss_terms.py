"""Of which terms is a loss made? Those that the user names: what is averaged under a name with "loss" in it, and what
layers add.

Keras averages each output's loss as "<output>_loss", and users do likewise in a train_step of their own.
"""

from collections.abc import Mapping
from typing import Any

import keras

from tb_lossdiag.recording.keras_private import loss_tracker, own_losses
from tb_lossdiag.recording.structure import Structure

MAX_TERMS = 20  # each is a row of DATA and a line of a chart; of a loss of more the first are recorded


def is_term(model: keras.Model, metric: Any) -> bool:
    """Whether what this metric averages is a term of the loss, and not the loss itself."""
    return "loss" in metric.name and metric is not loss_tracker(model)


def added_by_layers(model: keras.Model, structure: Structure) -> dict[str, Any]:
    """What each layer, or the model, has added to the loss in its last call; penalties on weights are not among it.

    By the layer's path, and of a layer that adds several by "path[0]", "path[1]", ..., in its order.
    """
    found: dict[str, Any] = {}
    for path, layer in {**structure.layers, model.name: model}.items():
        losses = own_losses(layer)
        found |= {path: losses[0]} if len(losses) == 1 else {f"{path}[{i}]": loss for i, loss in enumerate(losses)}
    return found


def is_added(term: str, model: keras.Model, structure: Structure) -> bool:
    """Whether a term of this name is one that a layer or the model adds."""
    path = term.partition("[")[0]
    return path == model.name or path in structure.layers


def logs_of_its_own(model: keras.Model, logs: Any) -> dict[str, Any]:
    """Of what a train_step returned: the entries that no metric averages, so that they are this step's own."""
    metrics = {metric.name for metric in model.metrics}
    return {name: value for name, value in logs.items() if name not in metrics} if isinstance(logs, Mapping) else {}


def returned_terms(result: Any) -> dict[str, Any]:
    """Of what a step of the user's own returned: the further entries that are called a loss."""
    if not isinstance(result, Mapping):
        return {}
    return {
        name: value for name, value in result.items() if isinstance(name, str) and "loss" in name and name != "loss"
    }
