"""What does the user's own loss say of outputs that know nothing of the input? References measured in sampled steps.

The loss is asked again for outputs dealt to other examples, for the best constant output and, where the shapes allow,
for outputs equal to the targets. It needs no formula, so it works for any loss that can be called again, and for each
output of a model with several. A batch whose targets are all alike says nothing and is left out.
"""

from dataclasses import dataclass, replace

import numpy as np

from tb_lossdiag.diagnosis import losses
from tb_lossdiag.diagnosis.window import data_loss
from tb_lossdiag.run import Run, Table

# Targets that differ by less than float32 rounds are one target.
ALIKE = 1e-6
# Under this the loss is the same whichever example an output is given to: float32 sums in another order agree to 1e-7.
INVARIANT = 1e-5
# The best constant for one batch fits the batch a little: of C classes and B examples by (C - 1) / 2B nats, 8 % of ln C
# with half as many classes as examples. With more it is no reference for a guess that has to serve all batches.
FREE_VALUES = 0.5
# The end of a training: so many samples, none from before its middle unless there are too few.
NEWEST, FEWEST = 10, 3
# A least loss this small beside a constant guess's leaves 1 - loss / constant as it is, within the threshold of skill.
NEAR_ZERO = 0.05
# Two measurements of the same batch agree to rounding; mixed precision and a penalty read between samples do less.
AGREES = 0.05
# Of its mean: a multiple of a loss, by a weight, scatters by less.
SCATTERS = 0.1
# Of a loss: how far below 0 its value at the targets is more than rounding.
BELOW = 1e-3


@dataclass(frozen=True)
class Measured:
    """One output's loss and its references, over the sampled steps whose targets vary.

    output: its name, "" where it has none. steps: int64 [n]. loss, shuffled, constant, change: float64 [n], of the
        outputs as they are, dealt to other examples, of the best constant one, and the largest relative change by one
        permutation; NaN where it was not measured.
    least: what a perfect model would score, 0 where the loss's name says so; None when that is not known.
    """

    output: str
    steps: np.ndarray
    loss: np.ndarray
    shuffled: np.ndarray
    constant: np.ndarray
    change: np.ndarray
    least: float | None

    def newest(self) -> "Measured":
        """The samples that tell of the end."""
        if not len(self.steps):
            return self
        middle = (int(self.steps[0]) + int(self.steps[-1])) / 2
        late = int(np.count_nonzero(self.steps >= middle))
        return self.of(slice(-min(max(late, FEWEST), NEWEST), None))

    def of(self, kept: slice) -> "Measured":
        arrays = {name: getattr(self, name)[kept] for name in ("steps", "loss", "shuffled", "constant", "change")}
        return replace(self, **arrays)


def has_several(run: Run) -> bool:
    """Whether the model has several outputs with a target each."""
    return run.data is not None and sum(row.kind == "target" for row in run.data.rows) > 1


def measured(run: Run) -> tuple[Measured, ...]:
    """Of each output whose loss was asked again and whose targets vary; in the order of the card."""
    if run.data is None or not run.data.has("loss"):
        return ()
    table = run.data.of_kind("prediction")
    names = losses.loss_names(run.card, len(table.rows)) if run.card is not None else ("",) * len(table.rows)
    found = (_of_output(run, table, at, name) for at, name in enumerate(names))
    return tuple(one for one in found if one is not None)


def not_varied(run: Run) -> bool:
    """Whether the loss was asked again, and all recorded targets of every batch were alike."""
    return run.data is not None and _asked(run.data.of_kind("prediction")).any() and not measured(run)


def constant(run: Run) -> float | None:
    """What the best constant guess scores on the curve of the loss; None where that was not measured on its scale.

    Only of a single output whose loss can come down to about 0: of any other, 1 - loss / constant is not the skill.
    """
    found = () if run.card is None or has_several(run) else measured(run)
    if len(found) != 1 or found[0].least is None or not is_the_loss(run, found[0]):
        return None
    known = found[0].constant[np.isfinite(found[0].constant)]
    guess = float(np.mean(known)) if len(known) else np.nan
    return guess if np.isfinite(guess) and abs(found[0].least) <= NEAR_ZERO * guess else None


def asks_for_its_targets(run: Run) -> bool:
    """Whether a loss of any name was seen to be lowest where the single output equals its targets."""
    found = () if has_several(run) else measured(run)
    return len(found) == 1 and found[0].least is not None


def _of_output(run: Run, table: Table, at: int, name: str) -> Measured | None:
    asked = _asked(table)[:, at] & _targets_vary(run, table, at)
    if not asked.any():
        return None
    loss, shuffled, guess, change, lowest = (
        _column(table, column, at)[asked]
        for column in ("loss", "loss_shuffled", "loss_constant", "loss_shuffled_change", "loss_least")
    )
    if _has_more_classes_than_a_batch(run) and np.isfinite(shuffled).all():
        guess = np.full(len(guess), np.nan)
    least = _least(loss, shuffled, guess, lowest)  # of soft targets a cross-entropy's is their own entropy
    is_own = losses.least(name) is None and name not in losses.MAY_BE_NEGATIVE
    if is_own and least is not None and least < -BELOW * np.abs(loss).max():
        return None  # a gain that grows with its targets: no output is to equal them, and one answer may be the best
    if least is None:
        least = losses.least(name)
    if name in losses.OF_LOGARITHMS and np.isfinite(shuffled).all():
        guess = np.full(len(guess), np.nan)  # what is searched for it need not be probabilities that add up to 1
    return Measured(table.rows[at].own_name, table.steps[asked], loss, shuffled, guess, change, least)


def _asked(table: Table) -> np.ndarray:
    """bool [n, rows]: where the loss and one of its references are finite."""
    if not (table.has("loss") and table.rows):
        return np.zeros((len(table.steps), len(table.rows)), bool)
    known = [np.isfinite(table.column(c)) for c in ("loss_shuffled", "loss_constant") if table.has(c)]
    return np.isfinite(table.column("loss")) & (np.any(known, axis=0) if known else False)


def _targets_vary(run: Run, table: Table, at: int) -> np.ndarray:
    """bool [n]: whether the targets that belong to an output differ from each other; True where that is not known."""
    targets = run.data.of_kind("target")
    own = [i for i, row in enumerate(targets.rows) if row.own_name == table.rows[at].own_name]
    place = own[0] if own else at if len(targets.rows) == len(table.rows) else None
    if place is None or not targets.has("diversity"):
        return np.ones(len(table.steps), bool)
    return ~(np.abs(targets.column("diversity")[:, place]) <= ALIKE)


def _least(loss: np.ndarray, shuffled: np.ndarray, guess: np.ndarray, lowest: np.ndarray) -> float | None:
    """The mean loss of perfect outputs; None where outputs equal to the targets are not the best there are."""
    kept = np.isfinite(lowest)
    if not kept.any():
        return None
    room = 1e-4 * np.abs(lowest[kept]) + 1e-7
    for other in (loss[kept], shuffled[kept], guess[kept]):
        if np.any(other < lowest[kept] - room):
            return None
    return float(np.mean(lowest[kept]))


def _has_more_classes_than_a_batch(run: Run) -> bool:
    card = run.card
    units = next((layer.units for layer in reversed(card.layers) if layer.units), None) if card is not None else None
    return bool(units and card.batch_size and units > 1 and units > FREE_VALUES * card.batch_size)


def is_the_loss(run: Run, one: Measured) -> bool:
    """Whether the output's loss is the run's, its penalty left aside: what is added elsewhere has no reference."""
    own, data = beside(run, one)
    return bool(len(own)) and bool(np.median(np.abs(data - own)) <= AGREES * np.median(np.abs(own)))


def leaves_out(run: Run, one: Measured) -> bool:
    """Whether the run's loss is smaller and no multiple of the output's: a mask leaves out what was measured here."""
    own, data = beside(run, one)
    if not len(own) or (own <= 0).any():
        return False
    ratio = data / own
    return bool(np.median(ratio) < 1 - AGREES and np.std(ratio) > SCATTERS * np.mean(np.abs(ratio)))


def beside(run: Run, one: Measured) -> tuple[np.ndarray, np.ndarray]:
    """The output's loss and the run's, float64 [n], where both are finite."""
    total = data_loss(run)
    if total is None or not len(total):
        return np.zeros(0), np.zeros(0)
    _, i, j = np.intersect1d(total.steps, one.steps, return_indices=True)
    data, own = total.values[i], one.loss[j]
    known = np.isfinite(data) & np.isfinite(own)
    return own[known], data[known]


def _column(table: Table, name: str, at: int) -> np.ndarray:
    return table.column(name)[:, at].astype(np.float64) if table.has(name) else np.full(len(table.steps), np.nan)
