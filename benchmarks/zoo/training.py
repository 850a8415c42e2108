"""What is one training of the zoo? Its name, what ails it by construction, and how to run it.

A sick training is a healthy recipe with exactly one fault, so undoing the fault cures it: that is the truth a diagnosis
is scored against. The split into a half to tune with and a half held out is a function of names alone.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from zlib import crc32


@dataclass(frozen=True)
class Outcome:
    """How a training ended, measured on the model it left.

    train_loss: the last epoch's, as fit reports it. inference_loss: the same loss over the training data in inference
    mode. skill: over the training data in inference mode, 0 for a constant guess and 1 for a perfect one; see skill.py.
    validation_skill: the same over the validation data; None where there are none.
    """

    train_loss: float
    inference_loss: float
    skill: float
    validation_skill: float | None = None


@dataclass(frozen=True)
class Training:
    """train(log_dir, seed) runs and records it.

    name: "<cause>-<model>-<twist>" or "healthy-...", unique. cause: an id of diagnosis/causes; None for a healthy one.
    also: causes that are equally true of this very program, each justified in a comment where it is declared.
    base: the recipe it was made from; "" for one that stands alone. held_out: no rule or threshold may be tuned on it.
    family: which family of programs it belongs to, see families/; "" for a recipe. in_torch: it trains in PyTorch,
    so in a process without TensorFlow.
    """

    name: str
    cause: str | None
    train: Callable[[str, int], Outcome]
    also: tuple[str, ...] = ()
    base: str = ""
    held_out: bool = False
    family: str = ""
    in_torch: bool = False

    @property
    def truth(self) -> tuple[str, ...]:
        """Every cause that is true of it, the one it was made for first; () for a healthy one."""
        return (self.cause, *self.also) if self.cause else ()


def split(trainings: Iterable[Training]) -> tuple[Training, ...]:
    """The trainings by cause, each told whether it is held out.

    Within a cause, in the order of their names' CRC-32, one is for tuning, the next held out, and so on; every second
    cause starts with held out, so that odd counts even out. Results have no say in it.
    """
    ordered = sorted(trainings, key=lambda one: (one.cause or "", crc32(one.name.encode())))
    return tuple(
        replace(one, held_out=(i + j) % 2 == 1)
        for i, (_, group) in enumerate(groupby(ordered, key=lambda one: one.cause))
        for j, one in enumerate(group)
    )
