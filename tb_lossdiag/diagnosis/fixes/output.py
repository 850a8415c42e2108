"""What should the user change at the end of the model? Output layer, loss and metric that belong together."""

import numpy as np

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.framework import Framework, framework_of, is_torch
from tb_lossdiag.diagnosis.output_layer import output_layer, output_units
from tb_lossdiag.diagnosis.reference import ABSOLUTE, BINARY, CATEGORICAL, SQUARED, loss_name, value_range
from tb_lossdiag.diagnosis.report import Fix
from tb_lossdiag.diagnosis.snippets import (
    compile_line,
    ends,
    is_reached,
    joined,
    layer,
    logits_loss,
    loss_code,
    mended_line,
    optimizer_code,
    trained_by,
)
from tb_lossdiag.diagnosis.surgery import can_be_rebuilt, new_head
from tb_lossdiag.run import LayerCard, Run

METRICS = {
    "accuracy_for_regression": ("Accuracy counts exact hits, which numbers never are.", "'mae'"),
    "accuracy_on_logits": ("Logits change sides at 0, not at 0.5.", "keras.metrics.BinaryAccuracy(threshold=0.0)"),
    "binary_for_classes": ("Of several classes one is right; count that one.", "'accuracy'"),
    "accuracy_on_imbalance": (
        "Accuracy rewards never finding the rare class.",
        "keras.metrics.AUC(curve='PR'), keras.metrics.Recall()",
    ),
}
LOGARITHMS = {
    "probabilities_as_logarithms": "Take log_softmax in the place of softmax: the loss asks for logarithms.",
    "logits_as_logarithms": "Put log_softmax in front of the loss, or use the cross-entropy, which takes logits.",
}
# Whose activation and number of units are options of their own.
HEADS = {"Dense", "Conv1D", "Conv2D", "Conv3D", "Activation"}


def one_of_many(f: Findings) -> Fix:
    text = "Take categorical cross-entropy, which lets one class win, behind a softmax."
    return Fix(text, mended_line(f.run, loss="'categorical_crossentropy'"))


def swap_back(f: Findings) -> Fix:
    if is_torch(f.run):
        return Fix("Give the loss the model's output first and the target second.", "loss = criterion(model(x), y)")
    text = "Give the loss the target first and the model's output second."
    looped = framework_of(f.run) is Framework.KERAS_LOOP
    return Fix(text, "loss = loss_fn(y, model(x, training=True))" if looped else "")


def ask_for_the_other_label(f: Findings) -> Fix:
    text = "Bring down the cross-entropy against the label that is wished for, not minus that against the true one: "
    text += "where the other player is sure, its gradient is largest."
    judged = "judged = model(x)  # the discriminator's answer to what the generator made\n"
    if is_torch(f.run):
        loss = "loss = torch.nn.functional.binary_cross_entropy_with_logits(judged, torch.ones_like(judged))"
        return Fix(text, judged + loss)
    if framework_of(f.run) is not Framework.KERAS_LOOP:
        return Fix(text)
    loss = "loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(tf.ones_like(judged), judged))"
    return Fix(text, judged + loss)


def average(f: Findings) -> Fix:
    """By its name a loss of Keras's is averaged."""
    text = "Average the loss over the batch: as a sum its gradient, and SGD's step with it, grows with the batch size."
    return Fix(text, mended_line(f.run) if loss_code(f.run) != "model.loss" else "")


def pair(f: Findings) -> Fix:
    """The exact loss and output layer for this problem."""
    fault = f.checks["loss_pairing"].sign("fault")
    if fault in LOGARITHMS:
        return Fix(LOGARITHMS[fault])
    if fault == "outside_the_loss":
        return _kept_inside(f)
    if fault == "highest_at_targets":
        return Fix("Minimise what falls as outputs come to equal the targets: one minus the overlap, or the negative.")
    units, activation, loss = paired(f)
    output = _named_output(f)
    told = f" {output.path!r}" if output is not None else ""
    return Fix(
        f"Let the output{told} and the loss belong together: {units} unit{'s' if units != 1 else ''}, "
        f"{activation or 'no activation'}, and the loss for that.",
        _with_head(f.run, output, units, activation, loss),
    )


def _kept_inside(f: Findings) -> Fix:
    """An activation whose values are those that the loss is made for."""
    _, high = value_range(f.run, "target")
    activation = "sigmoid" if high <= 1 else "softplus"
    output = _named_output(f)
    text = f"Keep the outputs where the loss has a value: {activation} behind the last layer."
    if output is None or output.kind not in HEADS or not is_reached(f.run, output.path):
        return Fix(text)
    line = f"{layer(output.path)}.activation = keras.activations.get({activation!r})"
    return Fix(text, joined(line, mended_line(f.run, loss=loss_code(f.run))))


def paired(f: Findings) -> tuple[int, str | None, str]:
    """Units and activation of the output, and the loss, as code, that belong to the targets."""
    fault = f.checks["loss_pairing"].sign("fault")
    name, units = loss_name(f.run.card), output_units(f.run.card) or 1
    low, high = value_range(f.run, "target")
    classes = int(high) + 1 if np.isfinite(high) else 2
    one_unit = fault in ("one_unit_softmax", "class_count")
    numbers = name in SQUARED | ABSOLUTE and (low, high) != (0, 1)
    if fault in ("relative_to_zero", "direction_of_one_number", "targets_below_logarithm"):
        return units, None, "'mse'"
    if f.checks["targets"].sign("level") == "many_hot":
        return units, "sigmoid", "'binary_crossentropy'"
    if fault == "negative_for_logarithm":
        return units, "softplus", loss_code(f.run)
    if fault == "squared_error_for_classes":
        return units, "softmax", "'sparse_categorical_crossentropy'"
    if fault in ("unreachable_targets", "logits_cut_off", "rates_for_logarithms") or (one_unit and numbers):
        return units, None, loss_code(f.run)
    if one_unit and classes > 2:
        return classes, "softmax", "'sparse_categorical_crossentropy'"
    if units == 1 or one_unit or name in BINARY or fault == "squared_error_for_labels":
        return units, "sigmoid", "'binary_crossentropy'"
    return units, "softmax", repr(name if name in CATEGORICAL else "categorical_crossentropy")


def _named_output(f: Findings) -> LayerCard | None:
    named = f.run.card.layer(f.checks["loss_pairing"].sign("output", ""))
    return named or output_layer(f.run.card)


def _with_head(run: Run, output: LayerCard | None, units: int, activation: str | None, loss: str) -> str:
    """The output layer changed in its place where that will do, else a new one behind what feeds it."""
    compile_call = mended_line(run, loss=loss)
    wanted = f"keras.activations.get({activation or 'linear'!r})"
    if output is None or not is_reached(run, output.path):
        return compile_line(run, loss=loss)
    as_many = output.units in (units, None)
    if as_many and (output.kind not in HEADS or _is_given(output, activation)):
        return compile_line(
            run, loss=loss
        )  # whatever gives these outputs, they are what the loss is now told to expect
    if as_many:
        return joined(f"{layer(output.path)}.activation = {wanted}", compile_call)
    if output.kind != "Dense" or "/" in output.path or not can_be_rebuilt(run):
        return ""
    written = f"Dense({units}" + (f", activation={activation!r})" if activation else ")")
    return new_head(run, output, written, compile_call)


def _is_given(output: LayerCard, activation: str | None) -> bool:
    return (output.activation or "linear") == (activation or "linear")


def free_the_output(f: Findings) -> Fix:
    return Fix("Let the last layer be a linear one, with no normalisation behind it.")


def logits(f: Findings) -> Fix:
    text = "Let the output layer give logits and the loss take them: their gradient cannot saturate."
    if f.run.card is None:
        return Fix(text)
    loss = _logits_loss(f.run)
    head = next((one for one in reversed(f.run.card.layers) if one.parameters), None)
    if head is None or head.kind not in HEADS or not is_reached(f.run, head.path):
        return Fix(text, compile_line(f.run, loss=loss))
    lines = [f"{layer(head.path)}.activation = keras.activations.get('linear')"]
    if head != output_layer(f.run.card) and "/" not in head.path and can_be_rebuilt(f.run):
        lines.append(
            f"model = keras.Model({ends(f.run, 'inputs')}, {layer(head.path)}.output)  # without what came behind it"
        )
    return Fix(text, joined(*lines, mended_line(f.run, loss=loss)))


def _logits_loss(run: Run) -> str:
    """Of one unit a cross-entropy of yes and no, whatever stood there."""
    name = loss_name(run.card)
    if name not in CATEGORICAL | BINARY and output_units(run.card) == 1:
        return "keras.losses.BinaryCrossentropy(from_logits=True)"
    return logits_loss(run)


def measure(f: Findings) -> Fix:
    fault = f.checks["metric_fit"].sign("fault")
    text, metrics = METRICS.get(fault, ("The metric does not measure what the loss trains.", "'mae'"))
    if framework_of(f.run) is not Framework.KERAS_FIT:
        return Fix(text)
    return Fix(text, trained_by(f.run, optimizer_code(f.run), metrics=f"[{metrics}]"))
