"""Is the loss lower than it can be, or does it run away below 0 without end? Then it measures nothing any more.

A cross-entropy, a squared error or a hinge cannot be below 0 by its definition. Other losses may be: a negative
log-likelihood of densities, a cosine similarity, a lower bound on evidence, a negative reward. They come to rest, or
slow down; a loss that is fed with what it was not made for falls by ever more, to a thousand times its start and on.
A cross-entropy whose minus is missing ends at the logarithm of the smallest number: it is won by probabilities that are
certain of one answer for every input.
"""

import numpy as np

from tb_lossdiag.diagnosis import losses
from tb_lossdiag.diagnosis.framework import Framework, framework_of
from tb_lossdiag.diagnosis.measured import has_several, is_the_loss, measured
from tb_lossdiag.diagnosis.players import compares_passes
from tb_lossdiag.diagnosis.reference import value_range
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.symptoms.output_diversity import CONSTANT
from tb_lossdiag.diagnosis.window import best_curve, late, penalty_of
from tb_lossdiag.run import Run, Series

ID = "loss_bound"
TITLE = "Least possible loss"
# Below 0 by more than rounding: a share of the largest loss, which float16 knows to a thousandth.
ROUNDING = 2e-3
# Losses that may be negative, as far below 0 as this many times their start; those of images (thousands of
# dimensions) start as large as they end. Unmeasured, from the sizes in papers on flows: 3,000 nats of 3,072 pixels.
RUNAWAY = 1e3
# What falls faster in each quarter than in the one before needs to have come less far: a likelihood of survival without
# its integral was at -500 after 300 steps, a cross-entropy with its arguments swapped at -200 after 900 (docs/
# first_contact.md, tenth round, and the zoo's hazard).
FAR = 1e2
# Farther below 0 than an overlap or a cosine of shares goes, and the share of answers at 0 or 1 (unmeasured, from the
# definitions).
BEYOND_AN_OVERLAP, CERTAIN = -1.5, 0.95
# One that comes to rest slows down: its last quarter falls less than the one before.
MIN_POINTS = 8
# Of the fall in the second quarter, that one which has nowhere to come to rest keeps in the last: a flow in two
# dimensions whose volume had the wrong sign kept 1.0, a partial likelihood without its minus 0.6; sound ones that go
# below 0 keep less than a tenth (benchmarks/zoo/families: moons_flow, survival, hazard, flow, mixture).
KEEPS, BELOW_ZERO = 0.5, 2.0
# The start of a loss that is near 0 at first, as a reward's is, has no size.
UNIT = 1.0
SOURCE = "the loss's definition"
# A loss that compares scores, in times of its start: of two critics without a bound a tenth of the last half's losses
# were 1,000 and 10,000 away from 0, of the same two with one 1 and 5 (docs/first_contact.md, ninth round).
SWINGS, TENTH = 300.0, 0.9
RUNAWAY_SOURCE = "losses that may be negative come to rest, or slow down"


@np.errstate(over="ignore", invalid="ignore")
def check(run: Run) -> Check:
    curve = best_curve(run)
    if curve is None:
        return Check(ID, TITLE, "not_run", needs="a loss curve")
    series = _where_penalties_are_known(run, curve[0])
    known = np.isfinite(series.values)
    series = Series(series.steps[known], series.values[known])
    if len(series) < MIN_POINTS:
        return Check(ID, TITLE, "inconclusive", needs=f"{MIN_POINTS} finite losses; there are {len(series)}")
    name = _name(run)
    floor = losses.least(name)
    values = series.values
    end = float(np.median(values[-max(1, len(values) // 10) :]))
    below = floor is not None and end < floor - ROUNDING * float(np.abs(values).max())
    ran = not below and _runs_away(values)
    swings = not (below or ran) and compares_passes(run) and _swings_far(values)
    inverted = not (below or ran) and values.max() < 0 and end < BEYOND_AN_OVERLAP and _gives_one_answer(run)
    level = "impossible" if below else "runaway" if ran or swings else "inverted" if inverted else "none"
    level = "steady" if level == "none" and floor is None and _keeps_falling(values) else level
    text = {
        "impossible": f"The loss ends at {end:.4g}; {name} cannot be below {floor or 0.0:g}, whatever the outputs.",
        "runaway": f"The loss began at {values[0]:.4g} and goes from {values.min():.4g} to {values.max():.4g}: nothing "
        "holds it."
        if swings
        else f"The loss began at {values[0]:.4g} and is at {end:.4g}, and falls by more and more: it has no end.",
        "inverted": f"The loss is below 0 at every step and ends at {end:.4g}, while the outputs became certain of one "
        "answer for every input: it is lowest where they are wrong.",
        "steady": f"The loss began at {values[0]:.4g}, is at {end:.4g} and fell in its last quarter nearly as fast as "
        "in its second: one that can be below 0 slows down as it comes to rest.",
        "none": f"The loss ends at {end:.4g}, which is a value that it can have.",
    }[level]
    under = values < (floor or 0.0)
    since = int(series.steps[np.argmax(under)]) if level not in ("none", "steady") else None
    seen = (since if since is not None else int(series.steps[0]), int(series.steps[-1]))
    source = RUNAWAY_SOURCE if level == "runaway" else SOURCE
    evidence = Evidence(text, end, floor if below else None, "loss", source, (), seen)
    state = "not_found" if level in ("none", "steady") else "found"
    return Check(ID, TITLE, state, (evidence,), since, signs=(("level", level), ("end", end)))


def _gives_one_answer(run: Run) -> bool:
    """Whether the outputs are probabilities that ended at 0 or 1, the same for every input."""
    table = run.data.of_kind("prediction") if run.data is not None else None
    if table is None or not table.rows or not (table.has("diversity") and table.has("extreme_share")):
        return False
    low, high = value_range(run, "prediction")
    spread, extreme = (late(table).column(name)[:, 0].astype(np.float64) for name in ("diversity", "extreme_share"))
    known = np.isfinite(spread) & np.isfinite(extreme)
    alike = known.any() and np.median(spread[known]) < CONSTANT and np.median(extreme[known]) > CERTAIN
    return bool(low >= 0 and high <= 1 and alike)


def _name(run: Run) -> str:
    """Of the loss whose values these are; "" where a step of the user's own may have put others there.

    A step may add to that loss what has no bound, such as the gain of a policy; in samples the two are told apart.
    """
    told = run.card is not None and not has_several(run) and not run.card.settings.get("not_measured")
    asked = measured(run) if told else ()
    is_fit = framework_of(run) is Framework.KERAS_FIT  # a loop may add to the loss that was called
    is_all = bool(asked or is_fit) and all(is_the_loss(run, one) for one in asked) and run.loss_terms("mean") is None
    return losses.loss_name(run.card) if told and is_all else ""


def _where_penalties_are_known(run: Run, series: Series) -> Series:
    """Between samples the penalty is only estimated, and what is left of the loss may seem to be below 0."""
    added = penalty_of(run)
    if added is None:
        return series
    kept = np.isin(series.steps, added.steps)
    return Series(series.steps[kept], series.values[kept])


def _swings_far(values: np.ndarray) -> bool:
    """Whether scores that are only compared with each other have gone far from 0, to either side."""
    start = max(float(np.median(np.abs(values[:MIN_POINTS]))), UNIT)
    return bool(np.quantile(np.abs(values[len(values) // 2 :]), TENTH) > SWINGS * start)


def _keeps_falling(values: np.ndarray) -> bool:
    """Whether a loss went below 0, away from where it began, and is falling about as fast as before."""
    quarters = [float(np.median(part)) for part in np.array_split(values, 4)]
    falls = -np.diff(quarters)
    scatter = float(np.median(np.abs(np.diff(values[len(values) // 2 :]))))
    far = -quarters[3] > BELOW_ZERO * max(abs(float(np.median(values[: max(1, len(values) // 20)]))), UNIT)
    return bool(far and falls.min() > scatter and falls[2] > KEEPS * falls[0])


def _runs_away(values: np.ndarray) -> bool:
    """Whether a loss fell far below 0, and goes on faster than before."""
    quarters = [float(np.median(part)) for part in np.array_split(values, 4)]
    start = max(abs(float(np.median(values[: max(1, len(values) // 20)]))), UNIT)
    falls = -np.diff(quarters)
    if -quarters[3] > RUNAWAY * start and falls[2] >= falls[1] > 0:
        return True
    return bool(-quarters[3] > FAR * start and falls[2] > falls[1] > falls[0] > 0)
