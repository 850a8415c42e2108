"""Does one part of the loss drown another? A part that pulls too weakly stays where it was while the sum comes down.

Small is not drowned: penalties and bonuses are small on purpose. What counts is a part that an output of the model is
learned by, or that the data make, which does not move, beside one that takes nearly all of the gradient.
"""

from dataclasses import dataclass

import numpy as np

from tb_lossdiag.diagnosis.decimals import percent
from tb_lossdiag.diagnosis.measured import Measured, measured
from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.standing import standing
from tb_lossdiag.run import Run

ID = "term_balance"
TITLE = "Parts of the loss"
# Of the gradients' norms at the weights that the parts share, or of the parts' own values where those are not known:
# with Adam a part that pulls a tenth as hard is still learned once the other has come to rest (unmeasured); a hundredth
# of the value leaves it nothing.
PULL = 0.1
VALUE = 0.01
# The part that drowns others has most of it.
MOST = 0.5
# A part that has lost less than this of its start stayed where it was.
MOVED = 0.05
FEWEST = 6
# Parts that measure no example's answer: kept small on purpose.
REGULARISING = ("penalty", "regular", "decay", "entropy", "l1", "l2", "kl", "kld", "commit", "smooth", "sparsity", "tv",
                "aux", "balance")  # fmt: skip
SOURCE = "parts that are learned pull within a factor of ten of each other"


@dataclass(frozen=True)
class Part:
    """One term of the loss, or the loss of one output. pull: its share of all gradients; NaN when not known."""

    name: str
    row: str
    share: float
    pull: float
    fallen: float
    level: str | None


def check(run: Run) -> Check:
    parts, steps = _parts(run)
    if len(parts) < 2:
        return Check(ID, TITLE, "not_run", needs=recorded("two parts of the loss by name", run))
    if len(steps) < FEWEST:
        needs = f"{FEWEST} sampled steps with all parts of the loss; there are {len(steps)}"
        return Check(ID, TITLE, "inconclusive", needs=needs)
    large = max(parts, key=_weight)
    drowned = [part for part in parts if part is not large and _is_drowned(part, large)]
    seen = (int(steps[0]), int(steps[-1]))
    if not drowned:
        told = ", ".join(f"{part.name!r} {percent(_weight(part))}" for part in parts[:4])
        evidence = Evidence(
            f"Shares of the parts of the loss: {told}.", _weight(large), None, "share", SOURCE, (), seen
        )
        return Check(ID, TITLE, "not_found", (evidence,), signs=(("level", "shared"),))
    worst = min(drowned, key=_weight)
    what = "of the gradient" if np.isfinite(worst.pull) else "of the loss"
    text = f"{worst.name!r} makes {_weight(worst):.2g} {what} and {large.name!r} {percent(_weight(large))}; "
    text += "it is at chance" if worst.level == "none" else f"it fell by {percent(max(worst.fallen, 0.0))} of its start"
    threshold = PULL if np.isfinite(worst.pull) else VALUE
    rows = (worst.row, large.row)
    evidence = Evidence(f"{text}.", _weight(worst), threshold, f"share {what}", SOURCE, rows, seen)
    signs = (("level", "drowned"), ("small", worst.name), ("large", large.name), ("at_chance", worst.level == "none"),
             ("ratio", _weight(large) / max(_weight(worst), 1e-12)))  # fmt: skip
    return Check(ID, TITLE, "found", (evidence,), seen[0], rows, signs=signs)


def _weight(part: Part) -> float:
    return part.pull if np.isfinite(part.pull) else part.share


def _is_drowned(part: Part, large: Part) -> bool:
    small = part.pull < PULL if np.isfinite(part.pull) else part.share < VALUE
    if not small or not _weight(large) > MOST:
        return False
    if part.level is not None:
        return part.level == "none"
    name = part.name.lower()
    return part.fallen < MOVED and not any(word in name for word in REGULARISING)


def _parts(run: Run) -> tuple[list[Part], np.ndarray]:
    """The terms that are known by name, else the outputs whose own loss was measured; and the steps that know them."""
    terms = run.loss_terms("mean")
    outputs = measured(run)
    if terms is not None and len(terms.rows) > 1:
        values = np.abs(terms.column("mean").astype(np.float64))
        pulls = (
            np.abs(terms.column("gradient_norm").astype(np.float64)) if terms.has("gradient_norm") else values * np.nan
        )
        levels = [_level_of(row.own_name, outputs) for row in terms.rows]
        return _of([(r.own_name, r.name) for r in terms.rows], levels, values, pulls, terms.steps)
    if len(outputs) > 1 and all(len(one.steps) == len(outputs[0].steps) for one in outputs):
        values = np.abs(np.stack([one.loss for one in outputs], axis=1))
        levels = [_level_of(one.output, outputs) for one in outputs]
        names = [(one.output, f"prediction:{one.output}") for one in outputs]
        return _of(names, levels, values, values * np.nan, outputs[0].steps)
    return [], np.zeros(0, np.int64)


def _of(
    names: list[tuple[str, str]], levels: list[str | None], values: np.ndarray, pulls: np.ndarray, steps: np.ndarray
) -> tuple[list[Part], np.ndarray]:
    """values, pulls: float64 [n, parts]."""
    known = np.isfinite(values).all(axis=1) & values.any(axis=1)
    if not known.any():
        return [], steps[:0]
    values, steps = values[known], steps[known]
    shares = np.median(values / values.sum(axis=1, keepdims=True), axis=0)
    pulled = np.isfinite(pulls).all(axis=1) & pulls.any(axis=1)
    pull = (
        np.median(pulls[pulled] / pulls[pulled].sum(axis=1, keepdims=True), axis=0) if pulled.any() else shares * np.nan
    )
    third = max(1, len(values) // 3)
    first, last = (np.median(part, axis=0) for part in (values[: min(third, 3)], values[-third:]))
    with np.errstate(all="ignore"):
        fallen = np.where(first > 0, 1 - last / first, 0.0)
    parts = [
        Part(name, row, float(shares[i]), float(pull[i]), float(fallen[i]), levels[i])
        for i, (name, row) in enumerate(names)
    ]
    return parts, steps


def _level_of(name: str, outputs: tuple[Measured, ...]) -> str | None:
    """How well the output is learned that a term is named after; None where no output is, or it was not measured."""
    own = [one for one in outputs if one.output and name in (one.output, f"{one.output}_loss")]
    known = standing(own[0]) if len(own) == 1 else None
    return known.level if known is not None else None
