"""What should the user change about the data? Cleaning, scaling, shuffling, in code with their own numbers.

No line may leave fewer rows than are needed, or targets that no longer vary.
"""

import numpy as np

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.framework import Framework, framework_of, is_torch
from tb_lossdiag.diagnosis.missing import missing_share
from tb_lossdiag.diagnosis.output_layer import output_layer, output_units
from tb_lossdiag.diagnosis.reference import BINARY, known_targets, loss_name, pooled_mean, pooled_variance
from tb_lossdiag.diagnosis.report import Fix
from tb_lossdiag.diagnosis.snippets import (
    fit_line,
    is_reached,
    joined,
    kept_loss,
    layer,
    loss_of_each,
    mended_line,
    recompiled,
    rounded,
)
from tb_lossdiag.diagnosis.surgery import can_be_rebuilt, new_head
from tb_lossdiag.run import Run

# More weights than this are computed rather than written out.
WRITTEN_CLASSES = 6
# Whole numbers from 0 to this may be classes; prices and ages are neither so few nor so small.
MOST_CLASSES = 20
# Of two values low and high, the variance is (mean - low) (high - mean) exactly; float32 rounds.
TWO_VALUED = 1e-3
SCALED = "mean, std = y.mean(axis=0), np.maximum(y.std(axis=0), 1e-7)\ny = (y - mean) / std"


def weigh_foreground(f: Findings) -> Fix:
    return Fix(
        "Let the error count more where targets are above 0, ten times as much or as often as the rest is larger."
    )


def number_from_one(f: Findings) -> Fix:
    return Fix("Number the symbols from 1 on where the blank is 0, or give the loss a blank that no symbol has.")


def give_signs(f: Findings) -> Fix:
    return Fix("Give the loss labels of -1 and 1.", "y = 2 * y - 1")


def shorten_labels(f: Findings) -> Fix:
    text = "Leave out examples whose label, repeated signs counted twice, is longer than their output, or give it more."
    return Fix(f"{text} zero_infinity=True leaves them out of the loss." if is_torch(f.run) else text)


def drop_nonfinite(f: Findings) -> Fix:
    if f.checks["nonfinite"].sign("place") == "target":
        return _drop_without_target(f)
    share = missing_share(f.run, "input")
    if share == "rows":
        return Fix(
            "Leave out the few rows that hold NaN or Inf.",
            "good = np.isfinite(x).reshape(len(x), -1).all(axis=1)\nx, y = x[good], y[good]",
        )
    # Filled with what the column's other rows have on average; a column that holds nothing becomes 0.
    filled = (
        "known = np.ma.masked_invalid(x)\n"
        "x = np.where(np.isfinite(x), x, known.mean(axis=tuple(range(x.ndim - 1))).filled(0)).astype('float32')"
    )
    if share == "columns":
        text = (
            "Every row has values that are NaN or Inf, as many in each batch: whole columns, such as one without "
            "variance that was divided by its own spread of 0. Leave no row out; guard the division, "
            "(x - mean) / np.maximum(std, 1e-7), or fill the columns."
        )
        return Fix(text, filled)
    return Fix("Fill what is NaN or Inf; leaving out every row that holds some may leave hardly any.", filled)


def _drop_without_target(f: Findings) -> Fix:
    if missing_share(f.run, "target") == "rows":
        return Fix(
            "Leave out the few rows whose target is NaN or Inf.",
            "good = np.isfinite(y).reshape(len(y), -1).all(axis=1)\nx, y = x[good], y[good]",
        )
    return Fix(
        "Find what makes the targets NaN or Inf: a division by 0, a logarithm of 0, a column that was never filled.",
        "print(np.isfinite(y).mean(axis=0))  # the share of good targets",
    )


def check_labels(f: Findings) -> Fix:
    level = f.checks["targets"].sign("level")
    if level == "fractional":
        return Fix(
            "The labels were scaled like the inputs. Keep them as whole numbers from 0 to classes - 1.",
            "y = np.unique(y, return_inverse=True)[1].reshape(y.shape)  # the scaling undone; scale x only",
        )
    if level == "constant":
        return Fix(
            "All labels are the same. Check how they are read and whether they still belong to their rows.",
            "print(np.unique(y, return_counts=True))",
        )
    if level == "none_hot":
        return Fix(
            "No class is set in these labels. Check how they are read: another list of classes, or ids beyond its end.",
            "print(y.sum(axis=0))  # how often each class is set",
        )
    low, high = (float(np.nan_to_num(f.checks["targets"].sign(name, 0))) for name in ("min", "max"))
    if loss_name(f.run.card) in BINARY:
        return _for_yes_or_no(f.run, low, high)
    units = output_units(f.run.card) or 2
    shifted = "y = y - y.min()" if low else ""
    if high - low + 1 <= units:
        return Fix(f"Labels must run from 0 to {units - 1}.", shifted)
    classes = int(min(high - low, 2**31)) + 1
    text = f"There are {classes} classes, and the output has {units} units."
    return Fix(text, joined(shifted, _classes(f.run, classes)))


def _for_yes_or_no(run: Run, low: float, high: float) -> Fix:
    """Labels of two values are yes and no under other names; others are classes, or numbers, and no labels at all."""
    if _two_valued(run, low, high):
        return Fix("Binary labels must be 0 or 1.", f"y = (y > {rounded((low + high) / 2, 6)}).astype('float32')")
    if low >= 0 and high <= MOST_CLASSES and low.is_integer() and high.is_integer() and output_units(run.card) == 1:
        code = _classes(run, int(high) + 1)
        return Fix(f"These are {high + 1:g} classes and no yes or no: give each a unit, and the loss of classes.", code)
    text = "These targets are numbers and no labels: fit them with a squared error, scaled, and no activation behind."
    output = output_layer(run.card)
    linear = ""
    if output is not None and is_reached(run, output.path) and output.activation not in (None, "linear"):
        linear = f"{layer(output.path)}.activation = keras.activations.get('linear')"
    return Fix(text, joined(SCALED, linear, mended_line(run, loss="'mse'")))


def _two_valued(run: Run, low: float, high: float) -> bool:
    targets = known_targets(run)
    if targets is None or not low < high:
        return False
    mean, variance = pooled_mean(targets), pooled_variance(targets)
    expected = (mean - low) * (high - mean)
    return bool(np.all(np.abs(variance - expected) <= TWO_VALUED * (high - low) ** 2))


def _classes(run: Run, classes: int) -> str:
    """A head of so many classes; "" where there is no way to put it there by a line."""
    output = output_layer(run.card)
    if output is None or output.kind != "Dense" or "/" in output.path or not can_be_rebuilt(run):
        return ""
    compile_call = mended_line(run, loss="'sparse_categorical_crossentropy'")
    return new_head(run, output, f"Dense({classes}, activation='softmax')", compile_call)


def check_inputs(f: Findings) -> Fix:
    return Fix(
        "Find where the data loses its values: a cast to an integer type or a second division by 255 are common.",
        "print(x.dtype, x.min(), x.max(), x.std())",
    )


def normalise(f: Findings) -> Fix:
    card = f.run.card
    if f.checks["input_scale"].sign("inside"):
        return _scale_inside(f)
    mean, std = f.checks["input_scale"].sign("mean", 0.0), f.checks["input_scale"].sign("std", 1.0)
    first = next((layer for layer in card.layers if layer.kind != "InputLayer"), None) if card else None
    where = f" in front of {first.path!r}" if first else ""
    text = f"Standardise the inputs{where} (mean {mean:.3g}, spread {std:.3g}), with the training data's numbers."
    if _inputs(f.run) > 1:
        return Fix(text)
    return Fix(
        text,
        joined(
            kept_loss(f.run),
            "normalise = keras.layers.Normalization()\n"
            "normalise.adapt(x)\n"
            "model = keras.Sequential([keras.Input(x.shape[1:]), normalise, model])",
            recompiled(f.run),
        ),
    )


def _scale_inside(f: Findings) -> Fix:
    """Of a model that has a layer for it, whose numbers do not fit the data."""
    path = f.checks["input_scale"].layers[0]
    own = f.run.card.layer(path)
    if f.checks["input_scale"].sign("level") == "small" and own.kind == "Rescaling":
        return Fix(f"{path!r} scales what was scaled before: feed it the data as they come, or leave it out.")
    text = f"Give {path!r} the training data's numbers: adapt it before training, to the very values it is fed."
    if _inputs(f.run) > 1 or own.kind != "Normalization" or not is_reached(f.run, path):
        return Fix(text)
    return Fix(text, f"{layer(path)}.adapt(x)")


def _inputs(run: Run) -> int:
    return len(run.data.of_kind("input").rows) if run.data is not None else 1


def scale_targets(f: Findings) -> Fix:
    return Fix(
        "Standardise the targets for training and undo it on the predictions.",
        f"{SCALED}  # and model.predict(x) * std + mean for predictions"
        if framework_of(f.run) is Framework.KERAS_FIT
        else f"{SCALED}  # and predictions * std + mean",
    )


def check_pairing(f: Findings) -> Fix:
    return Fix(
        "Check that every label still belongs to its row: sort, filter and shuffle rows and labels together.",
        "order = np.random.permutation(len(x))\n"
        "x, y = x[order], y[order]  # never one without the other\n"
        "for row, label in zip(x[:5], y[:5]):\n"
        "    print(label, row)",
    )


def shuffle(f: Findings) -> Fix:
    return Fix(
        "Shuffle the rows before they are cut into batches, all of them: a buffer smaller than the data is not enough.",
        joined(
            "order = np.random.permutation(len(x))\nx, y = x[order], y[order]",
            fit_line(f.run, shuffle="True"),
        ),
    )


def move_on(f: Findings) -> Fix:
    return Fix("Let what hands out the batches move on: its index, its iterator or its seed begins anew each time.")


def weigh_classes(f: Findings) -> Fix:
    text = "Give every class the same weight in the loss, and watch recall or the precision-recall area, not accuracy."
    mean = pooled_mean(f.run.targets) if f.run.targets is not None and f.run.targets.rows else np.array([])
    shares = np.array([1 - mean[0], mean[0]]) if len(mean) == 1 else mean
    if not len(shares) or len(shares) > WRITTEN_CLASSES or not np.all(np.isfinite(shares) & (shares > 0)):
        counted = (
            "counts = np.maximum(np.bincount(np.asarray(y).astype(int).ravel()), 1)\n"
            "weights = dict(enumerate(counts.sum() / (len(counts) * counts)))"
        )
        return Fix(text, joined(counted, _weighted(f.run, "weights")))
    weights = ", ".join(f"{i}: {rounded(1 / (len(shares) * share), 2)}" for i, share in enumerate(shares))
    return Fix(text, _weighted(f.run, f"{{{weights}}}"))


def _weighted(run: Run, weights: str) -> str:
    if framework_of(run) is not Framework.KERAS_LOOP:
        return fit_line(run, class_weight=weights)
    each = loss_of_each(run, "model(x, training=True)")
    if not each:
        return ""
    return f"weights = {weights}\nloss = tf.reduce_mean(np.vectorize(weights.get)(np.ravel(y)) * {each})"
