"""What is a family of programs? One kind of training, healthy in some ways, and the same with a fault in it.

The recipes of the zoo are all one program, `fit` with a loss of Keras's, and the diagnosis was tuned on them. A family
is a program of its own. Whole families are kept out of tuning: a rule may fit what its author saw in one of them, never
what nobody looked at.

Until 2026-12-01 those were a third of the families, chosen by the CRC-32 of their names. Then it was to be seen what is
wrong in these too, and ten new ones took their place, by somebody who does not tune and does not know the rules. What
stays out is therefore said by each family itself. These ten were opened later that day (docs/first_contact.md): they
stay marked until others by another hand take their place, and scores on them tell of the unseen no more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

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
    healthy: the options of each healthy program by its twist; the first is "plain". kept_out: no rule or threshold may
    be tuned on it, and of what is said of it nobody looks at more than totals. Once somebody has, it is false.
    """

    name: str
    backend: str
    train: Callable[..., Outcome]
    healthy: Mapping[str, Mapping[str, Any]]
    sick: tuple[Fault, ...]
    kept_out: bool = False


def fault(cause: str, twist: str, *also: str, of: str = "plain", **options: Any) -> Fault:
    return Fault(cause, twist, options, also, of)


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
