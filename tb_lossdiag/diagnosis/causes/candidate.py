"""What does a cause need to be believed? One row of the cause table, as data.

A candidate is considered only when everything it requires holds. What speaks for and against it is listed with its
evidence; what it `explains` are causes that follow from it and step back behind it unless they began earlier.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tb_lossdiag.diagnosis import fixes
from tb_lossdiag.diagnosis.clues import Clue, Findings, all_of, ended, found, shows
from tb_lossdiag.diagnosis.framework import Words
from tb_lossdiag.diagnosis.outcome import FAILED, HINDERED, LONGER_PATIENCE, is_young
from tb_lossdiag.diagnosis.report import Evidence, Fix
from tb_lossdiag.diagnosis.standing import WORSE
from tb_lossdiag.diagnosis.symptoms.update_ratio import SHORT

BAD = ended(*FAILED, *HINDERED)
NOT_LEARNING = ended(*FAILED, "slow", "stalled")

# Halfway from a constant guess to perfect; noisy labels alone kept a healthy run at 0.47.
USEFUL = 0.5
# Less of the way than this at the end of the plan asks for a cause that shows itself too. Of 198 healthy zoo runs the
# three on moons with a fifth of wrong labels ended at 0.21, all others at 0.46 and above.
UNFINISHED = 0.4
# A fault that lasts may be what holds back a run that is not nearly done; with this bound the causes that ask for it
# accuse none of the 246 healthy runs the rules were tuned on.
HELD_BACK = 0.8
# Got somewhere and now goes nowhere clearly, though the noise forbids to call it flat.
SETTLED_EARLY = all_of(shows("flatness", direction="unclear"), shows("skill", skill=lambda s: s < HELD_BACK))
# A step that still moves the weights by a hundredth late in training: ten times the usual.
LARGE_LATE_STEPS = 1e-2
# Of their size, in the whole training: nothing could be learned yet, whatever the data say.
HARDLY_MOVED = shows("update_ratio", level="normal", whole=lambda way: way < SHORT)
# Outputs that say nothing of their example come down to a constant guess; far above it something else pushes. That
# holds for the loss that is brought down, not for a cross-entropy that is a part of another loss.
FAR_ABOVE_A_GUESS = shows("skill", skill=lambda s: s < WORSE, on_curve=True)
# Where the output and the loss do not belong together that comes first, and most else may follow from it.
ANOTHER_FAULT = found("loss_pairing", certain=True)
# Of a layer's units: a layer that is half silent still lets half of everything through.
BLOCKED = 0.9
# Decades by which the first layer's gradient is smaller at the start: float32 has seven digits, and what is smaller
# than a rounding of the weights does not move them (32 rounds of averaging over neighbours: -20).
CUT_OFF = -8.0
# What steps that are too large, or weights and inputs on the wrong scale, leave behind.
EARLY_DAMAGE = (
    "dying_relu",
    "saturated_activations",
    "vanishing_gradients",
    "exploding_gradients",
    "disconnected_graph",
    "insufficient_capacity",
    "learning_rate_too_low",
    "undertrained",
    "hidden_activation_unsuitable",
    "representation_collapse",
)


def grown_up(f: Findings) -> tuple[Evidence, ...] | None:
    """A training that had its time: what holds for a while at first is no fault."""
    return None if is_young(f.run, LONGER_PATIENCE) else ()


@dataclass(frozen=True)
class Candidate:
    """One possible cause.

    explains: ids of the causes it accounts for; ("*",) for all.
    points_at: the check whose layers and onset are the cause's own.
    stands_by: facts of the data or the settings that no other fault brings about. While one holds, no other cause
        explains this one away, and that another fault was found as well is nothing against it: there are two.
    certain: wrong whatever the outcome, so it may accuse even a run that seems to learn.
    accuses_learning: may accuse, when likely, a run that learns but is not yet good enough.
    good_enough: the skill from which a run that learns or stalls may be as good as its data, for all this cause knows.
    weight: how specific it is; orders candidates of equal confidence, so that the heavier one explains the lighter.
    """

    id: str
    title: str
    requires: tuple[Clue, ...]
    supports: tuple[Clue, ...] = ()
    contradicts: tuple[Clue, ...] = ()
    explains: tuple[str, ...] = ()
    test: str | Words = ""
    fix: Callable[[Findings], Fix] = fixes.none
    points_at: str = ""
    stands_by: tuple[Clue, ...] = ()
    certain: bool = False
    accuses_learning: bool = False
    good_enough: float = USEFUL
    weight: int = 0


def unannounced(f: Findings) -> tuple[Evidence, ...] | None:
    if not f.checks["nonfinite"].sign("sudden"):
        return None
    return (Evidence("Neither the loss nor the gradients had grown before: nothing has overflowed."),)
