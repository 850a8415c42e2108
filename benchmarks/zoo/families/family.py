"""What is a family of programs? One kind of training, healthy in some ways, and the same with a fault in it.

The recipes of the zoo are all one program, `fit` with a loss of Keras's, and the diagnosis was tuned on them. A family
is a program of its own. Whole families are kept out of tuning: a rule may fit what its author saw in one of them, never
what nobody looked at.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from zlib import crc32

from benchmarks.zoo.training import Outcome, Training

BACKENDS = ("keras", "loop", "torch")


@dataclass(frozen=True)
class Fault:
    """cause: the id that is true of it, also: others that are as true. twist: what sets it apart, in words. of: the
    healthy twist it is made from; options: what differs from that one."""

    cause: str
    twist: str
    options: Mapping[str, Any]
    also: tuple[str, ...] = ()
    of: str = "plain"


@dataclass(frozen=True)
class Family:
    """train(log_dir, seed, **options) runs and records one of its programs.

    backend: "keras" for Keras's fit, "loop" for a TensorFlow loop under TrainingMonitor, "torch" for tb_lossdiag.torch.
    healthy: the options of each healthy program by its twist; the first is "plain".
    """

    name: str
    backend: str
    train: Callable[..., Outcome]
    healthy: Mapping[str, Mapping[str, Any]]
    sick: tuple[Fault, ...]

    @property
    def kept_out(self) -> bool:
        return kept_out(self.name)


def fault(cause: str, twist: str, *also: str, of: str = "plain", **options: Any) -> Fault:
    return Fault(cause, twist, options, also, of)


def kept_out(name: str) -> bool:
    """Whether no rule or threshold may be tuned on this family: about every third, by the CRC-32 of its name.

    Chosen on 2026-11-30 when the families had names and no recording: of the three remainders, 2 kept a share nearest
    to a third (12 of 35) and some of every backend. A family that is added later moves no other.
    """
    return crc32(name.encode()) % 3 == 2


def trainings(family: Family) -> tuple[Training, ...]:
    """All programs of the family, "<cause>-<backend>-<family>_<twist>"; what is kept out of tuning is held out."""
    bases = {twist: f"{family.name}_{twist}" for twist in family.healthy}
    healthy = (
        Training(
            f"healthy-{family.backend}-{base}",
            None,
            partial(family.train, **family.healthy[twist]),
            (),
            base,
            family.kept_out,
            family.name,
            family.backend == "torch",
        )
        for twist, base in bases.items()
    )
    sick = (
        Training(
            f"{one.cause}-{family.backend}-{family.name}_{one.twist}",
            one.cause,
            partial(family.train, **{**family.healthy[one.of], **one.options}),
            one.also,
            bases[one.of],
            family.kept_out,
            family.name,
            family.backend == "torch",
        )
        for one in family.sick
    )
    return (*healthy, *sick)
