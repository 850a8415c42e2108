"""Do the outputs start far wider than any answer? By the first loss of a cross-entropy, or beside their targets."""

import math

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.losses import loss_name
from tb_lossdiag.diagnosis.output_layer import output_units
from tb_lossdiag.diagnosis.reference import DISTANCES
from tb_lossdiag.diagnosis.report import Evidence
from tb_lossdiag.diagnosis.window import data_loss
from tb_lossdiag.run import Run

# First losses in times of ln(classes): healthy calibration runs 1.04 … 1.48, a tied embedding of N(0, 1) 11.
WIDE = 4.0
# In times of the most that the outputs' range allows; the first step's batch may be another than the sampled one.
BEYOND = 1.5
# Of the batch's size; fewer examples are as good as a weight.
NEARLY = 0.3
FEWEST_SUMMED = 8
# So near to 0 or 1 a share no longer tells what its logarithm is.
LEAST = 1e-4


def starts_wide(f: Findings) -> tuple[Evidence, ...] | None:
    """Whether a cross-entropy starts far above a guess at random, or outputs spread far wider than their targets."""
    card = f.run.card
    if card is not None and loss_name(card) in DISTANCES:
        return _spread_wide(f.run)
    start = _start(f.run)
    if start is None:
        return None
    first, at_random, highest = start
    # What the outputs are too tame for was multiplied: by a sum over the batch, say.
    if first <= WIDE * at_random or first > BEYOND * highest:
        return None
    text = f"The first loss is {first:.3g}; a guess at random scores {at_random:.3g}."
    return (Evidence(text, first / at_random, WIDE, "times a guess at random"),)


def summed(run: Run) -> str | None:
    """That a cross-entropy begins as many times above a guess at random as a batch has examples: it is their sum."""
    start, size = _start(run), (run.card.batch_size or 0) if run.card is not None else 0
    if start is None or size < FEWEST_SUMMED:
        return None
    first, at_random, highest = start
    if first <= BEYOND * highest or abs(first / at_random / size - 1) > NEARLY:
        return None
    return f"The first loss is {first:.3g}, {size} times what a guess at random scores: it is summed over the batch."


def _start(run: Run) -> tuple[float, float, float] | None:
    """The first loss of a cross-entropy, what a guess at random scores, and the most that the first outputs allow."""
    card, loss = run.card, data_loss(run)
    if card is None or "crossentropy" not in loss_name(card) or loss is None or not len(loss):
        return None
    if card.settings.get("sample_weight"):
        return None  # a guess at random scores what the weights make of it
    at_random = math.log(max(output_units(card) or 2, 2))
    return float(loss.values[0]), at_random, _highest(run, at_random)


def _highest(run: Run, at_random: float) -> float:
    """Of outputs in this range an example scores no more, whatever its class; infinite where they are not known."""
    table = run.data.of_kind("prediction") if run.data is not None else None
    if table is None or len(table.rows) != 1 or not len(table.steps) or not (table.has("min") and table.has("max")):
        return math.inf
    low, high = (float(table.column(name)[0, 0]) for name in ("min", "max"))
    if not math.isfinite(low) or not math.isfinite(high):
        return math.inf
    if not 0 <= low <= high <= 1:
        return at_random + high - low
    # At the ends the loss may know the logits better than the shares do.
    return -math.log(min(low, 1 - high)) if low > LEAST and high < 1 - LEAST else math.inf


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
