"""Which variables get a gradient of exactly zero, and since when? The pattern tells a cut graph from a dead path.

A vanishing gradient is small; an exact zero is structural: the loss does not reach the variable, or every path is dead.
"""

import numpy as np

from tb_lossdiag.diagnosis.flow import cuts_inside
from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import is_kernel, onset, span
from tb_lossdiag.run import Run, Table

ID = "zero_gradient"
TITLE = "Gradients exactly zero"
SOURCE = "a gradient of exactly 0 in every element never happens by chance"
# In short runs a ReLU layer can be silent for a batch; half of the late records is no accident.
HELD = 0.5
# A single matrix of zeros in front of a loss gets a gradient; two, one behind the other, give each other none.
TWO_FACTORS = 2


def check(run: Run) -> Check:
    if run.layers is None or not run.layers.has("gradient_norm"):
        return Check(ID, TITLE, "not_run", needs=recorded("layer records", run))
    table = run.layers.of_kind("variable")
    if not table.rows or not len(table.steps):
        return Check(ID, TITLE, "not_run", needs="a trainable variable")
    if run.card is not None and run.card.settings.get("gradients_cleared") is True:
        text = "The backward pass gave gradients, and they were cleared before the step."
        return Check(ID, TITLE, "not_found", (Evidence(text, source=SOURCE),))
    unreached = _unreached(run)
    zero = (table.column("gradient_norm") == 0) | np.array([row.name in unreached for row in table.rows])
    middle = (int(table.steps[0]) + int(table.steps[-1])) / 2
    stuck = zero[table.steps >= middle].mean(axis=0) > HELD
    kernels = np.array([is_kernel(row) for row in table.rows])
    if not stuck[kernels].any():
        return Check(ID, TITLE, "not_found", (Evidence("Every weight matrix gets a gradient.", source=SOURCE),))
    rows = [row for row, s in zip(table.rows, stuck, strict=True) if s]
    if stuck.all():
        pattern = "all"
    elif stuck[kernels].all():
        pattern = "kernels"
    else:
        pattern = "some"
    since = [onset(table.steps, zero[:, i]) for i in np.flatnonzero(stuck)]
    began = min((s for s in since if s is not None), default=int(table.steps[0]))
    names = tuple(row.name for row in rows)
    text = {
        "all": "Every trainable variable has a gradient of exactly 0, the output bias included",
        "kernels": "Every weight matrix has a gradient of exactly 0; only biases still get one",
        "some": f"{len(names)} of {len(table.rows)} variables have a gradient of exactly 0: {', '.join(names[:3])}",
    }[pattern]
    cut = unreached & {row.name for row in rows}
    told = f" (the loss does not reach {len(cut)} of them at all)" if cut else ""
    evidence = Evidence(f"{text}{told}, since step {began}.", 0.0, 0.0, "gradient norm", SOURCE, names[:8], span(table))
    cut_layers = {row.layer for row in rows if row.name in cut and is_kernel(row)}
    still_layers = {row.layer for row in rows if is_kernel(row)}
    reached = {row.layer for row, still in zip(table.rows, stuck, strict=True) if not still}
    signs = (
        ("pattern", pattern),
        ("unreached", bool(cut)),
        ("from_start", began <= int(table.steps[0])),
        ("cut_inside", cuts_inside(run.card, cut_layers, reached)),
        ("cut_share", _share_of_weights(run, cut_layers)),
        ("zero_share", _share_of_weights(run, still_layers)),
        ("at_zero", _at_zero(table, stuck & kernels)),
    )
    return Check(ID, TITLE, "found", (evidence,), began, names[:8], signs=signs)


def _unreached(run: Run) -> set[str]:
    """The variables whose gradient was reported as None."""
    told = [event.facts.get("rows") for event in run.events if event.kind == "no_gradient"]
    return {name for rows in told if isinstance(rows, (list, tuple)) for name in rows if isinstance(name, str)}


def _share_of_weights(run: Run, layers: set[str]) -> float:
    """Of the trainable weights, those of these layers that are called in the step; 0 where no sizes are known."""
    called = {row.layer for row in run.layers.of_kind("output").rows}
    whole = run.card.trainable_parameters if run.card is not None else 0
    sizes = [run.card.layer(name).parameters for name in layers & called if run.card and run.card.layer(name)]
    return min(1.0, sum(sizes) / whole) if whole else 0.0


def _at_zero(table: Table, stuck: np.ndarray) -> bool:
    """Whether these weight matrices are 0 throughout, as two factors of a product that both begin there."""
    if not table.has("weight_norm") or np.count_nonzero(stuck) < TWO_FACTORS:
        return False
    return bool((table.column("weight_norm")[:, stuck] == 0).all())
