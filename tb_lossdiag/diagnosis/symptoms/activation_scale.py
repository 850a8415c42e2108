"""Does the signal keep its size on the way through the layers at the first step? If not, it started wrong.

Good initialisation keeps a layer's output spread near its input's (He et al. 2015), so before anything was learned the
spread should stay within a band from layer to layer and over the whole stack.
"""

import numpy as np

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.run import Run

ID = "activation_scale"
TITLE = "Signal size at the start"
# Scaled inputs and a sane start gave 0.05 … 1 in every layer, an averaged embedding 0.003.
FADED = 1e-3
# Raw pixels gave 75 and were still learned.
BLOWN = 100.0
# Thirtyfold over ten unnormalised residual blocks broke the training; normalised ones stayed within a factor of 2.
GROWN = 10.0
MIN_DEPTH = 5
RISING = 0.75  # of the steps from layer to layer
SOURCE = "healthy runs start at 0.05 … 1 on scaled inputs, at 75 on raw pixels"


def check(run: Run) -> Check:
    if run.layers is None or not run.layers.has("activation_std"):
        return Check(ID, TITLE, "not_run", needs=recorded("layer records", run))
    table = run.layers.of_kind("output")
    if len(table.rows) < 2:
        return Check(ID, TITLE, "not_run", needs="a model with a hidden layer")
    std = table.column("activation_std")[0, :-1].astype(np.float64)
    known = np.isfinite(std)
    if not known.any():
        return Check(ID, TITLE, "inconclusive", needs="finite activations at the first step")
    low, high = int(np.argmin(np.where(known, std, np.inf))), int(np.argmax(np.where(known, std, -np.inf)))
    growth = _growth(std[known])
    level = "blown" if std[high] > BLOWN else "faded" if std[low] < FADED else "growing" if growth > GROWN else "normal"
    worst = high if level in ("blown", "growing") else low
    name, step = table.rows[worst].name, int(table.steps[0])
    text = f"At step {step} the outputs of {name!r} have a spread of {std[worst]:.2g}."
    value, threshold, unit = float(std[worst]), BLOWN if level == "blown" else FADED, "standard deviation"
    if level == "growing":
        text = f"At step {step} the spread of the outputs grows {growth:.0f}-fold through the layers, up to {name!r}."
        value, threshold, unit = growth, GROWN, "growth over the stack"
    evidence = Evidence(text, value, threshold, unit, SOURCE, (name,), (step, step))
    found = level != "normal"
    off = {"blown": std > BLOWN, "faded": std < FADED}.get(level, std >= std[worst])
    names = tuple(row.name for row, o in zip(table.rows, off, strict=False) if o) if found else ()
    return Check(
        ID,
        TITLE,
        "found" if found else "not_found",
        (evidence,),
        step if found else None,
        names[:8],
        signs=(("level", level),),
    )


def _growth(std: np.ndarray) -> float:
    """By what factor the spread grows from the first hidden layer to the largest, where it rises nearly all the way."""
    if len(std) < MIN_DEPTH or std[0] <= 0:
        return 1.0
    top = int(np.argmax(std))
    rising = np.mean(np.diff(std[: top + 1]) > 0) if top >= MIN_DEPTH - 1 else 0.0
    with np.errstate(over="ignore"):
        return float(std[top] / std[0]) if rising >= RISING else 1.0
