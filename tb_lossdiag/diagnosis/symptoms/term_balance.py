"""Does one part of the loss drown another? A part that pulls too weakly stays where it was while the sum comes down.

Small is not drowned: penalties and bonuses are small on purpose. What counts is a part that an output of the model is
learned by, or that the data make, which does not move, beside one that takes nearly all of the gradient. How hard each
part pulls was measured where it could be; elsewhere its value stands for that. Parts are often told as they are before
their weights: what each counts for in the sum is read off the loss itself, and is in a measured pull already.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tb_lossdiag.diagnosis.decimals import percent
from tb_lossdiag.diagnosis.framework import is_torch
from tb_lossdiag.diagnosis.losses import loss_name
from tb_lossdiag.diagnosis.measured import Measured, is_the_loss, measured
from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.standing import NONE, standing
from tb_lossdiag.diagnosis.term_weights import weights
from tb_lossdiag.diagnosis.window import data_loss
from tb_lossdiag.run import Run, Table

ID = "term_balance"
TITLE = "Parts of the loss"
# Of the gradients' norms at the weights that the parts share, or of the parts' own values where those are not known:
# with Adam a part that pulls a tenth as hard is still learned once the other has come to rest (unmeasured); a hundredth
# of the value leaves it nothing. A part that is not small by its value may pull weakly as it has nothing to teach, such
# as labels that the inputs do not explain, whose gradients cancel out: it has to pull more weakly than those.
PULL = 0.1
FAINT = 0.01
VALUE = 0.01
# Samples with pulls, which are one in ten: the first are of a model that has learned nothing, as of heads at zero.
FEWEST_PULLS = 3
# The part that drowns others has most of it.
MOST = 0.5
# A part that has lost less than this of its start stayed where it was; half of it is a part that is learned.
MOVED = 0.05
CAME_DOWN = 0.5
# A part that began as the larger one and has a tenth of itself left, while what is to be learned stayed at chance.
GONE = 0.9
OUTWEIGHS = 0.5
# Of its own start, by which a penalty on weights rises when the weights run away.
BLEW_UP = 100.0
# Of a loss: a multiple of one part, as a weight makes it, scatters by less around its mean.
CONSTANT = 0.02
# Weights of parts on one scale differ tenfold or a hundredfold; a part with less than this beside the other's counts
# for nothing while the other has anything to give. Unmeasured: of five programs in the zoo with weighted parts those
# that learn both are within 1/200, the two that lose one at 1e-6 and 1e-8.
WEIGHED_DOWN = 1e-4
FEWEST = 6
# Of the loss: two readings of it in one step agree to float32's rounding.
SAME = 1e-4
# What a layer adds beside others of its own has a number and no name, so that nobody knows what it is for.
NUMBERED = re.compile(r"\[\d+\]$")
# Parts that measure no example's answer: kept small on purpose.
REGULARISING = ("penalty", "regular", "decay", "entropy", "l1", "l2", "kl", "kld", "commit", "smooth", "sparsity", "tv",
                "aux", "balance")  # fmt: skip
# Of its start, that a part without any weight to speak of may lose by the way, while the others bring the outputs to 0.
BY_THE_WAY = 0.9
REGULARISING_WORDS = {"reg", "orth", "gp", "activity", "z", "r1", "norm"}
REST = "the rest of the loss"
# Told among the parts, and no part of any loss.
MEASURES = ("acc", "metric", "score", "iou", "recall", "precision", "error_rate")
SOURCE = "parts that are learned pull within a factor of ten of each other"


@dataclass(frozen=True)
class Part:
    """One term of the loss, or the loss of one output.

    share: of the loss; value: without its weight; start: with it, at first. pull: its share of all gradients, NaN when
    not known. behind: whether the output it is the loss of is no better than a constant; None where it is no output's.
    weight: in the sum; NaN when not known.
    """

    name: str
    row: str
    share: float
    value: float
    pull: float
    fallen: float
    behind: bool | None
    weight: float
    start: float


def check(run: Run) -> Check:
    parts, steps = _parts(run)
    if sum(np.isfinite(part.pull) for part in parts) > 1:
        parts = [part for part in parts if np.isfinite(part.pull)]  # others pull elsewhere, or are told beside the loss
    if len(parts) < 2:
        return Check(ID, TITLE, "not_run", needs=recorded("two parts of the loss by name", run))
    if len(steps) < FEWEST:
        needs = f"{FEWEST} sampled steps with all parts of the loss; there are {len(steps)}"
        return Check(ID, TITLE, "inconclusive", needs=needs)
    large = max(parts, key=_weight)
    drowned = [part for part in parts if part is not large and _is_drowned(part, large)]
    seen = (int(steps[0]), int(steps[-1]))
    winner = next((part for part in parts for other in parts if _won(part, other)), None)
    if winner is not None and not drowned:
        return _outweighed(winner, max((one for one in parts if _won(winner, one)), key=_weight), seen)
    if not drowned:
        told = ", ".join(f"{part.name!r} {percent(_weight(part))}" for part in parts[:4])
        rest, moved = _at_rest(parts), max(parts, key=lambda part: part.fallen)
        text = f"Shares of the parts of the loss: {told}."
        text += f" {rest.name!r} never came down, {moved.name!r} did." if rest is not None else ""
        evidence = Evidence(text, _weight(large), None, "share", SOURCE, (), seen)
        signs = (("level", "shared"), ("at_rest", None if rest is None else rest.name))
        return Check(ID, TITLE, "not_found", (evidence,), signs=signs)
    worst = min(drowned, key=_weight)
    down = _weighed_down(worst, large)
    what = "of the gradient" if np.isfinite(worst.pull) else "of the loss"
    text = f"{worst.name!r} makes {_weight(worst):.2g} {what} and {large.name!r} {percent(_weight(large))}"
    if np.isfinite(worst.pull) and worst.share >= VALUE:
        text += f", though its value is {percent(worst.share)} of the loss"
    text += f"; {_fate(worst)}"
    if worst.weight < WEIGHED_DOWN * large.weight:
        text += f"; in the sum it counts for {worst.weight / large.weight:.1g} of what {large.name!r} does"
    reason = run.card.settings.get("pull_not_measured") if run.card is not None else None
    if isinstance(reason, str) and reason and not np.isfinite(worst.pull):
        text += f"; how hard each pulls was not measured, because {reason}"
    rows = (worst.row, large.row)
    evidence = Evidence(f"{text}.", _weight(worst), _limit(worst), f"share {what}", SOURCE, rows, seen)
    signs = (
        ("level", "drowned"),
        ("small", worst.name),
        ("large", large.name),
        ("at_chance", worst.behind is True),
        ("weighed_down", down),
        ("ratio", _weight(large) / max(_weight(worst), 1e-12)),
        ("scale", large.value / max(worst.value, 1e-12)),
    )
    return Check(ID, TITLE, "found", (evidence,), seen[0], rows, signs=signs)


def _outweighed(winner: Part, own: Part, seen: tuple[int, int]) -> Check:
    """The part that won has next to nothing left of itself, as a penalty has that took the weights with it."""
    ratio = winner.start / max(own.start, 1e-12)
    text = (
        f"{winner.name!r} began at {ratio:.2g} times {own.name!r} and fell by {percent(winner.fallen)}; {own.name!r} "
    )
    text += "is at chance." if own.behind else "stayed where it was."
    rows = tuple(row for row in (own.row, winner.row) if row)
    evidence = Evidence(text, ratio, OUTWEIGHS, "times the part that is to be learned", SOURCE, rows, seen)
    signs = (("level", "won"), ("small", own.name), ("large", winner.name), ("ratio", ratio), ("scale", ratio))
    return Check(ID, TITLE, "found", (evidence,), seen[0], rows, signs=signs)


def _won(winner: Part, own: Part) -> bool:
    """winner: what is added beside what is to be learned, by its name or as it has none."""
    gone = winner.fallen >= GONE and winner.start > OUTWEIGHS * own.start > 0
    stayed = own.behind or (own.behind is None and own.fallen < MOVED and not _is_on_purpose(own))
    return bool(gone and stayed and (winner.name == REST or _is_on_purpose(winner)))


def _fate(part: Part) -> str:
    if part.behind:
        return "it is at chance"
    return f"it fell by {percent(part.fallen)} of its start" if part.fallen >= 0 else "it rose"


def _weight(part: Part) -> float:
    return part.pull if np.isfinite(part.pull) else part.share


def _limit(part: Part) -> float:
    """Below which a part is too small to count."""
    if not np.isfinite(part.pull):
        return VALUE
    return PULL if part.share < VALUE else FAINT


def _weighed_down(part: Part, large: Part) -> bool:
    return bool(part.weight < WEIGHED_DOWN * large.weight or part.share < WEIGHED_DOWN * large.share)


def _at_rest(parts: Sequence[Part]) -> Part | None:
    """A part that is to be learned and never came down, while another did; None for none."""
    if max(part.fallen for part in parts) < CAME_DOWN:
        return None
    return next((one for one in parts if one.share >= VALUE and one.fallen < MOVED and not _is_on_purpose(one)), None)


def _is_drowned(part: Part, large: Part) -> bool:
    if not _weight(part) < _limit(part) or not _weight(large) > MOST:
        return False
    if large.fallen < -BLEW_UP and large.start < part.start:
        return False  # what began as the smaller one and blew up is no weight that was chosen
    if part.behind is not None:
        return part.behind
    return part.fallen < (BY_THE_WAY if _weighed_down(part, large) else MOVED) and not _is_on_purpose(part)


def _is_on_purpose(part: Part) -> bool:
    """Whether it may be small or stay where it is; what has no name of its own may."""
    name = part.name.lower()
    words = REGULARISING_WORDS & set(re.split("[^a-z0-9]+", name))
    return bool(words or NUMBERED.search(name) or any(word in name for word in (*REGULARISING, *MEASURES)))


def _parts(run: Run) -> tuple[list[Part], np.ndarray]:
    """The terms that are known by name, else the outputs whose own loss was measured; and the steps that know them."""
    terms, outputs = _without_the_loss(run), measured(run)
    if terms is not None and len(terms.rows) > 1:
        values = np.abs(terms.column("mean").astype(np.float64))
        pulls = _pulls(terms)
        behind = [_is_behind(row.own_name, outputs) for row in terms.rows]
        # A loop of torch tells its parts as such; elsewhere what has "loss" in its name may only stand beside the loss.
        certain = [one is not None or is_torch(run) for one in behind]
        known = weights(run, terms.steps, terms.column("mean").astype(np.float64), certain)
        return _of([(r.own_name, r.name) for r in terms.rows], behind, values, pulls, known, terms.steps)
    if len(outputs) > 1 and all(len(one.steps) == len(outputs[0].steps) for one in outputs):
        values = np.stack([one.loss for one in outputs], axis=1)
        behind = [_is_behind(one.output, outputs) for one in outputs]
        names = [(one.output, f"prediction:{one.output}") for one in outputs]
        known = weights(run, outputs[0].steps, values, [True] * len(outputs))
        pulls = _pulls_of(run, outputs)
        return _of(names, behind, np.abs(values), pulls, known, outputs[0].steps)
    if len(outputs) == 1 and not is_the_loss(run, outputs[0]):
        return _with_the_rest(run, outputs[0])
    return [], np.zeros(0, np.int64)


def _with_the_rest(run: Run, own: Measured) -> tuple[list[Part], np.ndarray]:
    """The loss that was called on the only output, and what else is in the loss that was brought down, of no name."""
    nothing: tuple[list[Part], np.ndarray] = ([], np.zeros(0, np.int64))
    total = data_loss(run)
    if total is None or run.card is None:
        return nothing
    steps, i, j = np.intersect1d(total.steps, own.steps, return_indices=True)
    values = np.stack([own.loss[j], total.values[i] - own.loss[j]], axis=1)
    known = np.isfinite(values).all(axis=1)
    values, steps = values[known], steps[known]
    if not len(steps) or (values[:, 0] <= 0).any() or (values[:, 1] < -CONSTANT * values[:, 0]).any():
        return nothing
    ratio = values[:, 1] / values[:, 0]
    if np.std(ratio) < CONSTANT * (1 + np.mean(ratio)):
        return nothing  # a weight
    names = [(loss_name(run.card) or own.output or "the loss", f"prediction:{own.output}"), (REST, "")]
    behind = [_is_at_chance(own), None]
    unknown = np.full((len(steps), 2), np.nan)
    return _of(names, behind, np.abs(values), unknown, np.ones(2), steps)


def _without_the_loss(run: Run) -> Table | None:
    """The terms, without the whole loss where it is told among them, as "loss" or "total_loss"."""
    terms, total = run.loss_terms("mean"), run.steps.get("loss")
    if terms is None or total is None or not len(total):
        return terms
    _, i, j = np.intersect1d(total.steps, terms.steps, return_indices=True)
    sums, values = total.values[i].astype(np.float64), terms.column("mean")[j].astype(np.float64)
    with np.errstate(invalid="ignore"):
        apart = np.abs(values - sums[:, None]) > SAME * np.abs(sums[:, None])
    names = [row.own_name.lower() for row in terms.rows]
    is_whole = [not apart[:, at].any() and (name == "loss" or "total" in name) for at, name in enumerate(names)]
    parts = [at for at, whole in enumerate(is_whole) if not whole or not len(i)]
    return terms.of_rows(parts)


def _pulls(table: Table) -> np.ndarray:
    """float64 [n, rows]; NaN where it was not measured."""
    if not table.has("gradient_norm"):
        return np.full((len(table.steps), len(table.rows)), np.nan)
    return np.abs(table.column("gradient_norm").astype(np.float64))


def _pulls_of(run: Run, outputs: tuple[Measured, ...]) -> np.ndarray:
    """float64 [n, outputs]: of the losses of these outputs, at the steps that all of them have."""
    table = run.data.of_kind("prediction")
    own = [row.own_name for row in table.rows]
    places = [own.index(one.output) for one in outputs]
    return _pulls(table)[np.isin(table.steps, outputs[0].steps)][:, places]


def _of(
    names: list[tuple[str, str]],
    behind: list[bool | None],
    values: np.ndarray,
    pulls: np.ndarray,
    weight: np.ndarray,
    steps: np.ndarray,
) -> tuple[list[Part], np.ndarray]:
    """values, pulls: float64 [n, parts]; weight: float64 [parts]."""
    known = np.isfinite(values).all(axis=1) & values.any(axis=1)
    if not known.any():
        return [], steps[:0]
    # A part that is 0 at every step is switched off.
    on = np.flatnonzero(values[known].any(axis=0))
    names, behind, weight = [names[i] for i in on], [behind[i] for i in on], weight[on]
    values, steps, pulls = values[known][:, on], steps[known], pulls[known][:, on]
    third = max(1, len(values) // 3)
    counted = values * np.where(np.isfinite(weight), weight, 1.0)
    # What is weighed down to nothing is all that is left once the other has come down: what counts is the time before.
    down = np.nanmin(weight) < WEIGHED_DOWN * np.nanmax(weight) if np.isfinite(weight).any() else False
    shares = _shares(counted[:third] if down else counted)
    pull = _pull(pulls)
    first, last = (np.median(part, axis=0) for part in (values[: min(third, 3)], values[-third:]))
    with np.errstate(all="ignore"):
        fallen = np.where(first > 0, 1 - last / first, 0.0)
    # The same of a part whose weight is not known and that stayed what it was: what is warmed up from 0 rises by far.
    start = _shares(counted[: min(third, 3)])
    if np.any((start > 0) & (start < WEIGHED_DOWN) & (fallen > -CAME_DOWN) & (fallen < MOVED)):
        shares = start
    began = first * np.where(np.isfinite(weight), weight, 1.0)
    columns = (shares, np.median(values, axis=0), pull, fallen)
    parts = [
        Part(name, row, *(float(column[i]) for column in columns), behind[i], float(weight[i]), float(began[i]))
        for i, (name, row) in enumerate(names)
    ]
    return parts, steps


def _pull(pulls: np.ndarray) -> np.ndarray:
    """float64 [parts]: the share of each among those that were measured, which are at least two; NaN of the others."""
    found = np.full(pulls.shape[1], np.nan)
    there = np.isfinite(pulls).any(axis=0)
    known = pulls[:, there]
    known = known[np.isfinite(known).all(axis=1) & known.any(axis=1)]
    if there.sum() > 1 and len(known) >= FEWEST_PULLS:
        found[there] = _shares(known)
    return found


def _shares(values: np.ndarray) -> np.ndarray:
    return np.median(values / np.maximum(values.sum(axis=1, keepdims=True), np.finfo(float).tiny), axis=0)


def _is_behind(name: str, outputs: tuple[Measured, ...]) -> bool | None:
    """Whether the output that a term is named after is no better than a constant; None where no output is, or unknown.

    One that was drowned late may still say more of its own example than of another's, and be worse than a constant.
    """
    own = [one for one in outputs if one.output and name in (one.output, f"{one.output}_loss")]
    return _is_at_chance(own[0]) if len(own) == 1 else None


def _is_at_chance(output: Measured) -> bool | None:
    known = standing(output)
    if known is None:
        return None
    return known.level == "none" or (known.floor and known.skill is not None and known.skill < NONE)
