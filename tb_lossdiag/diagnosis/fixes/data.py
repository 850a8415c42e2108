"""What should the user change about the data? Cleaning, scaling, shuffling, in code with their own numbers."""

import numpy as np

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.reference import BINARY, loss_name, pooled_mean
from tb_lossdiag.diagnosis.report import Fix
from tb_lossdiag.diagnosis.snippets import rounded
from tb_lossdiag.diagnosis.symptoms.loss_pairing import output_units

# More weights than this are computed rather than written out.
WRITTEN_CLASSES = 6


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


def check_pairing(f: Findings) -> Fix:
    return Fix(
        "Check that every label still belongs to its row: sort, filter and shuffle rows and labels together.",
        "order = np.random.permutation(len(x))\n"
        "x, y = x[order], y[order]  # never one without the other\n"
        "for row, label in zip(x[:5], y[:5]):\n"
        "    print(label, row)",
    )


def shuffle(f: Findings) -> Fix:
    size = f.run.card.batch_size if f.run.card else None
    return Fix(
        "Shuffle the rows before they are cut into batches.",
        f"model.fit(x, y, batch_size={size or 32}, shuffle=True)\n"
        "# or, for a tf.data.Dataset:\n"
        f"dataset = dataset.shuffle(buffer_size=10_000).batch({size or 32})",
    )


def weigh_classes(f: Findings) -> Fix:
    text = "Give every class the same weight in the loss, and watch recall or the precision-recall area, not accuracy."
    mean = pooled_mean(f.run.targets) if f.run.targets is not None and f.run.targets.rows else np.array([])
    shares = np.array([1 - mean[0], mean[0]]) if len(mean) == 1 else mean
    if not len(shares) or len(shares) > WRITTEN_CLASSES or not np.all(np.isfinite(shares) & (shares > 0)):
        return Fix(
            text,
            "counts = np.bincount(y.astype(int).ravel())\n"
            "weights = dict(enumerate(counts.sum() / (len(counts) * counts)))\n"
            "model.fit(..., class_weight=weights)",
        )
    weights = ", ".join(f"{i}: {rounded(1 / (len(shares) * share), 2)}" for i, share in enumerate(shares))
    return Fix(text, f"model.fit(..., class_weight={{{weights}}})")
