"""Which data faults are rehearsed, on recipes that the zoo does not use for them?"""

from functools import partial

import numpy as np
from keras.optimizers import SGD

from benchmarks.zoo import data
from benchmarks.zoo.recipe import sick
from benchmarks.zoo.recipes import (
    DIGIT_IMAGES,
    DIGIT_ROWS,
    DIGIT_ROWS_SGD,
    DIGITS,
    DIGITS_SGD,
    FREQUENCIES,
    HOUSES,
    HOUSES_SGD,
    MOONS,
    RATINGS,
    REVIEWS,
    SHAPES,
    SPOTS,
    TAGS,
    TUMOURS,
    TUMOURS_SGD,
    WAVES,
    WINE,
)
from benchmarks.zoo.sick_data import inputs, log_of_zero, missing, one_row_off, shuffled, sorted_by_target, targets
from benchmarks.zoo.sick_fit import batch_norm, few, raw_validation
from benchmarks.zoo.special_recipes import (
    DIGITS_NORMALISED,
    RARE,
    RARE_KINDS,
    RARE_WAVES,
    SHAPES_NORMALISED,
)


def unrelated(y: np.ndarray) -> np.ndarray:
    """Numbers that have nothing to do with the inputs."""
    return np.random.default_rng(1).normal(size=y.shape).astype("float32")


DATA = (
    *(
        sick("unnormalized_inputs", recipe, twist, data=inputs(recipe, spoil))
        for recipe, twist, spoil in (
            (TAGS, "times_500", lambda x: x * 500),
            (TUMOURS_SGD, "plus_1000", lambda x: x + 1000),
            (FREQUENCIES, "plus_200", lambda x: x + 200),
            (DIGIT_ROWS_SGD, "raw_pixels", lambda x: x * 255),
            (MOONS, "tiny_moons", lambda x: x * 1e-4),
        )
    ),
    sick("unnormalized_inputs", WINE, "raw_wine_rmsprop", data=data.raw_wine),
    sick("unnormalized_inputs", DIGITS_SGD, "tiny_digits", data=inputs(DIGITS, lambda x: x * 1e-4)),
    sick("unnormalized_inputs", SPOTS, "tiny_spots", data=inputs(SPOTS, lambda x: x * 1e-4)),
    *(
        sick("constant_inputs", recipe, twist, data=inputs(recipe, spoil))
        for recipe, twist, spoil in (
            (DIGITS, "zeros", np.zeros_like),
            (REVIEWS, "all_seven", lambda x: np.full_like(x, 7)),
            (SPOTS, "same_spot", lambda x: np.repeat(x[:1], len(x), 0)),
            (HOUSES, "ones", np.ones_like),
        )
    ),
    *(
        sick("nonfinite_inputs", recipe, f"missing_{recipe.name}", data=inputs(recipe, missing))
        for recipe in (DIGIT_ROWS, WINE)
    ),
    sick("nonfinite_inputs", DIGIT_IMAGES, "log_of_zero_digits", data=inputs(DIGIT_IMAGES, log_of_zero)),
    *(
        sick("unscaled_targets", recipe, twist, data=targets(recipe, spoil))
        for recipe, twist, spoil in (
            (HOUSES, "times_1e5", lambda y: y * 1e5),
            (FREQUENCIES, "times_3000", lambda y: y * 3000),
            (RATINGS, "around_5000", lambda y: 5000 + 500 * y),
        )
    ),
    *(
        sick("invalid_labels", recipe, twist, data=targets(recipe, spoil))
        for recipe, twist, spoil in (
            (WAVES, "divided_by_255", lambda y: (y / 255).astype("float32")),
            (MOONS, "minus_one_in_moons", lambda y: 2 * y - 1),
            (TUMOURS, "mask_255_tumours", lambda y: 255 * y),
        )
    ),
    *(
        sick("uninformative_labels", recipe, twist, data=targets(recipe, spoil))
        for recipe, twist, spoil in (
            (TUMOURS, "shuffled_tumours", shuffled),
            (DIGIT_IMAGES, "shuffled_digits", shuffled),
            (REVIEWS, "shuffled", shuffled),
            (SPOTS, "shuffled_spots", shuffled),
            (TAGS, "tags_one_row_off", one_row_off),
            (DIGIT_ROWS, "shuffled", shuffled),
        )
    ),
    *(
        sick("uninformative_labels", recipe, f"shuffled_{recipe.name}", data=targets(recipe, shuffled))
        for recipe in (FREQUENCIES, RATINGS, MOONS)
    ),
    sick("uninformative_labels", HOUSES, "shuffled_houses", data=targets(HOUSES, shuffled)),
    *(
        sick("uninformative_labels", recipe, f"random_{recipe.name}", data=targets(recipe, unrelated))
        for recipe in (HOUSES_SGD, SPOTS, FREQUENCIES)
    ),
    *(
        sick("unshuffled_data", recipe, twist, data=sorted_by_target(recipe), fit={"shuffle": False})
        for recipe, twist in (
            (WAVES, "sorted_waves"),
            (DIGIT_IMAGES, "sorted_digits"),
            (FREQUENCIES, "sorted_frequencies"),
        )
    ),
    sick("unshuffled_data", RATINGS, "sorted_ratings", data=sorted_by_target(RATINGS), fit={"shuffle": False}),
    sick("class_imbalance", RARE, "frauds_sgd", fit={"class_weight": None}, optimizer=partial(SGD, learning_rate=0.02)),
    sick(
        "class_imbalance",
        RARE_KINDS,
        "wide",
        fit={"class_weight": None},
        model={"units": (32, 16)},
    ),
    sick("class_imbalance", RARE_WAVES, "gru_waves", fit={"class_weight": None}, model={"cell": "GRU"}),
    sick("train_eval_mismatch", WAVES, "raw_validation", data=raw_validation(WAVES, 100)),
    sick("train_eval_mismatch", DIGITS_NORMALISED, "momentum_0.99999", model={"between": batch_norm(0.99999)}),
    sick("train_eval_mismatch", SPOTS, "raw_validation_spots", data=raw_validation(SPOTS, 255)),
    sick("train_eval_mismatch", SHAPES_NORMALISED, "momentum_0.99999", model={"between": batch_norm(0.99999)}),
    sick("train_eval_mismatch", WAVES, "raw_validation_1000", data=raw_validation(WAVES, 1000)),
    sick("train_eval_mismatch", TUMOURS, "raw_validation_tumours", data=raw_validation(TUMOURS, -5)),
    sick("train_eval_mismatch", SHAPES, "raw_validation_negative", data=raw_validation(SHAPES, -100)),
    sick("overfitting", DIGIT_IMAGES, "80_digits", data=few(DIGIT_IMAGES, 80, 0.3), epochs=100),
    sick("overfitting", WAVES, "60_waves", data=few(WAVES, 60, 0.3), epochs=100),
    sick("overfitting", TAGS, "60_tags", data=few(TAGS, 60, 0.3), epochs=100),
    sick("overfitting", MOONS, "40_moons", data=few(MOONS, 40, 0.3), epochs=150),
    sick("overfitting", SPOTS, "40_spots", data=few(SPOTS, 40, 0.3), epochs=120),
    sick("overfitting", HOUSES, "40_houses", data=few(HOUSES, 40, 0.3), epochs=120),
)
