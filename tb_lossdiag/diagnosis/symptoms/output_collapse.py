"""Are the outputs of all examples one point, where the loss compares outputs with each other?

A contrastive or a triplet loss is content with that point at its margin, and has no gradient away from it. Whether
predictions of classes or numbers are alike is another check's matter: prediction diversity.
"""

import re

import numpy as np

from tb_lossdiag.diagnosis.losses import loss_name
from tb_lossdiag.diagnosis.measured import INVARIANT, measured
from tb_lossdiag.diagnosis.needs import recorded
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
    found = now < CONSTANT
    same = _is_blind(run)
    text = f"The outputs of different examples differ by {now:.2g} of their size"
    text += ", and the loss is the same whichever example an output is given to." if found and same else "."
    names = tuple(row.name for row in table.rows)[:8]
    seen = (int(late(table).steps[0]), int(table.steps[-1]))
    evidence = Evidence(text, now, CONSTANT, "std over the batch / mean size", SOURCE, names, seen)
    since = onset(table.steps, np.nan_to_num(spread, nan=1.0) < CONSTANT) if found else None
    signs = (("spread", now), ("kind", kind), ("blind", same))
    onset_step = (seen[0] if since is None else since) if found else None
    return Check(ID, TITLE, "found" if found else "not_found", (evidence,), onset_step, signs=signs)


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
