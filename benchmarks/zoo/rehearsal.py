"""Which further trainings serve for tuning only? The same kinds of faults on other recipes, never scored in public.

The two halves of the zoo are small for so many causes; thresholds that fit one half alone fit it too closely.
"""

from benchmarks.zoo.recipe import healthy
from benchmarks.zoo.recipes import (
    DIGIT_IMAGES,
    DIGIT_ROWS,
    DIGITS,
    FREQUENCIES,
    HOUSES,
    HOUSES_SGD,
    REVIEWS,
    SHAPES,
    SPIRALS,
    SPOTS,
    TAGS,
    TOPICS,
    TUMOURS,
    WAVES,
)
from benchmarks.zoo.rehearsal_data import DATA
from benchmarks.zoo.rehearsal_model import MODEL
from benchmarks.zoo.rehearsal_training import TRAINING, rate
from benchmarks.zoo.sick_fit import dropout

HEALTHY = (
    *(
        healthy(recipe, f"{recipe.name}_third_of_the_rate", optimizer=rate(value / 3), epochs=2 * recipe.epochs)
        for recipe, value in (
            (SHAPES, 3e-3),
            (WAVES, 2e-2),
            (TOPICS, 2e-3),
            (HOUSES, 5e-3),
            (TUMOURS, 2e-3),
            (TAGS, 5e-3),
        )
    ),
    *(
        healthy(recipe, f"{recipe.name}_batches_of_{size}", batch_size=size)
        for recipe, size in ((DIGITS, 8), (SHAPES, 128), (WAVES, 16), (DIGIT_ROWS, 64), (SPOTS, 8), (REVIEWS, 64))
    ),
    *(
        healthy(recipe, f"{recipe.name}_dropout", model={"before_head": dropout(0.3)})
        for recipe in (DIGIT_IMAGES, DIGIT_ROWS, TOPICS, FREQUENCIES)
    ),
    healthy(SPIRALS, "spirals_wide", model={"units": (128, 64)}),
    healthy(HOUSES_SGD, "houses_small_rate", optimizer=rate(4e-3)),
)
TUNING = (*DATA, *MODEL, *TRAINING, *HEALTHY)
