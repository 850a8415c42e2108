"""What did the user set? The model card as labelled facts in groups, for a reader and for comparing two runs."""

import json
import math
from dataclasses import dataclass
from typing import Any

from tb_lossdiag.run import LayerCard, ModelCard

# Settings of the card that say how the training ran -> how a reader knows them.
TRAINING_SETTINGS = {
    "sample_weight": "Sample weights",
    "jit_compile": "Compiled by XLA",
    "run_eagerly": "Eager",
    "steps_per_execution": "Steps per execution",
    "variable_dtype": "Weights kept as",
    "classes": "Classes",
    "calls_per_step": "Calls of the model in a step",
    "optimizer_share": "Share of the weights that the optimizer has",
}


@dataclass(frozen=True)
class Group:
    """facts: (label, text or number) of what is known, in reading order."""

    title: str
    facts: tuple[tuple[str, str | int | float], ...]


def setup(card: ModelCard | None) -> tuple[Group, ...]:
    """The groups that have a fact; none without a card."""
    if card is None:
        return ()
    optimizer = card.optimizer.get("config", {})
    optimizer = optimizer if isinstance(optimizer, dict) else {}
    groups = {
        "Model": {
            "Name": card.model,
            "Framework": card.framework or None,
            "Layers": len(card.layers) or None,
            "Parameters": card.parameters or None,
            "Trainable parameters": card.trainable_parameters if card.parameters else None,
            "Precision": card.precision,
        },
        "Loss": {
            "Name": card.loss.get("name"),
            **{_words(key): value for key, value in card.loss.items() if key not in ("name", "reads_logits")},
            "Metrics": ", ".join(map(str, card.metrics)) or None,
        },
        "Optimizer": {
            "Name": card.optimizer.get("name"),
            **{_words(key): value for key, value in optimizer.items() if key != "name"},
            "Loss scaling": card.optimizer.get("loss_scale"),
        },
        "Training": {
            "Batch size": card.batch_size,
            "Steps per epoch": card.steps_per_epoch,
            "Epochs": card.epochs,
            **{label: card.settings.get(key) for key, label in TRAINING_SETTINGS.items()},
        },
        "Layers": {layer.path: _described(layer) for layer in card.layers},
    }
    found = (Group(title, _known(facts)) for title, facts in groups.items())
    return tuple(group for group in found if group.facts)


def _described(layer: LayerCard) -> str:
    kernel = layer.initializers.get("kernel")
    parts = [
        layer.kind,
        f"{layer.units} units" if layer.units else "",
        layer.activation or "",
        str(kernel.get("name", "")) if isinstance(kernel, dict) else "",
        f"{layer.parameters:,} parameters" if layer.parameters else "",
        "" if layer.trainable else "frozen",
    ]
    return ", ".join(part for part in parts if part)


def _known(facts: dict[str, Any]) -> tuple[tuple[str, str | int | float], ...]:
    return tuple((label, _plain(value)) for label, value in facts.items() if value is not None)


def _plain(value: Any) -> str | int | float:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, (str, int, float)) else json.dumps(value, sort_keys=True, default=str)


def _words(key: str) -> str:
    return key.replace("_", " ").capitalize()
