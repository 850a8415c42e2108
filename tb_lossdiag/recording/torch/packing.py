"""Which rows and numbers does an observed step of Keras on PyTorch have? An Observation becomes a Layout and arrays."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from tb_lossdiag.recording.data_rows import classes_of, data_rows, named_rows
from tb_lossdiag.recording.layout import Layout
from tb_lossdiag.recording.losses import Loss, losses_by_output
from tb_lossdiag.recording.references import COMPILED, never_called, shapes_of
from tb_lossdiag.recording.rows import feeds_of, rows_of
from tb_lossdiag.recording.selection import Selection, spread
from tb_lossdiag.recording.torch import statistics
from tb_lossdiag.recording.torch.agreement import gradient_agreement
from tb_lossdiag.recording.torch.histograms import histograms
from tb_lossdiag.recording.torch.observation import Observation
from tb_lossdiag.recording.torch.tables import tables
from tb_lossdiag.recording.torch.updates import joined, updates_of
from tb_lossdiag.run import Row


@torch.no_grad()
def packed(
    observation: Observation, sparse_labels: bool | None, selection: Selection
) -> tuple[Layout, dict[str, np.ndarray]]:
    """The layout, and the arrays of `tables`.

    sparse_labels: whether the targets are integer class labels; None when no compiled loss says so.
    """
    measured = [call for call in observation.calls if call.tensor is not None]
    rows = tuple(rows_of((call.path for call in measured), observation.structure.owners))
    kept = spread([row.name for row in rows if selection.takes(row.layer)])
    names = [row.name for row in rows if row.kind == "output"]
    outputs = dict(zip(names, observation.outputs, strict=True))
    named = data_rows(observation.model, observation.x, observation.y, observation.y_pred)
    data = [(kind, name, torch.as_tensor(array).detach()) for kind, name, array in named]
    first = {kind: next((x for known, _, x in data if known == kind), None) for kind in ("target", "prediction")}
    target, prediction = first["target"], first["prediction"]
    is_integer = target is not None and not target.is_floating_point()
    predictions = sum(kind == "prediction" for kind, _, _ in data)
    calls = [observation.losses.get(place) for place in range(predictions)]
    if sparse_labels is None and calls and calls[0] is not None:
        sparse_labels = calls[0].description.name.startswith("SparseCategorical")
    classes = classes_of(target, prediction, sparse_labels, is_integer)
    rates = observation.rates.by_name
    layout = Layout(
        rows=tuple(row for row in rows if row.name in kept),
        data_rows=tuple(Row(f"{kind}:{name}", kind) for kind, name in named_rows(data, observation.terms, rates)),
        unreached=tuple(observation.unreached),
        inputs=tuple(feeds_of(observation.calls).items()),
        units=tuple((call.path, call.tensor.shape[-1]) for call in measured if call.tensor.dim()),
        cached_logits=False,  # Keras looks for them under TensorFlow only
        classes=classes,
        knows_loss=observation.loss is not None,
        prediction=() if prediction is None else (str(prediction.dtype).removeprefix("torch."), *prediction.shape),
        target_rank=0 if target is None else target.dim(),
        weighted=observation.weighted,
        loss_shapes=shapes_of(calls[0]) if calls else (),
        called_losses=tuple((x.name, x.from_logits, False) for x in (call.description for call in calls if call)),
        not_measured=_not_measured(observation, predictions),
    )
    compiled = losses_by_output(observation.model, predictions)
    losses = [known or (call and call.description) for known, call in zip(compiled, calls, strict=True)]
    before, after, gradients = observation.before, observation.after(), joined(observation.gradients)
    drawn = dict(zip(names, observation.drawn, strict=True))
    arrays = tables(
        rows=layout.rows,
        paths=tuple(before),
        gradients=gradients,
        updates=updates_of(before, after, gradients),
        outputs={name: numbers for name, numbers in outputs.items() if name in kept},
        data=_data_numbers(data, losses, classes, observation.references)
        + [statistics.term_statistics(value) for value in (*observation.terms.values(), *rates.values())],
        targets=statistics.target_statistics(target, classes) if target is not None and target.numel() else None,
        step=_step_numbers(observation, target, losses),
        batch=data[0][2].shape[0] if data and data[0][2].dim() else 0,
        histograms=histograms(layout.rows, gradients.drawn, before, after, drawn) if observation.counts else None,
    )
    return layout, arrays


def _data_numbers(
    data: Sequence[tuple[str, str, Tensor]],
    losses: Sequence[Loss | None],
    classes: int | None,
    references: Mapping[int, statistics.Numbers],
) -> list[statistics.Numbers]:
    """classes: of the first target. references: of the loss, by the place of an output."""
    found, left = [], list(losses)
    for kind, _, tensor in data:
        found.append(statistics.data_statistics(tensor, classes if kind == "target" else None))
        classes = None if kind == "target" else classes
        if kind == "prediction":
            found[-1] |= references.get(len(losses) - len(left), {})
            found[-1] |= _prediction_numbers(tensor, left.pop(0))
    return found


def _not_measured(observation: Observation, predictions: int) -> str:
    if predictions and not observation.losses:
        compiled = observation.model.jit_compile
        return COMPILED if compiled else never_called(observation.model, is_loop=False)
    return "; ".join(dict.fromkeys(observation.not_measured))


def _prediction_numbers(prediction: Tensor, loss: Loss | None) -> statistics.Numbers:
    """What only a prediction row has. Of several units under a binary loss each is a question of its own, no class."""
    numbers = {"extreme_share": statistics.extreme_share(prediction)}
    if loss is not None and "Crossentropy" in loss.name and prediction.dim():
        units = prediction.shape[-1] if prediction.dim() > 1 else 1
        if units == 1 or "Categorical" in loss.name:
            numbers["majority_share"] = statistics.majority_share(prediction, 0.0 if loss.from_logits else 0.5)
    return numbers


def _step_numbers(
    observation: Observation, target: Tensor | None, losses: Sequence[Loss | None]
) -> dict[str, Tensor | float]:
    loss, scale = observation.loss, observation.gradient_scale
    numbers = {
        "loss": loss / scale if observation.loss_is_scaled and scale is not None else loss,
        "penalty": observation.penalty,
        "learning_rate": observation.rates.main,
        "loss_scale": scale if observation.scales_loss else None,
        "clip_factor": observation.clip_factor,
    }
    if len(losses) == 1 and losses[0] is not None and target is not None:
        ((_, prediction),) = observation.y_pred
        numbers["gradient_agreement"] = gradient_agreement(observation, target, prediction, losses[0])
    return {name: value for name, value in numbers.items() if value is not None}
