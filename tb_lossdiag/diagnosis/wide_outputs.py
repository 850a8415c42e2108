"""Do the outputs start far wider than any answer? By the first loss of a cross-entropy, or beside their targets."""

import math

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.losses import loss_name
from tb_lossdiag.diagnosis.output_layer import output_units
from tb_lossdiag.diagnosis.reference import DISTANCES
from tb_lossdiag.diagnosis.report import Evidence
from tb_lossdiag.run import Run

# First losses in times of ln(classes): healthy calibration runs 1.04 … 1.48, a tied embedding of N(0, 1) 11.
WIDE = 4.0


def starts_wide(f: Findings) -> tuple[Evidence, ...] | None:
    """Whether a cross-entropy starts far above a guess at random, or outputs spread far wider than their targets."""
    card, loss = f.run.card, f.run.steps.get("loss")
    if card is not None and loss_name(card) in DISTANCES:
        return _spread_wide(f.run)
    if card is None or "crossentropy" not in loss_name(card) or loss is None or not len(loss):
        return None
    classes = max(output_units(card) or 2, 2)
    at_random, first = math.log(classes), float(loss.values[0])
    text = f"The first loss is {first:.3g}; a guess at random among {classes} classes scores {at_random:.3g}."
    return (Evidence(text, first / at_random, WIDE, "times a guess at random"),) if first > WIDE * at_random else None


def _spread_wide(run: Run) -> tuple[Evidence, ...] | None:
    """Of the first sample: outputs that vary many times as much as the targets, and lie around them."""
    tables = [run.data.of_kind(kind) for kind in ("prediction", "target")] if run.data is not None else []
    if len(tables) != 2 or any(len(one.rows) != 1 or not (one.has("mean") and one.has("std")) for one in tables):
        return None
    mean, spread = (float(tables[0].column(name)[0, 0]) for name in ("mean", "std"))
    target, wanted = (float(tables[1].column(name)[0, 0]) for name in ("mean", "std"))
    if not wanted > 0 or not spread > WIDE * wanted or not abs(mean - target) < spread:
        return None
    text = f"At first the outputs spread by {spread:.3g}, and the targets by {wanted:.3g}."
    return (Evidence(text, spread / wanted, WIDE, "times the targets' spread"),)
