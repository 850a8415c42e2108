"""Is every sick training really sick, and does every base really learn? Each sick one beside the base it was made from.

.venv/bin/python -m benchmarks.zoo.truth [--families] [--seeds 0 1 2] [--folder FOLDER]

Nothing here knows what a diagnosis says. Exit status 1 when a training is not what it claims to be.
"""

import argparse
import math
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.zoo.record import DEFAULT_FOLDER, recording
from benchmarks.zoo.training import Outcome, Training

LEARNED = 0.6  # a base's skill from which on it counts as learned
LOST_SKILL = 0.15  # hindered: this much skill less than the base, in training or validation
LOSS_FACTOR = 2.0  # or this many times its loss, where the two are of one kind
FAILED = 0.5  # of its twin's skill: a sick program of a family has less than this, for its loss says nothing by itself
# Harm nothing but the eye.
HARMLESS = ("wrong_metric",)


def complaints(trainings: tuple[Training, ...], seeds: list[int], folder: Path) -> Iterator[str]:
    """A line per training and seed that is not what it claims to be."""
    bases = {training.base: training.name for training in trainings if is_base(training)}
    for seed in seeds:
        for training in trainings:
            done = recording(folder, training.name, seed)
            label = f"{training.name}@{seed}"
            if done is None:
                yield f"{label}: not recorded"
            elif done.outcome is None:
                yield f"{label}: {done.error.strip().splitlines()[-1]}"
            elif is_base(training) and _skill(done.outcome) < LEARNED:
                yield f"{label}: a base with skill {done.outcome.skill:.2f}"
            elif training.cause is not None:
                base = recording(folder, bases[training.base], seed)
                if base is None or base.outcome is None:
                    yield f"{label}: its base {training.base} was not recorded"
                elif not as_sick_as_claimed(training, done.outcome, base.outcome):
                    yield f"{label}: {beside(done.outcome, base.outcome)}"


def is_base(training: Training) -> bool:
    """A recipe as it stands; other healthy trainings are variants of one and may have little to learn."""
    return training.cause is None and training.name.endswith(f"-{training.base}")


def as_sick_as_claimed(training: Training, sick: Outcome, base: Outcome) -> bool:
    if training.family:
        return failed(sick, base)
    return hindered(sick, base) != (training.cause in HARMLESS)


def failed(sick: Outcome, base: Outcome) -> bool:
    """Whether it learned less than half of what its twin did."""
    return _skill(sick) < FAILED * _skill(base)


def hindered(sick: Outcome, base: Outcome) -> bool:
    """Clearly worse than its base: in skill, in validation, or in a loss that both share."""
    if not math.isfinite(sick.inference_loss) or sick.skill < base.skill - LOST_SKILL:
        return True
    validated = sick.validation_skill is not None and base.validation_skill is not None
    if validated and sick.validation_skill < base.validation_skill - LOST_SKILL:
        return True
    return (
        sick.inference_loss > LOSS_FACTOR * base.inference_loss > 0 and sick.train_loss > LOSS_FACTOR * base.train_loss
    )


def _skill(outcome: Outcome) -> float:
    return outcome.skill if math.isfinite(outcome.skill) else 0.0


def beside(sick: Outcome, base: Outcome) -> str:
    columns = ("skill", "validation_skill", "train_loss", "inference_loss")
    pairs = ((name, getattr(sick, name), getattr(base, name)) for name in columns)
    return ", ".join(f"{name} {a:.3g} ({b:.3g})" for name, a, b in pairs if a is not None and b is not None)


def main() -> int:
    from benchmarks.zoo.zoo import TRAININGS, ZOO

    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    ask.add_argument("--folder", type=Path, default=DEFAULT_FOLDER)
    ask.add_argument("--families", action="store_true", help="the families instead of the zoo's recipes")
    options = ask.parse_args()
    asked = tuple(one for one in TRAININGS if one.family) if options.families else ZOO
    found = list(complaints(asked, options.seeds, options.folder))
    print("\n".join(found) or "every training is what it claims to be")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
