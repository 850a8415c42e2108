"""Does the learning rate let the training go on? A schedule that ends before the training, or never comes down.

A rate holds from the step it was recorded at until the next record; callbacks that set it leave an event besides. How
early is too early depends on the plan (epochs times steps per epoch): half-way through a plan nothing has ended yet.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tb_lossdiag.diagnosis.callbacks import better
from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.schedules import PLATEAU, rate_setter
from tb_lossdiag.diagnosis.trend import FLAT_BAND, trend
from tb_lossdiag.diagnosis.window import best_curve
from tb_lossdiag.run import Run, Series, finite

ID = "schedule"
TITLE = "Learning-rate schedule"
# Share of the planned steps at a rate of exactly 0; decays that reach 0 with the last step stay far below.
ZERO_SHARE = 0.2
# A rate this far below its peak moves nothing: in float32 no weight is changed by a hundred thousandth of a usual
# step. Of a plateau's callback it is right that it takes the rate down where epochs gain nothing, and wrong where each
# of them gained, only less than it asks for.
NOTHING = 1e-5
FEWEST_EPOCHS = 3
# Published step schedules are at 1/100 of their peak after 60 % of the plan and at 1/1000 after 80 %, and work.
ENDED = 2e-3
PLAN_SHARE = 0.8
# Cosine restarts touch the ground for about 1 % of the plan and go up again.
LOW_SHARE = 0.05
# A callback's usual factors are 0.1, 0.2 and 0.5.
DROP = 2.0
# A drop that stops a training leaves at least this share of the plan flat, and comes in the first half.
FLAT_SHARE = 0.25
EARLY_SHARE = 0.5
# "Still falling": by a tenth over the last quarter before the drop, and in its last third no less than half as much as
# in the one before. An exponential decay that falls so has another twentieth to go at the least.
FALLING = 0.1
SLOWING = 0.5
# The usual range test grows the rate by far more; no schedule meant for training ends at ten times its start.
RISE = 10.0
# A warm-up is a straight line, which grows no more than twofold over its last half.
CURVED = 3.0
# Of a gain that is asked for as a share: all of the loss cannot be gained.
ROUNDING = 1e-6
# A rate or a loss beyond this is no number to compute with.
LARGEST = 1e100
SOURCE = "step, cosine, linear and exponential schedules as published all stay clear"


def check(run: Run) -> Check:
    rates = _rates(run)
    if rates is None:
        return Check(ID, TITLE, "not_run", needs=recorded("recorded learning rates", run))
    if len(rates) < 2:
        return Check(ID, TITLE, "inconclusive", needs="two finite learning rates or more")
    peak, last = float(rates.values.max()), float(rates.values[-1])
    fault, at, value, threshold = _fault(run, rates)
    dropped = _stopping_drop(run, rates) if fault == "none" else None
    stuck = False
    if dropped is not None:
        fault, (at, stuck), value, threshold = "dropped_while_falling", dropped, last / peak, 1 / DROP
    text = {
        "zero": f"The learning rate is exactly 0 for {value:.0%} of the training, the last time from step {at} on.",
        "nothing": f"From step {at} on the learning rate was below a hundred thousandth of its peak of {peak:.3g}.",
        "wrong_way": f"From step {at} on the learning rate was below a hundred thousandth of its peak of {peak:.3g}: "
        "what sets it waits for a number that rises (mode='max'), as an accuracy does and a loss does not.",
        "ended_early": f"At step {at} of {_planned(run, rates)} the learning rate had sunk to {value:.2g} of its peak.",
        "dropped_while_falling": f"The learning rate dropped at step {at}, while the loss was still falling"
        + (", and the loss has been flat since." if stuck else "."),
        "rising": f"The learning rate grew from {rates.values[0]:.3g} to {last:.3g} and is highest at the end.",
        "none": f"The learning rate ends at {last:.3g}, its peak was {peak:.3g}.",
    }[fault]
    found = fault in ("zero", "nothing", "wrong_way", "ended_early", "rising") or stuck
    seen = (at if found else int(rates.steps[0]), int(max(rates.steps[-1], run.last_step)))
    signs = (("fault", fault), ("peak", peak), ("last", last), ("at", at), ("warmup", _warms_up(rates)))
    evidence = Evidence(text, value, threshold, "", SOURCE, (), seen)
    return Check(ID, TITLE, "found" if found else "not_found", (evidence,), at if found else None, signs=signs)


def _rates(run: Run) -> Series | None:
    """The learning rates as recorded, and as callbacks set them in between; None when none were recorded."""
    recorded = run.steps.get("learning_rate")
    if recorded is None:
        return None
    changes = {event.step: event.facts.get("to") for event in run.events if event.kind == "learning_rate"}
    known = {step: rate for step, rate in changes.items() if isinstance(rate, (int, float)) and rate < LARGEST}
    known |= dict(zip(recorded.steps.tolist(), recorded.values.tolist(), strict=True))
    steps = np.array(sorted(known), np.int64)
    values = np.array([float(known[step]) for step in steps.tolist()])
    kept = (values >= 0) & (values < LARGEST)
    return Series(steps[kept], values[kept])


def _planned(run: Run, rates: Series) -> int:
    """Steps of the whole training: as planned, or as recorded where there is no plan or it went beyond."""
    done = int(max(rates.steps[-1], run.last_step))
    plan = (run.card.epochs or 0) * (run.card.steps_per_epoch or 0) if run.card is not None else 0
    return max(done, plan)


def _has_plan(run: Run) -> bool:
    return bool(run.card is not None and run.card.epochs and run.card.steps_per_epoch)


def _fault(run: Run, rates: Series) -> tuple[str, int | None, float, float]:
    """Name, step, measured value and threshold."""
    steps, values = rates.steps, rates.values
    peak, last = float(values.max()), float(values[-1])
    planned = _planned(run, rates)
    done = int(max(steps[-1], run.last_step))
    held = np.diff(np.append(steps, done + 1))
    zero = float(held[values == 0].sum()) / max(planned, 1) if peak else 1.0
    if zero >= ZERO_SHARE:
        return "zero", int(steps[_last_stretch(values == 0)]), zero, ZERO_SHARE
    if last <= ENDED * peak:
        low = int(steps[_last_stretch(values <= ENDED * peak)])
        early = low < PLAN_SHARE * planned and done + 1 - low >= LOW_SHARE * planned
        if early and not _followed_plateau(run, rates, low):
            return "ended_early", low, last / peak, ENDED
    nothing = float(held[values <= NOTHING * peak].sum()) / max(planned, 1)
    if last <= NOTHING * peak and nothing >= ZERO_SHARE and _fell_epoch_by_epoch(run, rates):
        return "nothing", int(steps[_last_stretch(values <= NOTHING * peak)]), last / peak, NOTHING
    if last <= NOTHING * peak and nothing >= ZERO_SHARE and _waits_for_a_higher_loss(run):
        return "wrong_way", int(steps[_last_stretch(values <= NOTHING * peak)]), last / peak, NOTHING
    first = float(values[0])
    growth = last / first if first > 0 else np.inf
    middle = float(values[np.searchsorted(steps, (steps[0] + steps[-1]) / 2)])
    # A warm-up that holds its peak is over by the middle; one that is not known to end is a straight line.
    far = last > middle and done >= PLAN_SHARE * planned if _has_plan(run) else last >= CURVED * middle
    if growth >= RISE and last == peak and far and len(values) > 2:
        return "rising", int(steps[np.argmax(values >= RISE * first)]), float(growth), RISE
    return "none", None, last / peak, ENDED


def _last_stretch(holds: np.ndarray) -> int:
    """Index of the first of the last consecutive records at which it holds."""
    last = int(np.flatnonzero(holds)[-1])
    before = np.flatnonzero(~holds[:last])
    return int(before[-1]) + 1 if len(before) else 0


def _drops(rates: Series) -> list[int]:
    """Steps from which on the rate is at most half of what it had been at two records; a smooth decay has none."""
    values = rates.values
    highest_after = np.maximum.accumulate(values[::-1])[::-1]
    level = np.append(True, np.abs(np.diff(values)) <= 1e-6 * values[:-1])[:-1]
    return rates.steps[1:][level & (highest_after[1:] * DROP <= values[:-1] * (1 + 1e-6))].tolist()


def _losses(run: Run, first: int, last: int) -> tuple[Series, bool]:
    """The finite losses between two steps, and whether they are noisy single batches."""
    series, noisy = best_curve(run) or (Series(np.zeros(0, np.int64), np.zeros(0)), False)
    part = series.between(first, last)
    kept = np.abs(part.values) < LARGEST
    return Series(part.steps[kept], part.values[kept]), noisy


def _followed_plateau(run: Run, rates: Series, end: int) -> bool:
    """Whether the rate went down in drops, the first of which met a loss that did not clearly fall any more."""
    first = next((drop for drop in _drops(rates) if drop <= end), None)
    if first is None:
        return False
    before, noisy = _losses(run, (int(rates.steps[0]) + first) // 2, first - 1)
    return trend(before.steps, before.values, noisy).direction in ("flat", "unclear", "rising")


def _fell_epoch_by_epoch(run: Run, rates: Series) -> bool:
    """Whether every epoch before the rate's first drop had a lower loss than the one before: that was no plateau."""
    known = rate_setter(run)
    config = known[1] if known is not None else {}
    losses = run.epochs.get(str(config.get("monitor") or "loss")) or run.epochs.get("loss")
    first = next(iter(_drops(rates)), None)
    if losses is None or first is None or run.step_unit != "step":
        return False
    before = losses.values[losses.steps <= first]
    if len(before) < 2 or not np.isfinite(before).all() or not (np.diff(before) < 0).all():
        return False
    # Two epochs fall by chance in half of all trainings, but a gain that is out of reach takes the rate for certain.
    asked = _least_gain(config, float(before[0])) > float(before[0]) > 0
    return asked or len(before) >= FEWEST_EPOCHS


def _waits_for_a_higher_loss(run: Run) -> bool:
    """Whether a plateau's callback of mode "max" watches a loss; torch's is told a number without a name."""
    known = rate_setter(run)
    if known is None or known[0] != PLATEAU:
        return False
    return known[1].get("mode") == "max" and better(str(known[1].get("monitor") or "loss")) == "min"


def _least_gain(config: Mapping[str, Any], loss: float) -> float:
    """What a plateau's callback asks an epoch to gain, of Keras or of torch, at this loss."""
    share, least = finite(config.get("threshold")), finite(config.get("min_delta"))
    if share is not None and least is None:
        least = share if config.get("threshold_mode") == "abs" else share * loss * (1 + ROUNDING)
    return 0.0 if least is None else least


def _stopping_drop(run: Run, rates: Series) -> tuple[int, bool] | None:
    """The first drop that met a falling loss, and whether the loss has stayed where it was since then."""
    done, planned = int(max(rates.steps[-1], run.last_step)), _planned(run, rates)
    start = int(rates.steps[0])
    for drop in _drops(rates):
        before, noisy = _losses(run, drop - (drop - start) // 4, drop - 1)
        if _still_falling(before, noisy):
            after, _ = _losses(run, drop, done)
            level = float(np.median(np.array_split(before.values, 3)[-1]))
            stays = trend(after.steps, after.values, noisy).direction == "flat"
            stays = stays and float(np.median(after.values)) > (1 - FLAT_BAND) * level
            return drop, stays and drop <= EARLY_SHARE * planned and done - drop >= FLAT_SHARE * planned
        start = drop
    return None


def _still_falling(loss: Series, noisy: bool) -> bool:
    moved = trend(loss.steps, loss.values, noisy)
    if moved.direction != "falling" or moved.change > -FALLING:
        return False
    first, second, third = (float(np.median(part)) for part in np.array_split(loss.values, 3))
    return second - third >= SLOWING * (first - second)


def _warms_up(rates: Series) -> bool:
    """Whether the first rates climb to the peak."""
    top = int(np.argmax(rates.values))
    climb = rates.values[: top + 1]
    return top > 0 and bool((np.diff(climb) >= 0).all()) and float(climb[0]) * DROP <= float(climb[-1])
