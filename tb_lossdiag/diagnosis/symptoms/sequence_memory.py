"""Does what a recurrent layer hands on still tell its inputs apart? Padding behind a text may erase them all.

The spread over the batch of what comes out, in shares of its whole spread: healthy recurrent layers have 0.4 … 0.96.
"""

import numpy as np

from tb_lossdiag.diagnosis.layer_kinds import RECURRENT
from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.run import Row, Run, Table

ID = "sequence_memory"
TITLE = "Memory of recurrent layers"
KINDS = {*RECURRENT, "Bidirectional", "RNN"}
# An LSTM of which 100 of 120 steps were padding had 1e-7, the same with a mask 0.91 … 0.96, six healthy ones 0.4 and
# more (programs of docs/first_contact.md, and the zoo).
FORGETS = 0.01
# What feeds it differs from example to example: an embedding under as much padding had 0.2 … 0.38.
DIFFERS = 0.05
SOURCE = "healthy recurrent layers hand on 0.4 and more of their spread"


def check(run: Run) -> Check:
    table = run.layers.of_kind("output") if run.layers is not None else None
    if table is None or run.card is None or not len(table.steps) or not table.has("activation_unit_std"):
        return Check(ID, TITLE, "not_run", needs=recorded("layer outputs", run))
    rows = [(at, row) for at, row in enumerate(table.rows) if _kind(run, row.layer) in KINDS]
    if not rows:
        return Check(ID, TITLE, "not_run", needs="a recurrent layer")
    shares = [(_share(table, at), row) for at, row in rows]
    known = [(share, row) for share, row in shares if np.isfinite(share)]
    if not known:
        return Check(ID, TITLE, "inconclusive", needs="outputs of recurrent layers that are neither NaN nor all 0")
    share, row = min(known, key=lambda one: one[0])
    text = f"Of the spread of what {row.layer!r} hands on {share:.2g} tells one example from another."
    seen = (int(table.steps[0]), int(table.steps[-1]))
    forgets = share < FORGETS and _is_told_apart(run, table, row)
    evidence = Evidence(text, share, FORGETS, "share of the spread", SOURCE, (row.layer,), seen)
    layers = (row.layer,) if forgets else ()
    return Check(ID, TITLE, "found" if forgets else "not_found", (evidence,), seen[0] if forgets else None, layers)


def _kind(run: Run, path: str) -> str:
    layer = run.card.layer(path)
    return layer.kind if layer is not None else ""


def _share(table: Table, at: int) -> float:
    """Of the median sample."""
    each, whole = (table.column(name)[:, at].astype(np.float64) for name in ("activation_unit_std", "activation_std"))
    known = np.isfinite(each) & np.isfinite(whole) & (whole > 0)
    return float(np.median(each[known] / whole[known])) if known.any() else float("nan")


def _is_told_apart(run: Run, table: Table, row: Row) -> bool:
    """Whether what feeds the layer differs from example to example; of the model's own inputs others judge."""
    feeds = set(run.card.layer(row.layer).inputs)
    shares = [_share(table, at) for at, one in enumerate(table.rows) if one.layer in feeds]
    known = [share for share in shares if np.isfinite(share)]
    return not known or max(known) > DIFFERS
