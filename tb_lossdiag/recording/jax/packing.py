"""Which rows and numbers does an observed step on JAX have? An Observation becomes a Layout and arrays."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import keras

from tb_lossdiag.recording.activations import activation_name
from tb_lossdiag.recording.data_rows import classes_of, data_rows, named_rows
from tb_lossdiag.recording.jax import statistics
from tb_lossdiag.recording.jax.agreement import gradient_agreement
from tb_lossdiag.recording.jax.clipping import clip_factor
from tb_lossdiag.recording.jax.histograms import drawn, drawn_change, drawn_output, histograms
from tb_lossdiag.recording.jax.observation import Observation
from tb_lossdiag.recording.jax.reductions import norms
from tb_lossdiag.recording.jax.reference_losses import own_loss, reference_losses
from tb_lossdiag.recording.layout import STEP_NUMBERS, VARIABLE_COLUMNS, Layout
from tb_lossdiag.recording.loss_calls import calls_of
from tb_lossdiag.recording.losses import Loss, losses_by_output
from tb_lossdiag.recording.references import measured as losses_measured
from tb_lossdiag.recording.references import never_called, shapes_of
from tb_lossdiag.recording.rows import feeds_of, rows_of
from tb_lossdiag.recording.selection import Selection, spread
from tb_lossdiag.run import Row
from tb_lossdiag.schema import DATA_COLUMNS


def packed(
    observation: Observation,
    after: Mapping[str, jax.Array],
    sparse_labels: bool | None,
    selection: Selection,
    counts: bool | jax.Array,
) -> tuple[Layout, dict[str, jax.Array]]:
    """The layout, and float32 arrays: step [S], variables [V, columns], outputs [O, columns], data [D, columns],
    targets [U, columns], and batch [], the number of examples. S: STEP_NUMBERS.

    after: the weights that the step returned, by variable path. sparse_labels: whether the targets are integer class
    labels; None when no compiled loss says so. counts: whether there are histograms [lines, BUCKETS] this time; traced
    where the step is compiled, and then they are all NaN where it is not so.
    """
    seen, layers = observation.seen, observation.structure.layers
    outputs = [call for call in seen.calls if call.tensor is not None]
    rows = tuple(rows_of((call.path for call in outputs), observation.structure.owners))
    kept = spread([row.name for row in rows if selection.takes(row.layer)])
    variables, columns = _variables(observation, after, rows, kept)
    named = data_rows(observation.model, seen.x, seen.y, seen.y_pred)
    data = [(kind, name, jnp.asarray(array)) for kind, name, array in named]
    first = {kind: next((x for known, _, x in data if known == kind), None) for kind in ("target", "prediction")}
    target, prediction = first["target"], first["prediction"]
    is_integer = target is not None and jnp.issubdtype(target.dtype, jnp.integer)
    predicted = [array for _, array in seen.y_pred or ()]
    masks = {id(call): mask for call, mask in seen.losses}
    calls = calls_of(predicted, [call for call, _ in seen.losses], lambda tensor, prediction: False)
    if sparse_labels is None and calls and calls[0] is not None:
        sparse_labels = calls[0].description.name.startswith("SparseCategorical")
    references, not_measured = losses_measured(
        calls, own_loss, lambda call: reference_losses(call, masks[id(call)]), never_called(observation.model, False)
    )
    classes = classes_of(target, prediction, sparse_labels, is_integer)
    rates = observation.rates.by_name
    layout = Layout(
        rows=tuple(row for row in rows if row.name in kept),
        data_rows=tuple(Row(f"{kind}:{name}", kind) for kind, name in named_rows(data, dict(seen.terms), rates)),
        unreached=(),  # JAX has zeros for a variable that the loss does not reach
        inputs=tuple(feeds_of(seen.calls).items()),
        units=tuple((call.path, call.tensor.shape[-1]) for call in outputs if call.tensor.ndim),
        cached_logits=False,  # Keras looks for them under TensorFlow only
        classes=classes,
        knows_loss=seen.loss is not None,
        prediction=() if prediction is None else (prediction.dtype.name, *prediction.shape),
        target_rank=0 if target is None else target.ndim,
        weighted=observation.weighted,
        loss_shapes=shapes_of(calls[0]) if calls else (),
        called_losses=tuple((x.name, x.from_logits, False) for x in (call.description for call in calls if call)),
        not_measured=not_measured,
    )
    numbers = [statistics.data_statistics(x, classes if x is target else None) for _, _, x in data]
    predictions = [index for index, (kind, _, _) in enumerate(data) if kind == "prediction"]
    compiled = losses_by_output(observation.model, len(predictions))
    losses = [known or (call and call.description) for known, call in zip(compiled, calls, strict=True)]
    for index, loss, found in zip(predictions, losses, references, strict=True):
        numbers[index] |= _prediction_numbers(data[index][2], loss) | found
    numbers += [statistics.term_statistics(value) for value in (*dict(seen.terms).values(), *rates.values())]
    if len(predictions) == 1 and losses[0] is not None and target is not None:
        columns["gradient_agreement"] = gradient_agreement(observation, target, prediction, losses[0])
    names = [row.name for row in rows if row.kind == "output"]
    measured = [call for name, call in zip(names, outputs, strict=True) if name in kept]
    activations = [activation_name(layers.get(call.path)) for call in measured]
    arrays = {
        "step": _step_numbers(observation, columns),
        "variables": variables,
        "outputs": statistics.outputs_statistics(
            [(call.tensor, activation) for call, activation in zip(measured, activations, strict=True)]
        ),
        "data": statistics.table(numbers, DATA_COLUMNS),
        "targets": jnp.zeros((0, 3), jnp.float32),
        "batch": jnp.float32(data[0][2].shape[0] if data and data[0][2].ndim else 0),
    }
    if target is not None and target.ndim:
        arrays["targets"] = statistics.target_statistics(target, classes)
    if counts is not False:  # a compiled step does not know it beforehand
        lines = [*_drawn_variables(observation, after, layout), *(drawn_output(call.tensor) for call in measured)]
        arrays["histograms"] = histograms(lines, counts)
    return layout, arrays


def _variables(
    observation: Observation, after: Mapping[str, jax.Array], rows: tuple[Row, ...], kept: set[str]
) -> tuple[jax.Array, dict[str, Any]]:
    """The table of the kept rows, and the columns of all that sum up the whole step."""
    paths = [row.name for row in rows if row.kind == "variable"]
    before, given, scale = observation.before, observation.gradients, observation.gradient_scale
    reached, others = ([path for path in paths if (path in given) is has] for has in (True, False))
    measured = statistics.variable_statistics(
        [(before[path], after[path], given[path], before[path] == after[path]) for path in reached], scale
    )
    if reached:  # a step with a NaN or Inf gradient may have been skipped on purpose
        is_whole = jnp.sum(measured["gradient_nonfinite"]) == 0.0
        measured["unchanged_share"] = jnp.where(is_whole, measured["unchanged_share"], jnp.nan)
    updates = statistics.update_statistics([(before[path], after[path]) for path in others])

    def of_all(name: str) -> jax.Array:
        parts = [(measured, len(reached)), (updates, len(others))]
        known = [columns.get(name, jnp.full(rows, jnp.nan, jnp.float32)) for columns, rows in parts if rows]
        return jnp.concatenate(known) if known else jnp.zeros(0, jnp.float32)

    table = jnp.stack([of_all(name) for name in VARIABLE_COLUMNS], axis=1)
    places = [(reached + others).index(path) for path in paths if path in kept]
    if places != list(range(len(paths))):
        table = table[jnp.array(places, jnp.int32)]
    columns = measured | {name: of_all(name) for name in updates}
    if len(observation.optimizers) == 1 and reached:
        columns["clip_factor"] = clip_factor(
            observation.optimizers[0], [given[path] for path in reached], columns["gradient_norm"], scale
        )
    return table, columns


def _drawn_variables(
    observation: Observation, after: Mapping[str, jax.Array], layout: Layout
) -> list[jax.Array | None]:
    """Of the gradients, then of the updates of the layout's variables; None where there is no gradient."""
    paths = [row.name for row in layout.rows if row.kind == "variable"]
    before, given, scale = observation.before, observation.gradients, observation.gradient_scale
    gradients = [drawn(given[path]) if path in given else None for path in paths]
    if scale is not None:
        gradients = [None if values is None else values / statistics.as_float(scale) for values in gradients]
    return gradients + [drawn_change(before[path], after[path]) for path in paths]


def _step_numbers(observation: Observation, columns: Mapping[str, Any]) -> jax.Array:
    seen, scale = observation.seen, observation.gradient_scale
    loss = seen.loss
    if loss is not None and observation.loss_is_scaled and scale is not None:
        loss = statistics.as_float(loss) / statistics.as_float(scale)
    numbers = {"loss": loss, "penalty": seen.penalty, "learning_rate": observation.rates.main}
    for names in (("gradient_norm",), ("update_norm", "weight_norm")):  # there may be more of the latter
        if names[0] in columns:
            found = norms(*(columns[name][None, :] for name in names))
            numbers |= {name: one[0] for name, one in zip(names, found, strict=True)}
    if "gradient_nonfinite" in columns:
        numbers["gradient_nonfinite"] = jnp.sum(columns["gradient_nonfinite"])
    if observation.optimizers and isinstance(observation.optimizers[0], keras.optimizers.LossScaleOptimizer):
        numbers["loss_scale"] = scale
    numbers |= {name: columns.get(name) for name in ("clip_factor", "gradient_agreement")}
    return statistics.table([{name: x for name, x in numbers.items() if x is not None}], STEP_NUMBERS)[0]


def _prediction_numbers(prediction: jax.Array, loss: Loss | None) -> statistics.Numbers:
    """What only a prediction row has. Of several units under a binary loss each is a question of its own, no class."""
    numbers = {"extreme_share": statistics.extreme_share(prediction)}
    if loss is not None and "Crossentropy" in loss.name and prediction.ndim:
        units = prediction.shape[-1] if prediction.ndim > 1 else 1
        if units == 1 or "Categorical" in loss.name:
            numbers["majority_share"] = statistics.majority_share(prediction, 0.0 if loss.from_logits else 0.5)
    return numbers
