"""Which trainings have two faults? Any two of the zoo that can stand in one training, put into one."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from benchmarks.zoo.data import Data
from benchmarks.zoo.recipe import FACTORIES, Recipe, train
from benchmarks.zoo.training import Training

# What may not be seen beside anything else, as nothing is learned or nothing moves: with it there is one fault to see.
ALONE = {
    "nothing_trainable", "learning_rate_zero", "constant_inputs", "nonfinite_inputs", "updates_not_applied",
    "disconnected_graph", "wrong_metric", "undertrained", "overfitting", "train_eval_mismatch", "noise_floor",
}  # fmt: skip
# Two of one of these are one fault in two places.
SAME = (
    {"learning_rate_too_high", "learning_rate_too_low", "unsuitable_optimizer", "clipping_too_tight",
     "optimizer_epsilon_dominates"},
    {"loss_mismatch", "output_activation_mismatch", "saturated_loss", "invalid_labels"},
)  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """A training with the faults of two others."""

    training: Training
    first: Training
    second: Training


def pairs(trainings: Iterable[Training], bases: Mapping[str, Recipe]) -> Iterator[Pair]:
    """One for every two faults that can stand in one training."""
    single = [one for one in trainings if one.cause and one.cause not in ALONE and _recipe(one) is not None]
    for first, second in combinations(single, 2):
        base = bases.get(first.base)
        if base is None or first.base != second.base or not _can_meet(first.cause, second.cause):
            continue
        both = _both(base, _recipe(first), _recipe(second))
        if both is not None:
            name = f"{first.cause}+{second.cause}-{base.name}-{_twist(first)}+{_twist(second)}"
            yield Pair(Training(name, first.cause, partial(train, both), (), base.name), first, second)


def all_pairs() -> tuple[Pair, ...]:
    """Those of the zoo."""
    from benchmarks.zoo import recipes, special_recipes
    from benchmarks.zoo.zoo import ZOO

    known = [*vars(recipes).values(), *vars(special_recipes).values()]
    return tuple(pairs(ZOO, {made.name: made for made in known if isinstance(made, Recipe)}))


def _twist(training: Training) -> str:
    return training.name.rsplit("-", 1)[-1]


def _recipe(training: Training) -> Recipe | None:
    """What it trains; None where its fault is in the loop itself."""
    given = training.train
    return given.args[0] if given.func is train and isinstance(given.args[0], Recipe) else None


def _can_meet(first: str, second: str) -> bool:
    return first != second and not any({first, second} <= group for group in SAME)


def _both(base: Recipe, first: Recipe, second: Recipe) -> Recipe | None:
    """The base with what either has changed; None where both have changed the same thing."""
    changes: dict[str, Any] = {}
    for field in fields(Recipe):
        own, one, other = (getattr(recipe, field.name) for recipe in (base, first, second))
        if one is own or one == own:
            changes[field.name] = other
        elif other is own or other == own:
            changes[field.name] = one
        elif field.name == "data":
            changes[field.name] = partial(_merged, base.data, one, other)
        elif field.name in FACTORIES and (merged := _merged_options(own, one, other)) is not None:
            changes[field.name] = merged
        else:
            return None
    return replace(base, **changes)


def _merged_options(own: Any, one: Any, other: Any) -> Any:
    """A factory with the options that either has changed; None where they are not the base's own, or meet."""
    if not all(isinstance(made, partial) for made in (own, one, other)) or not own.func is one.func is other.func:
        return None
    first, second = (
        {name: value for name, value in made.keywords.items() if own.keywords.get(name) is not value}
        for made in (one, other)
    )
    return None if set(first) & set(second) else partial(own, **first, **second)


def _merged(base, one, other) -> Data:
    """The data that either has spoiled; raises where both have spoiled the same array."""
    whole, first, second = base(), one(), other()
    arrays = []
    for own, a, b in zip(whole, first, second, strict=True):
        if _equal(own, a):
            arrays.append(b)
        elif _equal(own, b):
            arrays.append(a)
        else:
            raise ValueError("both faults change the same data")
    return Data(*arrays)


def _equal(a: Any, b: Any) -> bool:
    return a is b or (a is not None and b is not None and a.shape == b.shape and np.array_equal(a, b))


def is_possible(pair: Pair) -> bool:
    """Whether its data can be made."""
    try:
        _recipe(pair.training).data()
    except ValueError:
        return False
    return True
