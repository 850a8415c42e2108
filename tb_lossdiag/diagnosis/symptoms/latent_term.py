"""Has the term that measures what a code carries gone to nothing, and the reconstruction with it?

In a variational autoencoder the divergence of the code from its prior is the information that the code carries. At
nothing the decoder gets noise, and the best it can do is one answer for all.
"""

import re

import numpy as np

from tb_lossdiag.diagnosis.measured import measured
from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.standing import NONE, standing
from tb_lossdiag.diagnosis.variety import variety
from tb_lossdiag.diagnosis.window import penalty_of
from tb_lossdiag.run import ModelCard, Row, Run, Series, Table

ID = "latent_term"
TITLE = "Information in the code"
# What a user calls it, as a word of its own in a name of several.
NAMES = re.compile(r"(^|[^a-z])(kl|kld|kl_?div(ergence)?|divergence|d_?kl)([^a-z]|$)")
# Of the whole loss. Codes in use carry 5 … 30 nats beside a reconstruction of tens to hundreds; means over dimensions
# are a thousandth of it and more. Collapsed ones ended at 4e-7 and 1e-7 of 0.02 … 0.03 (two public programs).
NOTHING = 1e-3

FEWEST = 6
# Outputs that vary over the batch by this share of what is to be rebuilt explain a sixth of its variance at the most. A
# collapsed decoder passes some of its noise on: 0.01 and 0.21 in two public programs.
FLAT = 0.4
# Weights that shrank to this share of their size are a penalty at work, and no code is to blame.
SHRUNK = 0.3
# Two statistics of the same numbers.
SAME = 1e-4
SOURCE = "a code in use carries 0.1 % of the loss and more"


def check(run: Run) -> Check:
    term = _term(run)
    if term is None:
        needs = recorded('a term of the loss that is called "kl", or what layers of an autoencoder add', run)
        return Check(ID, TITLE, "not_run", needs=needs)
    name, series, rest = term
    if len(series) < FEWEST:
        return Check(ID, TITLE, "inconclusive", needs=f"{FEWEST} finite values of {name!r}; there are {len(series)}")
    late = series.steps >= (int(series.steps[0]) + int(series.steps[-1])) / 2
    now, other = float(np.median(np.abs(series.values[late]))), float(np.median(np.abs(rest[late])))
    share = now / (now + other) if now + other > 0 else 1.0
    varied = _variety(run)
    if varied is None and share < NOTHING:
        return Check(
            ID, TITLE, "inconclusive", needs="outputs and targets, to see whether the outputs vary as targets do"
        )
    found = share < NOTHING and varied < FLAT
    text = f"{name!r} ends at {now:.3g} beside {other:.3g} of the rest of the loss"
    text += (
        f"; over a batch the outputs vary {varied:.2g} times as much as their targets." if varied is not None else "."
    )
    seen = (int(series.steps[late][0]), int(series.steps[-1]))
    evidence = Evidence(text, share, NOTHING, "share of the loss", SOURCE, (), seen)
    small = np.abs(series.values) < NOTHING * np.maximum(np.abs(rest), np.finfo(np.float64).tiny)
    since = int(series.steps[np.argmax(small)]) if found and small.any() else seen[0]
    signs = (("share", share), ("varied", varied), ("term", name))
    return Check(ID, TITLE, "found" if found else "not_found", (evidence,), since if found else None, signs=signs)


def _term(run: Run) -> tuple[str, Series, np.ndarray] | None:
    """Name and values of the term, and what the rest of the loss was at the same steps."""
    terms = run.loss_terms("mean")
    total = run.steps.get("loss")
    if terms is not None and total is not None and len(total):
        own = next((row for row in terms.rows if NAMES.search(row.own_name.lower())), None)
        own = own or _without_a_name(run, terms)
        if own is not None:
            return _beside(own.own_name, Series(terms.steps, terms.cell(own.name, "mean").astype(np.float64)), total)
    penalty = run.steps.get("penalty")
    if penalty is None or total is None or not len(total) or not _is_added_by_layers(run) or not np.any(penalty.values):
        return None
    return _beside("what layers add", penalty, total)


def _without_a_name(run: Run, terms: Table) -> Row | None:
    """Of the terms of a loss that layers add as a whole, the one that ends as the least of them."""
    added = run.steps.get("penalty")
    if len(terms.rows) < 2 or added is None or not np.any(added.values) or penalty_of(run) is not None:
        return None
    if run.card is None or _is_regularised(run.card):
        return None
    last = np.abs(terms.column("mean")[-1].astype(np.float64))
    return terms.rows[int(np.argmin(np.where(np.isfinite(last), last, np.inf)))]


def _variety(run: Run) -> float | None:
    """Of the outputs in times of their targets'; 0 where other examples' outputs would do as well."""
    known = [standing(one) for one in measured(run)]
    if variety(run) is None and len(known) == 1 and known[0] is not None:
        return 0.0 if known[0].shuffled < NONE else None
    return variety(run)


def _beside(name: str, own: Series, total: Series) -> tuple[str, Series, np.ndarray]:
    steps, i, j = np.intersect1d(own.steps, total.steps, return_indices=True)
    values, rest = own.values[i], np.zeros(0)
    with np.errstate(invalid="ignore"):
        rest = total.values[j] - values
    known = np.isfinite(values) & np.isfinite(rest)
    return name, Series(steps[known], values[known]), rest[known]


def _is_added_by_layers(run: Run) -> bool:
    """Whether the penalty is no weight's: of an autoencoder without regularisers whose weights do not shrink."""
    if run.card is None or not _returns_its_input(run):
        return False
    weights = run.steps.get("weight_norm")
    shrunk = weights is not None and len(weights) > 0 and weights.values[-1] < SHRUNK * weights.values[0]
    return not (_is_regularised(run.card) or shrunk)


def _is_regularised(card: ModelCard) -> bool:
    return any(
        name.endswith("regularizer") and value for layer in card.layers for name, value in layer.settings.items()
    )


def _returns_its_input(run: Run) -> bool:
    """Whether the targets of every batch have the mean and spread of its inputs."""
    if run.data is None or not (run.data.has("mean") and run.data.has("std")):
        return False
    inputs, targets = run.data.of_kind("input"), run.data.of_kind("target")
    if len(inputs.rows) != 1 or len(targets.rows) != 1:
        return False
    pairs = [(inputs.column(c)[:, 0], targets.column(c)[:, 0]) for c in ("mean", "std")]
    return len(inputs.steps) > 0 and all(_are_alike(a.astype(np.float64), b.astype(np.float64)) for a, b in pairs)


def _are_alike(a: np.ndarray, b: np.ndarray) -> bool:
    """Up to the rounding of float32."""
    known = np.isfinite(a) & np.isfinite(b)
    return bool(known.all() and (np.abs(a - b) <= SAME * np.maximum(np.abs(a), np.abs(b)) + SAME).all())
