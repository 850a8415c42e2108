"""What should the user change? Each cause's fix as a sentence and as code in the user's own names and numbers."""

from dataclasses import replace

import numpy as np

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.reference import ABSOLUTE, BINARY, CATEGORICAL, SQUARED, loss_name, value_range
from tb_lossdiag.diagnosis.report import Fix
from tb_lossdiag.diagnosis.settings import hidden_layers, learning_rate, optimizer_name, usual_limit
from tb_lossdiag.diagnosis.snippets import compile_line, layer_lines, loss_code, rounded
from tb_lossdiag.diagnosis.symptoms.architecture import SATURATING
from tb_lossdiag.diagnosis.symptoms.loss_pairing import output_units
from tb_lossdiag.run import LayerCard

# The update ratio a training usually runs at; steps are scaled towards it.
TARGET_RATIO = 1e-3
DEFAULT_RATES = {"SGD": 0.01, "Adagrad": 0.01, "Adadelta": 1.0}


def none(f: Findings) -> Fix:
    return Fix("")


def drop_nonfinite(f: Findings) -> Fix:
    return Fix(
        "Remove or fill the rows that hold NaN or Inf.",
        "good = np.isfinite(x).reshape(len(x), -1).all(axis=1)\nx, y = x[good], y[good]",
    )


def check_labels(f: Findings) -> Fix:
    level = f.checks["targets"].sign("level")
    if level == "fractional":
        return Fix(
            "The labels were scaled like the inputs. Keep them as whole numbers from 0 to classes - 1.",
            "y = np.round(y * 255).astype('int64')  # undo the scaling; scale x only",
        )
    if level == "constant":
        return Fix(
            "All labels are the same. Check how they are read and whether they still belong to their rows.",
            "print(np.unique(y, return_counts=True))",
        )
    units = output_units(f.run.card) or 2
    high = int(np.nan_to_num(f.checks["targets"].sign("max", 0)))
    if loss_name(f.run.card) in BINARY:
        return Fix("Binary labels must be 0 or 1.", "y = (y > 0).astype('float32')")
    return Fix(
        f"Labels must run from 0 to {units - 1}.",
        f"# either shift the labels\ny = y - y.min()\n# or give the output layer {high + 1} units",
    )


def check_inputs(f: Findings) -> Fix:
    return Fix(
        "Find where the data loses its values: a cast to an integer type or a second division by 255 are common.",
        "print(x.dtype, x.min(), x.max(), x.std())",
    )


def unfreeze(f: Findings) -> Fix:
    # A nested layer is reached by one get_layer for each part of its path.
    paths = [name.split("/") for name in f.checks["trainable"].layers[:4]]
    lines = ["".join(["model", *(f".get_layer({part!r})" for part in path), ".trainable = True"]) for path in paths]
    return Fix(
        "Make the layers trainable, then compile again.",
        "\n".join([*lines, compile_line(f.run)]),
    )


def pair(f: Findings) -> Fix:
    """The exact loss and output layer for this problem."""
    fault = f.checks["loss_pairing"].sign("fault")
    name, units = loss_name(f.run.card), output_units(f.run.card) or 1
    low, high = value_range(f.run, "target")
    classes = int(high) + 1 if np.isfinite(high) else 2
    one_unit = fault in ("one_unit_softmax", "class_count")
    numbers = name in SQUARED | ABSOLUTE and (low, high) != (0, 1)
    if fault == "unreachable_targets" or (one_unit and numbers):
        layer, loss = f"Dense({units})", loss_code(f.run)
    elif one_unit and classes > 2:
        layer, loss = f"Dense({classes}, activation='softmax')", "'sparse_categorical_crossentropy'"
    elif one_unit or name in BINARY or fault == "squared_error_for_labels":
        layer, loss = f"Dense({units}, activation='sigmoid')", "'binary_crossentropy'"
    else:
        layer, loss = (
            f"Dense({units}, activation='softmax')",
            repr(name if name in CATEGORICAL else "categorical_crossentropy"),
        )
    path = f.checks["loss_pairing"].sign("output", "")
    return Fix(
        f"Replace the output {path!r} and compile with the loss that belongs to it.",
        f"keras.layers.{layer}\n{compile_line(f.run, loss=loss)}",
    )


def normalise(f: Findings) -> Fix:
    card = f.run.card
    mean, std = f.checks["input_scale"].sign("mean", 0.0), f.checks["input_scale"].sign("std", 1.0)
    first = next((layer for layer in card.layers if layer.kind != "InputLayer"), None) if card else None
    where = f" in front of {first.path!r}" if first else ""
    return Fix(
        f"Put a Normalization layer{where}, adapted on the training data (mean {mean:.3g}, spread {std:.3g}).",
        "normalise = keras.layers.Normalization()\n"
        "normalise.adapt(x)\n"
        "model = keras.Sequential([normalise, *model.layers])",
    )


def scale_targets(f: Findings) -> Fix:
    return Fix(
        "Standardise the targets for training and undo it on the predictions.",
        "mean, std = y.mean(axis=0), y.std(axis=0)\n"
        "model.fit(x, (y - mean) / std, ...)\n"
        "predictions = model.predict(x) * std + mean",
    )


def lower_learning_rate(f: Findings) -> Fix:
    rate, early = learning_rate(f.run), f.checks["update_ratio"].sign("early", 0.0) or 0.0
    if rate is None:
        wanted, told = DEFAULT_RATES.get(optimizer_name(f.run), 1e-3), ""
    else:
        # One step says what to aim at, but not more than two decades away from what was tried.
        factor = TARGET_RATIO / early if early > 0 else 0.1
        wanted, told = rate * min(0.1, max(factor, 0.01)), f" from {rate:g}"
    return Fix(f"Lower the learning rate{told} to about {rounded(wanted)}.", compile_line(f.run, wanted))


def raise_learning_rate(f: Findings) -> Fix:
    rate, late = learning_rate(f.run), f.checks["update_ratio"].sign("late", 0.0) or 0.0
    if rate is None:
        wanted, told = DEFAULT_RATES.get(optimizer_name(f.run), 1e-3), ""
    else:
        factor = min(max(TARGET_RATIO / late, 10), 1000) if late > 0 else 10
        wanted, told = max(rate * 3, min(rate * factor, usual_limit(f.run))), f" from {rate:g}"
    return Fix(f"Raise the learning rate{told} to about {rounded(wanted)}.", compile_line(f.run, wanted))


def set_learning_rate(f: Findings) -> Fix:
    wanted = DEFAULT_RATES.get(optimizer_name(f.run), 1e-3)
    return Fix(
        "Give the optimizer a learning rate above 0, or end the schedule later.",
        compile_line(f.run, wanted),
    )


def switch_optimizer(f: Findings) -> Fix:
    return Fix(
        "Use an optimizer that scales each weight's step by itself, or give this one momentum.",
        f"model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.001), loss={loss_code(f.run)})",
    )


def clip(f: Findings) -> Fix:
    norm = f.run.steps.get("gradient_norm")
    sizes = norm.values[np.isfinite(norm.values) & (norm.values > 0)] if norm is not None else np.array([])
    # Near the 90th percentile of the norms (Google's tuning playbook), but 1 where every norm is an explosion already.
    wanted = min(float(np.percentile(sizes, 90)), 1.0) if len(sizes) else 1.0
    return Fix(
        "Clip the gradient norm; gated cells (LSTM, GRU) or a smaller recurrent initialiser cure it at the root.",
        compile_line(f.run, extra=f"global_clipnorm={rounded(wanted)}"),
    )


def initialise(f: Findings) -> Fix:
    return Fix(
        "Use He initialisation in front of ReLU, Glorot elsewhere, and zero biases.",
        layer_lines(_named(f, "initialization"), None),
    )


def shorten_gradient_path(f: Findings) -> Fix:
    hidden = f.run.card.layers[:-1] if f.run.card else ()
    return Fix(
        "Use ReLU with He initialisation in the hidden layers; in deeper models add normalisation or skip connections.",
        layer_lines([layer for layer in hidden if layer.activation in SATURATING], "relu"),
    )


def swap_activation(f: Findings) -> Fix:
    return Fix("Give the hidden layers a ReLU with He initialisation.", layer_lines(hidden_layers(f.run), "relu"))


def leak(f: Findings) -> Fix:
    return Fix(
        "Use an activation that lets a gradient through below zero, and a smaller learning rate.",
        layer_lines(_named(f, "dead_units"), "leaky_relu"),
    )


def desaturate(f: Findings) -> Fix:
    names = f.checks["saturated_units"].layers
    return Fix(
        "Bring the pre-activations back into range.",
        f"keras.layers.LayerNormalization()  # in front of {names[0] if names else ''!r}",
    )


def reconnect(f: Findings) -> Fix:
    return Fix(
        "Keep the way from variables to loss differentiable: no argmax, round, .numpy() or stop_gradient in it.",
        "gradients = tape.gradient(loss, model.trainable_variables)\n"
        "print([v.path for v, g in zip(model.trainable_variables, gradients) if g is None])",
    )


def apply_updates(f: Findings) -> Fix:
    return Fix(
        "Apply the gradients to the variables of this model.",
        "optimizer.apply_gradients(zip(gradients, model.trainable_variables))",
    )


def less_dropout(f: Findings) -> Fix:
    names = f.checks["architecture"].layers
    return Fix("Lower the dropout rate.", "\n".join(f"keras.layers.Dropout(0.3)  # {name!r}" for name in names[:4]))


def train_longer(f: Findings) -> Fix:
    epochs = f.run.card.epochs if f.run.card else None
    rate = learning_rate(f.run)
    return Fix(
        "The loss was still falling: train longer"
        + (f", or raise the learning rate from {rate:g} to {rounded(rate * 3)}." if rate else "."),
        f"model.fit(..., epochs={(epochs or 10) * 5})",
    )


def widen(f: Findings) -> Fix:
    layers = [replace(layer, units=max(32, layer.units * 8)) for layer in hidden_layers(f.run)]
    return Fix(
        "Give the model more units, or a hidden layer if it has none.",
        layer_lines(layers, None) or "keras.layers.Dense(64, activation='relu')",
    )


def regularise(f: Findings) -> Fix:
    best = f.checks["generalization_gap"].sign("best_epoch")
    output = next((layer for layer in reversed(f.run.card.layers) if layer.parameters), None) if f.run.card else None
    where = f"  # in front of {output.path!r}" if output else ""
    return Fix(
        f"Stop near epoch {best}, add dropout or L2, or train on more data."
        if best
        else "Stop earlier, add dropout or L2, or train on more data.",
        f"keras.layers.Dropout(0.5){where}\nkeras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)",
    )


def _named(f: Findings, check: str) -> list[LayerCard]:
    """The layers that a check names."""
    layers = (f.run.card.layer(path) for path in f.checks[check].layers) if f.run.card else ()
    return [layer for layer in layers if layer is not None]
