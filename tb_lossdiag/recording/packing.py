"""Which rows does an observed step have, and what are their numbers? An Observation becomes a Layout and tensors."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from tb_lossdiag.recording import statistics
from tb_lossdiag.recording.activations import activation_name
from tb_lossdiag.recording.agreement import gradient_agreement
from tb_lossdiag.recording.apart import Copies, apart
from tb_lossdiag.recording.batches import batches_of
from tb_lossdiag.recording.clipping import clip_factor
from tb_lossdiag.recording.data_rows import leaves, named_rows
from tb_lossdiag.recording.evaluation import evaluation_loss
from tb_lossdiag.recording.histograms import histograms
from tb_lossdiag.recording.keras_private import carries_logits, operation_names
from tb_lossdiag.recording.layout import STEP_NUMBERS, VARIABLE_COLUMNS, Layout
from tb_lossdiag.recording.loss_calls import LossCall, calls_of, named_by_compile
from tb_lossdiag.recording.losses import Loss, losses_by_output
from tb_lossdiag.recording.observation import Observation, current_graph
from tb_lossdiag.recording.outputs import Output, output_statistics, shortened, stacked
from tb_lossdiag.recording.reference_losses import is_made_of, own_loss, reference_losses
from tb_lossdiag.recording.references import measured as losses_measured
from tb_lossdiag.recording.references import never_called, shapes_of
from tb_lossdiag.recording.rows import feeds_of, rows_of, unique
from tb_lossdiag.recording.selection import Selection, spread
from tb_lossdiag.recording.silence import MAX_UNITS
from tb_lossdiag.recording.stack import Stack
from tb_lossdiag.recording.step_facts import choose_call, facts_of
from tb_lossdiag.recording.switch import Switch
from tb_lossdiag.recording.term_gradients import term_norms
from tb_lossdiag.recording.variables import Rows, variable_statistics
from tb_lossdiag.recording.variables import stacked as stacked_variables
from tb_lossdiag.recording.workers import replicas_of, stops_replica
from tb_lossdiag.run import Row
from tb_lossdiag.schema import DATA_COLUMNS


def packed(
    observation: Observation,
    sparse_labels: bool | None,
    selection: Selection,
    switch: Switch | None = None,
    loss: Any = None,
) -> tuple[Layout, dict[str, tf.Tensor]]:
    """The layout, and float32 tensors: step [S], variables [V, columns], outputs [O, columns], data [D, columns],
    targets [U, columns], silent [units of the followed rows], and batch [], the number of examples. S: STEP_NUMBERS.

    sparse_labels: whether the targets are integer class labels; None when no compiled loss says so. switch: with one
    there are histograms [lines, BUCKETS], too, all NaN where it is off. loss: what the user named as the loss of a step
    that is watched as a part of a loop.
    """
    choose_call(observation)
    with apart():
        copies = Copies(None if observation.gate is None else observation.graph)
        outputs = [call for call in observation.calls if call.tensor is not None]
        rows = tuple(rows_of((call.path for call in outputs), observation.structure.owners))
        kept = spread([row.name for row in rows if selection.takes(row.layer)])
        variables, columns, unreached, weights = _variables(observation, copies, rows, kept)
        layers = observation.structure.layers
        data, terms, rates = list(_data(observation)), observation.terms, observation.rates.by_name
        predictions = [i for i, (kind, _, _) in enumerate(data) if kind == "prediction"]
        calls = _loss_calls(observation, data, loss)
        if observation.is_loop:
            _take_what_losses_were_given(data, predictions, calls)
        if sparse_labels is None and calls and calls[0] is not None:
            sparse_labels = calls[0].description.name.startswith("SparseCategorical")
        classes = _classes(observation, sparse_labels)
        names = [row.name for row in rows if row.kind == "output"]
        measured = {
            name: Output(copies.of(call.tensor), activation_name(layers.get(call.path)), batch)
            for name, call, batch in zip(names, outputs, batches_of(outputs, layers), strict=True)
            if name in kept
        }
        if current_graph() is not observation.graph and observation.gate is None:  # the step returns what is read here
            with observation.graph.as_default(), apart():
                measured = {name: shortened(output) for name, output in measured.items()}
        matrices = stacked(list(measured.values()))
        table, silent = output_statistics(matrices)
        followed = followed_units(dict(zip(measured, silent, strict=True)))
        references, not_measured = losses_measured(
            calls,
            lambda call: own_loss(call, copies),
            lambda call: reference_losses(call, copies, replicas_of(observation.model)),
            never_called(observation.model, observation.is_loop),
            stops_replica,
        )
        layout = Layout(
            rows=tuple(row for row in rows if row.name in kept),
            data_rows=tuple(Row(f"{kind}:{name}", kind) for kind, name in named_rows(data, terms, rates)),
            unreached=unreached,
            inputs=tuple(feeds_of(observation.calls).items()),
            units=tuple((call.path, call.tensor.shape[-1]) for call in outputs if call.tensor.shape.rank),
            cached_logits=any(_carries_logits(tensor) for tensor in keras.tree.flatten(observation.y_pred)),
            classes=classes,
            knows_loss=observation.loss is not None,
            prediction=next(
                ((t.dtype.name, *(t.shape if t.shape.rank else ())) for k, _, t in data if k == "prediction"), ()
            ),
            target_rank=next((t.shape.rank or 0 for k, _, t in data if k == "target"), 0),
            weighted=observation.weighted,
            followed=tuple((name, int(units.shape[0])) for name, units in followed.items()),
            facts=facts_of(observation),
            given=tuple(
                (name, t.dtype.name, tuple(t.shape[1:] if t.shape.rank else ())) for k, name, t in data if k == "input"
            ),
            optimizers=tuple({id(one): one for one in observation.optimizers}.values()),
            loss_shapes=shapes_of(calls[0]) if calls else (),
            called_losses=tuple(_described(call) for call in calls if call is not None),
            not_measured=not_measured,
        )
        first_target = next((i for i, (kind, _, _) in enumerate(data) if kind == "target"), None)
        data_rows = [
            statistics.data_statistics(copies.of(t), classes if i == first_target else None)
            for i, (_, _, t) in enumerate(data)
        ]
        compiled = losses_by_output(observation.model, len(predictions))
        losses = [known or (call and call.description) for known, call in zip(compiled, calls, strict=True)]
        for i, known, numbers in zip(predictions, losses, references, strict=True):
            data_rows[i] |= _prediction_numbers(data[i][2], known, copies) | numbers
        pulls = term_norms(observation, switch)
        for name, value in terms.items():
            known = {"gradient_norm": pulls[name]} if name in pulls else {}
            data_rows.append(statistics.term_statistics(copies.of(value)) | known)
        data_rows += [statistics.term_statistics(copies.of(value)) for value in rates.values()]
        if len(predictions) == 1 and losses[0] is not None and first_target is not None:
            columns["gradient_agreement"] = gradient_agreement(
                observation, data[first_target][2], data[predictions[0]][2], losses[0], copies
            )
        columns["evaluation_loss"] = evaluation_loss(observation, switch)
        tensors = {
            "step": _step_numbers(observation, columns, copies),
            "variables": variables,
            "outputs": table,
            "silent": tf.concat([*followed.values(), tf.zeros([0])], axis=0),
            "data": statistics.table(data_rows, DATA_COLUMNS),
            "targets": tf.zeros([0, 3]),
            "batch": tf.constant(0.0),
        }
        if switch is not None:
            paths = [row.name for row in rows if row.kind == "variable"]
            places = [index for index, path in enumerate(paths) if path in kept]
            tensors["histograms"] = histograms(weights, places, matrices, switch.is_on())
        if data and data[0][2].shape.rank:
            tensors["batch"] = tf.cast(tf.shape(data[0][2])[0] * replicas_of(observation.model), tf.float32)
        if first_target is not None and data[first_target][2].shape.rank:
            tensors["targets"] = statistics.target_statistics(data[first_target][2], classes)
        return layout, tensors


def followed_units(silent: dict[str, tf.Tensor | None]) -> dict[str, tf.Tensor]:
    """The silent units of as many rows as MAX_UNITS allow."""
    followed, left = {}, MAX_UNITS
    for name, units in silent.items():
        if units is not None and units.shape[0] <= left:
            followed[name] = units
            left -= units.shape[0]
    return followed


def _variables(
    observation: Observation, copies: Copies, rows: tuple[Row, ...], kept: set[str]
) -> tuple[tf.Tensor, dict[str, tf.Tensor], tuple[str, ...], Stack[Rows]]:
    """The table of the kept rows, the columns of all that sum up the whole step, the unreached variables, and all
    variables as they are stacked.
    """
    paths = [row.name for row in rows if row.kind == "variable"]
    variables, given = observation.structure.variables, observation.gradients
    reached = [path for path in paths if given.get(path) is not None]
    raw = {path: copies.of(given[path]) for path in reached}
    matrices = stacked_variables(
        [observation.before[path] for path in paths],
        [tf.convert_to_tensor(variables[path]) for path in paths],
        [statistics.dense(raw[path], variables[path]) if path in raw else None for path in paths],
        observation.gradient_scale,
    )
    if not paths:
        return tf.zeros([0, len(VARIABLE_COLUMNS)]), {}, (), Stack((), ())
    columns = variable_statistics(matrices)
    table = tf.stack([columns[name] for name in VARIABLE_COLUMNS], axis=1)
    if not kept.issuperset(paths):
        table = tf.gather(table, [index for index, path in enumerate(paths) if path in kept])
    whole = {name: columns[name] for name in ("update_norm", "weight_norm")}
    if reached:
        places = [paths.index(path) for path in reached]
        whole |= {name: tf.gather(columns[name], places) for name in ("gradient_norm", "gradient_nonfinite")}
    if len(observation.optimizers) == 1 and reached:
        whole["clip_factor"] = clip_factor(
            observation.optimizers[0],
            [raw[path] for path in reached],
            [variables[path] for path in reached],
            whole["gradient_norm"],
            observation.gradient_scale,
        )
    unreached = tuple(path for path in paths if path in given and given[path] is None)
    return table, whole, unreached, matrices


def _step_numbers(observation: Observation, columns: dict[str, tf.Tensor], copies: Copies) -> tf.Tensor:
    seen = {"loss": observation.loss, "penalty": observation.penalty, "learning_rate": observation.rates.main}
    numbers = {name: statistics.as_float(copies.of(value)) for name, value in seen.items() if value is not None}
    if observation.loss is not None and observation.loss_scale is not None:
        numbers["loss"] /= statistics.as_float(observation.loss_scale)
    norms = [name for name in ("weight_norm", "update_norm", "gradient_norm") if name in columns]
    if norms:  # those of the gradients may be fewer
        most = columns[norms[0]].shape[0]
        filled = [tf.pad(columns[name], [[0, most - columns[name].shape[0]]]) for name in norms]
        numbers |= zip(norms, tf.unstack(statistics.norm(tf.stack(filled))), strict=True)
    if "gradient_nonfinite" in columns:
        numbers["gradient_nonfinite"] = tf.reduce_sum(columns["gradient_nonfinite"])
    if observation.optimizers and isinstance(observation.optimizers[0], keras.optimizers.LossScaleOptimizer):
        numbers["loss_scale"] = statistics.as_float(observation.gradient_scale)
    if observation.optimizers and observation.modes.in_training is not None:
        numbers["training_mode"] = tf.constant(float(observation.modes.in_training))
    numbers |= {
        name: columns[name]
        for name in ("clip_factor", "gradient_agreement", "evaluation_loss")
        if columns.get(name) is not None
    }
    return statistics.table([numbers], STEP_NUMBERS)[0]


def _data(observation: Observation) -> Iterator[tuple[str, str, tf.Tensor]]:
    """(kind, name, tensor) of each input, target and prediction that holds numbers."""
    model = observation.model
    inputs, outputs = (operation_names(model, ends) for ends in ("inputs", "outputs"))
    for kind, value, names in (
        ("input", observation.x, inputs),
        ("target", observation.y, outputs),
        ("prediction", observation.y_pred, outputs),
    ):
        taken: set[str] = set()
        flat = [(path, _dense(leaf)) for path, leaf in leaves(value)]
        for number, (path, tensor) in enumerate(flat):
            if (
                tensor is None
                or not observation.holds(tensor)
                or not (tensor.dtype.is_floating or _is_countable(tensor))
            ):
                continue
            own = names[number] if len(names) == len(flat) else "/".join(str(part) for part in path) or kind
            name = unique(own, taken)
            taken.add(name)
            yield kind, name, tensor


def _loss_calls(observation: Observation, data: list[tuple[str, str, tf.Tensor]], loss: Any) -> list[LossCall | None]:
    """Of each prediction. loss: what the user named, which is that of the only one, on the only target."""
    targets, predictions = ([x for kind, _, x in data if kind == wanted] for wanted in ("target", "prediction"))
    seen = calls_of(predictions, observation.losses, is_made_of)
    if loss is None and observation.is_loop and not any(seen):
        loss = named_by_compile(observation.model)
    if loss is None or not len(targets) == len(predictions) == 1:
        return seen
    return [LossCall(loss, targets[0], predictions[0])]


def _described(call: LossCall) -> tuple[str, bool, bool]:
    """(name, from_logits, reads_logits)"""
    loss = call.description
    reads = "Crossentropy" in loss.name and "Focal" not in loss.name and call.looks_for_logits
    return loss.name, loss.from_logits, reads and _carries_logits(call.prediction)


def _prediction_numbers(prediction: tf.Tensor, loss: Loss | None, copies: Copies) -> statistics.Numbers:
    """What only a prediction row has. Of several units under a binary loss each is a question of its own, no class."""
    numbers = {"extreme_share": statistics.extreme_share(copies.of(prediction))}
    if loss is not None and "Crossentropy" in loss.name and prediction.shape.rank:
        units = prediction.shape[-1] if prediction.shape.rank > 1 else 1
        if units == 1 or (units is not None and "Categorical" in loss.name):
            threshold = 0.0 if loss.from_logits and not _carries_logits(prediction) else 0.5
            numbers["majority_share"] = statistics.majority_share(copies.of(prediction), threshold)
    return numbers


def _dense(value: Any) -> Any:
    """The stored values of a sparse or ragged tensor; a tensor of anything array-like."""
    if isinstance(value, tf.SparseTensor):
        return value.values
    if isinstance(value, tf.RaggedTensor):
        return value.flat_values
    return (
        None
        if value is None or (tf.is_tensor(value) is False and not hasattr(value, "__array__"))
        else tf.convert_to_tensor(value)
    )


def _take_what_losses_were_given(
    data: list[tuple[str, str, tf.Tensor]], predictions: Sequence[int], calls: Sequence[LossCall | None]
) -> None:
    """A loop may do something with what the model answers, a softmax say, before its loss is called: predictions are
    what the loss was called on.
    """
    for i, call in zip(predictions, calls, strict=True):
        given = None if call is None else call.prediction
        if tf.is_tensor(given) and given.dtype.is_floating and given.shape.rank:
            data[i] = (*data[i][:2], given)


def _is_countable(tensor: tf.Tensor) -> bool:
    return tensor.dtype.is_integer or tensor.dtype.is_bool


def _classes(observation: Observation, sparse_labels: bool | None) -> int | None:
    """How many classes the first target's integer labels come from; None when they are not class labels."""
    targets, predictions = keras.tree.flatten(observation.y), keras.tree.flatten(observation.y_pred)
    if not targets or not predictions or targets[0] is None or not hasattr(predictions[0], "shape"):
        return None
    target, prediction = tf.convert_to_tensor(targets[0]), predictions[0]
    if not prediction.shape.rank or prediction.shape[-1] is None:
        return None
    if sparse_labels is None:
        flat = target.shape.rank == prediction.shape.rank - 1 or (target.shape.rank and target.shape[-1] == 1)
        sparse_labels = target.dtype.is_integer and bool(flat) and prediction.shape[-1] > 1
    return int(prediction.shape[-1]) if sparse_labels else None


def _carries_logits(tensor: Any) -> bool:
    if carries_logits(tensor):
        return True
    return not tf.executing_eagerly() and getattr(getattr(tensor, "op", None), "type", "") in ("Softmax", "Sigmoid")
