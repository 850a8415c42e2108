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


def added_by_layers(model: keras.Model, structure: Structure) -> dict[str, list[Any]]:
    """What each layer, or the model, has added to the loss in its last call; penalties on weights are not among it."""
    layers = {**structure.layers, model.name: model}
    added = {path: own_losses(layer) for path, layer in layers.items()}
    return {path: losses for path, losses in added.items() if losses}


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
