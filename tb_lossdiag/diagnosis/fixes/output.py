"""What should the user change at the end of the model? Output layer, loss and metric that belong together."""

import numpy as np

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.reference import ABSOLUTE, BINARY, CATEGORICAL, SQUARED, loss_name, value_range
from tb_lossdiag.diagnosis.report import Fix
from tb_lossdiag.diagnosis.snippets import compile_line, logits_loss, loss_code
from tb_lossdiag.diagnosis.symptoms.loss_pairing import output_units

METRICS = {
    "accuracy_for_regression": ("Accuracy counts exact hits, which numbers never are.", "'mae'"),
    "accuracy_on_logits": ("Logits change sides at 0, not at 0.5.", "keras.metrics.BinaryAccuracy(threshold=0.0)"),
    "binary_for_classes": ("Of several classes one is right; count that one.", "'accuracy'"),
    "accuracy_on_imbalance": (
        "Accuracy rewards never finding the rare class.",
        "keras.metrics.AUC(curve='PR'), keras.metrics.Recall()",
    ),
}


def pair(f: Findings) -> Fix:
    """The exact loss and output layer for this problem."""
    fault = f.checks["loss_pairing"].sign("fault")
    name, units = loss_name(f.run.card), output_units(f.run.card) or 1
    low, high = value_range(f.run, "target")
    classes = int(high) + 1 if np.isfinite(high) else 2
    one_unit = fault in ("one_unit_softmax", "class_count")
    numbers = name in SQUARED | ABSOLUTE and (low, high) != (0, 1)
    if fault == "relative_to_zero":
        layer, loss = f"Dense({units})", "'mse'"
    elif fault == "squared_error_for_classes":
        layer, loss = f"Dense({units}, activation='softmax')", "'sparse_categorical_crossentropy'"
    elif fault == "unreachable_targets" or (one_unit and numbers):
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


def logits(f: Findings) -> Fix:
    units = output_units(f.run.card) or 1 if f.run.card else 1
    return Fix(
        "Let the output layer give logits and the loss take them: their gradient cannot saturate.",
        f"keras.layers.Dense({units})\n{compile_line(f.run, loss=logits_loss(f.run))}",
    )


def measure(f: Findings) -> Fix:
    fault = f.checks["metric_fit"].sign("fault")
    text, metrics = METRICS.get(fault, ("The metric does not measure what the loss trains.", "'mae'"))
    return Fix(text, f"{compile_line(f.run)[:-1]}, metrics=[{metrics}])")
