"""At which learning rate does an optimizer step? One for all variables, or one of each optimizer that it is made of."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from tb_lossdiag.recording.keras_private import has_rate_of_its_own, variables_of
from tb_lossdiag.recording.rows import unique


def members(optimizer: Any) -> list[Any]:
    """The optimizers that take the steps: those that a MultiOptimizer divides the variables among, else the one."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # of one that scales the loss
    return list(getattr(optimizer, "optimizers", None) or [optimizer])


def those_that_step(given: Any, seen: Sequence[Any]) -> list[Any]:
    """The optimizers that take the steps, the one with most weights first. seen: those that updated variables.

    given: to compile() or to a monitor. It may be one that nothing uses: told of none Keras makes an RMSprop, and a
    train_step of the user's own has others.
    """
    known = [] if given is None else [given, *members(given)]
    if not seen or any(one is other for one in seen for other in known):
        return [] if given is None else [given]
    return sorted(seen, key=_weights, reverse=True)


def _weights(optimizer: Any) -> int:
    return sum(math.prod(variable.shape) for member in members(optimizer) for variable in variables_of(member))


@dataclass(frozen=True)
class Rates:
    """Those of the optimizers that have updated variables in one step: (name, rate, how many weights) each."""

    applied: tuple[tuple[str, Any, int], ...] = ()

    def with_applied(self, optimizer: Any, tensor: Callable[[Any], Any]) -> "Rates":
        """tensor: makes one of a rate as it is in this step. An optimizer without a learning rate adds none."""
        applied = self.applied
        for member in members(optimizer):
            rate = getattr(member, "learning_rate", None)
            if rate is not None:
                name = unique(member.name, [taken for taken, _, _ in applied])
                weights = sum(math.prod(variable.shape) for variable in variables_of(member))
                applied = (*applied, (name, tensor(rate), weights))
        return Rates(applied)

    @property
    def main(self) -> Any:
        """The rate at which most weights are updated; None without any."""
        return max(self.applied, key=lambda one: one[2])[1] if self.applied else None

    @property
    def by_name(self) -> dict[str, Any]:
        """Each optimizer's, where there are several."""
        return {name: rate for name, rate, _ in self.applied} if len(self.applied) > 1 else {}


def rate_set_by_hand(optimizer: Any) -> float | None:
    """The learning rate when there is one and it is a plain number; a schedule changes it without anyone's doing."""
    optimizers = [] if optimizer is None else members(optimizer)
    if len(optimizers) != 1:
        return None
    (one,) = optimizers
    return float(keras.ops.convert_to_numpy(one.learning_rate)) if has_rate_of_its_own(one) else None
