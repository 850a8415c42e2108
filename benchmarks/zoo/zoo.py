"""All trainings: the zoo with the half that is held out, those that only tune, and the families of other programs."""

from functools import partial

from benchmarks.zoo import (
    healthy,
    recipes,
    rehearsal,
    sick_data,
    sick_fit,
    sick_optimizer,
    sick_output,
    sick_signal,
    sick_weights,
    special_recipes,
)
from benchmarks.zoo.families.families import FAMILY_TRAININGS
from benchmarks.zoo.recipe import Recipe, train
from benchmarks.zoo.training import Training, split

# What the sick ones were made from, as they stand.
BASES = tuple(
    Training(f"healthy-{recipe.kind}-{recipe.name}", None, partial(train, recipe), (), recipe.name)
    for recipe in {id(made): made for made in (*vars(recipes).values(), *vars(special_recipes).values())}.values()
    if isinstance(recipe, Recipe)
)
SICK = (
    *sick_data.SICK,
    *sick_output.SICK,
    *sick_weights.SICK,
    *sick_optimizer.SICK,
    *sick_signal.SICK,
    *sick_fit.SICK,
)
ZOO: tuple[Training, ...] = split((*BASES, *healthy.HEALTHY, *SICK))
TRAININGS: tuple[Training, ...] = (*ZOO, *rehearsal.TUNING, *FAMILY_TRAININGS)
