"""How far is an output from what knows nothing of the input, as its own loss measures it? With the sampling's doubt.

Skill S = (reference - loss) / (reference - least), the reference being the lower of the best constant output's loss and
of that of outputs dealt to other examples. Losses of the same batch are compared, so batches that are hard for both
cancel; the interval is the jackknife's over the sampled steps.
"""

from dataclasses import dataclass

import numpy as np

from tb_lossdiag.diagnosis.measured import FEWEST, Measured
from tb_lossdiag.diagnosis.trend import theil_sen

# As of the skill against a derived guess: runs that learned nothing ended at or below 0.04, healthy ones from 0.32 on.
NONE = 0.05
LITTLE = 0.15
SOLVED = 0.9
# Outputs may beat the same ones dealt to others and still be far worse than a constant: on the wrong scale, say.
WORSE = -0.2
# Of the way from a guess to perfect, given back since the best sampled steps.
LOST = 0.2
# A gain that is not larger than this share of the loss is none, where no least loss gives it a scale.
GAIN = 1e-3
# Of samples that gain nothing on average the mean lies beyond half of its interval in one case of six; heavy tails may
# hide a gain as large as the loss itself, as of counts in 6 samples.
HIDDEN = 0.5
# Newest samples in which a skill is seen to climb: many of a noisy one, few of one that has just left the guess. Fewer
# give no interval of a slope.
CLIMB = (12, 8)
# Over these samples, at least. Less is what weights gain that still shrink to nothing.
CREEPS = 1e-3


@dataclass(frozen=True)
class Standing:
    """Where an output stood in its newest samples.

    skill: None where the loss may be below 0 and no least one is known, so that no share can be taken. low, high: its
    95 % interval. shuffled: the skill against outputs dealt to other examples alone, NaN when not measured.
    level: "none", "little", "some" or "solved"; "open" for one that beats a guess, but by which share of what can be
        gained is not known. floor: whether the least loss is known; where not, skill is a lower bound.
    lost: skill of its best samples less that of the newest. reference: mean loss of the guess; guess: which one.
    """

    output: str
    skill: float | None
    low: float
    high: float
    shuffled: float
    level: str
    floor: bool
    lost: float
    loss: float
    reference: float
    guess: str
    steps: tuple[int, int]
    samples: int


def standing(one: Measured) -> Standing | None:
    """None with too few samples to know the doubt."""
    now = one.newest()
    if len(now.steps) < FEWEST:
        return None
    guess, reference = _reference(now)
    if not np.isfinite(reference).all():
        return None
    least = 0.0 if one.least is None else one.least
    loss, level_of_guess = float(np.mean(now.loss)), float(np.mean(reference))
    shuffled = _share(now.loss, now.shuffled, least) if np.isfinite(now.shuffled).all() else np.nan
    told = (loss, level_of_guess, guess, (int(now.steps[0]), int(now.steps[-1])), len(now.steps))
    if one.least is None and (now.loss.min() < 0 or level_of_guess <= 0):
        return _without_scale(one.output, now, reference, shuffled, told)
    if level_of_guess <= least:
        return None
    skill, low, high = _interval(now.loss, reference, least)
    best = _best(one, least)
    level = _level(skill, high, shuffled, one.least is not None)
    if level == "little" and skill < 0 and np.isfinite(now.shuffled).all():
        _, _, dealt = _interval(now.loss, now.shuffled, least)
        level = "none" if dealt < NONE else level
    return Standing(one.output, skill, low, high, shuffled, level, one.least is not None, max(best - skill, 0.0), *told)


def _reference(now: Measured) -> tuple[str, np.ndarray]:
    """Which guess is the better one, and its losses."""
    known = {name: values for name in ("constant", "shuffled") if np.isfinite(values := getattr(now, name)).all()}
    if not known:
        return "constant", np.full(len(now.steps), np.nan)
    name = min(known, key=lambda name: float(np.mean(known[name])))
    return name, known[name]


def _share(loss: np.ndarray, reference: np.ndarray, least: float) -> float:
    room = float(np.mean(reference)) - least
    return (float(np.mean(reference - loss)) / room) if room > 0 else np.nan


def _interval(loss: np.ndarray, reference: np.ndarray, least: float) -> tuple[float, float, float]:
    """Skill and its 95 % interval, by leaving out one sampled step at a time."""
    n = len(loss)
    gain, room = reference - loss, reference - least
    skill = float(gain.sum() / room.sum())
    without = room.sum() - room
    if not (without > 0).all():
        return skill, -np.inf, np.inf
    parts = (gain.sum() - gain) / without
    error = float(np.sqrt((n - 1) / n * np.sum((parts - parts.mean()) ** 2)))
    return skill, skill - _quantile(n - 1) * error, skill + _quantile(n - 1) * error


def _quantile(freedom: int) -> float:
    """Student's 97.5 % quantile (Cornish and Fisher's expansion), within 3 % from two degrees of freedom on."""
    return 1.96 + 2.37 / freedom + 2.82 / freedom**2 + 2.56 / freedom**3


def _level(skill: float, high: float, shuffled: float, floor: bool) -> str:
    alone = np.isnan(shuffled) or shuffled < LITTLE or high < WORSE
    if high < NONE and alone:
        return "none"
    if skill >= SOLVED:
        return "solved"
    if not floor:
        return "none" if skill < NONE and alone and high < LITTLE else "open"
    return "little" if skill < LITTLE else "some"


def climbs(one: Measured) -> bool:
    """Whether the skill of the newest samples rises by more than chance, however small it is yet.

    Below a guess it has to be the outputs that say something of their example: the guess itself scatters.
    """
    _, reference = _reference(one)
    known = np.isfinite(reference) & np.isfinite(one.loss) & (reference > 0)
    skills = 1 - one.loss[known] / reference[known]
    newest = one.newest()
    if len(skills) < min(CLIMB) or (np.mean(skills[-FEWEST:]) <= 0 and not _gains(newest)):
        return False
    return any(count * theil_sen(skills[-count:])[1] > CREEPS for count in CLIMB)


def _gains(now: Measured) -> bool:
    """Whether outputs beat the same ones dealt to other examples."""
    known = np.isfinite(now.shuffled) & np.isfinite(now.loss)
    if not known.any():
        return True
    return bool(np.mean((now.shuffled - now.loss)[known]) > GAIN * np.mean(np.abs(now.shuffled[known])))


def _without_scale(output: str, now: Measured, reference: np.ndarray, shuffled: float, told: tuple) -> Standing | None:
    """Of a loss that goes below 0: only whether it beats the guess by more than chance; None where that may hide it."""
    gain = reference - now.loss
    n = len(gain)
    error = _quantile(n - 1) * float(np.std(gain, ddof=1)) / np.sqrt(n)
    mean, size = float(np.mean(gain)), float(np.mean(np.abs(reference)))
    beats = mean - error > GAIN * size
    if not beats and mean > max(HIDDEN * error, LITTLE * size):
        return None
    level = "open" if beats else "none"
    return Standing(output, None, np.nan, np.nan, shuffled, level, False, 0.0, *told)


def _best(one: Measured, least: float) -> float:
    """The highest skill of any three samples in a row, against their own references."""
    _, reference = _reference(one)
    windows = np.lib.stride_tricks.sliding_window_view
    gain, room = (windows(values, FEWEST).sum(axis=1) for values in (reference - one.loss, reference - least))
    known = np.isfinite(gain) & (room > 0)
    return float(np.max(gain[known] / room[known])) if known.any() else -np.inf
