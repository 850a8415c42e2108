"""Are the outputs of all examples one point, where the loss compares outputs with each other?

A contrastive or a triplet loss is content with that point at its margin, and has no gradient away from it. One that
only draws together asks for nothing else: it falls with the square of what the outputs differ by, to 0 at that point.
Whether predictions of classes or numbers are alike is another check's matter: prediction diversity.
"""

import re

import numpy as np

from tb_lossdiag.diagnosis.losses import loss_name
from tb_lossdiag.diagnosis.measured import INVARIANT, measured
from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.players import plays_against_itself
from tb_lossdiag.diagnosis.reference import derived_constant
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import late, onset
from tb_lossdiag.run import Run

ID = "output_collapse"
TITLE = "Spread of the embeddings"
# As of predictions: healthy outputs differ by 0.2 … 2 of their size over a batch, collapsed ones by 4e-7 … 2e-3.
CONSTANT = 2e-3
# Losses that compare outputs with each other, by what people call them, underscores left out.
COMPARING = re.compile(
    r"triplet|contrast|siames|ntxent|infonce|simclr|simsiam|byol|barlow|vicreg|arcface|multisimilarity|lifted|npair"
    r"|circleloss|proxy|embedding|metriclearning|centerloss"
)
FEWEST = 3
# How many times nearer to each other than at the start: healthy embeddings of 9 programs ended 0.9 … 3 times as far
# apart as fresh weights leave them, none below a third on the way; those that are drawn together 9 … 100 times nearer.
NEARER = 4.0
# The power of the spread that the loss goes with: 2 of distances and angles, 1 of a distance itself, more where pairs
# come nearer than the rest (measured 1.9 … 2.8 on either half of the way down in three programs, 1.7 … 5.5 in two
# others). Of numbers with an offset the spread falls long before the loss does.
POWERS = (0.8, 8.0)
IN_STEP = 0.9  # of the variance of the loss's logarithm
FEWEST_PAIRS = 8
# Of the outputs' size, and by itself: outputs that all go to 0 keep what they differ by in times of their size.
SPREADS = ("diversity", "feature_std_max")
SOURCE = "embeddings of different examples differ by 0.2 … 2 of their size"


def check(run: Run) -> Check:
    table = run.data.of_kind("prediction") if run.data is not None else None
    if table is None or not table.rows or not table.has("diversity"):
        return Check(ID, TITLE, "not_run", needs=recorded("prediction statistics", run))
    kind = _kind(run)
    if kind == "answers":
        return Check(ID, TITLE, "not_run", needs="a loss that compares outputs with each other")
    spread = table.column("diversity").astype(np.float64).max(axis=1)  # of several outputs all have to be alike
    newest = late(table).column("diversity").astype(np.float64).max(axis=1)
    newest = newest[np.isfinite(newest)]
    if len(newest) < FEWEST or (run.card is not None and run.card.batch_size == 1):
        return Check(ID, TITLE, "inconclusive", needs=f"{FEWEST} batches of several examples with finite outputs")
    now = float(np.median(newest))
    one_point = now < CONSTANT
    measures = [table.column(column).astype(np.float64).max(axis=1) for column in SPREADS if table.has(column)]
    powers = [_falls_with_the_spread(run, table.steps, one) for one in measures]
    power, spread = next(((p, one) for p, one in zip(powers, measures, strict=True) if p is not None), (None, spread))
    found = one_point or power is not None
    same = _is_blind(run)
    text = f"The outputs of different examples differ by {now:.2g} of their size"
    if power is not None:
        nearer = spread[0] / _at_last(spread)
        text = f"The outputs of different examples differ by {nearer:.0f} times less than at first, and the loss falls "
        text += f"with that to the power of {power:.1f}: it asks for nothing but that they be alike."
    else:
        text += ", and the loss is the same whichever example an output is given to." if found and same else "."
    names = tuple(row.name for row in table.rows)[:8]
    seen = (int(late(table).steps[0]), int(table.steps[-1]))
    evidence = Evidence(text, now, CONSTANT, "std over the batch / mean size", SOURCE, names, seen)
    limit = CONSTANT if power is None else spread[0] / NEARER
    since = onset(table.steps, np.nan_to_num(spread, nan=1.0) < limit) if found else None
    signs = (("spread", now), ("kind", kind), ("blind", same), ("one_point", one_point), ("power", power))
    onset_step = (seen[0] if since is None else since) if found else None
    return Check(ID, TITLE, "found" if found else "not_found", (evidence,), onset_step, signs=signs)


def _at_last(spread: np.ndarray) -> float:
    known = spread[np.isfinite(spread)]
    return float(np.median(known[-FEWEST:])) if len(known) else np.nan


def _falls_with_the_spread(run: Run, steps: np.ndarray, spread: np.ndarray) -> float | None:
    """The power of the outputs' spread that the loss goes with, where both come down; None where they do not."""
    loss = run.steps.get("loss")
    if loss is None or plays_against_itself(run) or not spread[0] >= NEARER * _at_last(spread) > 0:
        return None
    _, i, j = np.intersect1d(loss.steps, steps, return_indices=True)
    pairs = np.stack([loss.values[i], spread[j]])
    pairs = pairs[:, np.isfinite(pairs).all(axis=0) & (pairs > 0).all(axis=0)]
    if pairs.shape[1] < FEWEST_PAIRS:
        return None
    values, spreads = np.log(pairs)
    power, level = np.polyfit(spreads, values, 1)
    left = np.var(values - power * spreads - level)
    middle = (spreads.min() + spreads.max()) / 2
    parts = [power] + [_slope(spreads[part], values[part]) for part in (spreads >= middle, spreads < middle)]
    goes_with = all(POWERS[0] < one < POWERS[1] for one in parts) and left < (1 - IN_STEP) * np.var(values)
    return float(power) if goes_with else None


def _slope(x: np.ndarray, y: np.ndarray) -> float:
    """Of y over x; NaN of fewer than three points."""
    return float(np.polyfit(x, y, 1)[0]) if len(x) > 2 and np.ptp(x) > 0 else np.nan


def _kind(run: Run) -> str:
    """Whether the outputs are "embeddings" by the loss's name, "answers" to compare with targets, or "unknown"."""
    if run.card is None:
        return "unknown"
    name = loss_name(run.card)
    if COMPARING.search(name.replace("_", "")):
        return "embeddings"
    if derived_constant(run) is not None or any(one.least is not None for one in measured(run)):
        return "answers"
    units = next((layer.units for layer in reversed(run.card.layers) if layer.units), None)
    classes = run.card.settings.get("target_kind") == "sparse_classes"
    return "unknown" if not name and units and units > 1 and not classes else "answers"


def _is_blind(run: Run) -> bool:
    """Whether no permutation changes the loss of the newest samples."""
    changes = [one.newest().change for one in measured(run)]
    known = [values[np.isfinite(values)] for values in changes]
    return bool(known) and all(len(values) and values.max() <= INVARIANT for values in known)
