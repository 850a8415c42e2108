"""Which trainings are stuck because of capacity, regularisation, batch size or how long they were trained?"""

from collections.abc import Callable
from functools import partial

import numpy as np
from keras import layers
from keras.regularizers import L1, L2

from benchmarks.zoo.data import Data
from benchmarks.zoo.recipe import Recipe, sick
from benchmarks.zoo.recipes import (
    DIGIT_ROWS,
    DIGITS,
    HOUSES,
    HOUSES_SGD,
    REVIEWS,
    SHAPES,
    SPIRALS,
    TAGS,
    TOPICS,
    TUMOURS,
    WAVES,
)
from benchmarks.zoo.special_recipes import (
    CIRCLES,
    DIGITS_NORMALISED,
    NOISY_LINE,
    NOISY_SPOTS,
    SHAPES_NORMALISED,
    TAGS_SGD,
    TUMOURS_LARGE,
    WINE_LARGE,
)


def few(recipe: Recipe, rows: int, wrong: float = 0.0) -> Callable[[], Data]:
    """The first rows only, a share of them with the label of another row."""

    def reduced() -> Data:
        x, y, x_val, y_val = recipe.data()
        x, y = x[:rows], y[:rows].copy()
        rng = np.random.default_rng(0)
        at = rng.choice(rows, round(wrong * rows), replace=False)
        y[at] = y[rng.permutation(at)]
        return Data(x, y, x_val, y_val)

    return reduced


def raw_validation(recipe: Recipe, scale: float) -> Callable[[], Data]:
    """The validation data were left as they came."""

    def unscaled() -> Data:
        x, y, x_val, y_val = recipe.data()
        return Data(x, y, x_val * np.float32(scale), y_val)

    return unscaled


def dropout(rate: float) -> tuple:
    return (partial(layers.Dropout, rate),)


def batch_norm(momentum: float) -> tuple:
    return (partial(layers.BatchNormalization, momentum=momentum),)


SICK = (
    # A bottleneck of one unit.
    # also: a single ReLU unit dies at some seeds.
    sick("insufficient_capacity", DIGITS, "one_unit", ("dying_relu",), model={"units": (1,)}),
    sick("insufficient_capacity", SPIRALS, "two_units", model={"units": (2,)}),
    # A linear model where nothing linear separates the classes.
    sick("insufficient_capacity", CIRCLES, "linear", model={"units": ()}),
    sick("insufficient_capacity", SHAPES, "one_filter", model={"filters": (1, 1), "units": 2}),
    sick("insufficient_capacity", WAVES, "one_cell", model={"units": (1,)}),
    # Fewer rows than a class needs, wrong labels among them, and time to learn them by heart.
    sick("overfitting", DIGITS, "100_rows", data=few(DIGITS, 100, 0.3), epochs=80),
    sick("overfitting", SHAPES, "60_rows", data=few(SHAPES, 60, 0.3), epochs=120),
    sick("overfitting", REVIEWS, "100_rows", data=few(REVIEWS, 100, 0.2), epochs=80),
    sick("overfitting", TUMOURS, "60_rows", data=few(TUMOURS, 60, 0.3), epochs=120),
    # A penalty copied without its scale.
    sick("penalty_dominates", DIGITS, "l2_1", model={"kernel_regularizer": L2(1.0)}),
    sick("penalty_dominates", SHAPES, "l1_0.1", model={"kernel_regularizer": L1(0.1)}),
    sick("penalty_dominates", WAVES, "l2_1", model={"kernel_regularizer": L2(1.0), "recurrent_regularizer": L2(1.0)}),
    sick("penalty_dominates", HOUSES, "activity_l2_10", model={"activity_regularizer": L2(10.0)}),
    # The share to keep, given as the share to drop.
    sick("excessive_dropout", DIGITS, "0.95", model={"between": dropout(0.95)}),
    sick("excessive_dropout", SHAPES, "0.95", model={"between": dropout(0.95)}),
    sick("excessive_dropout", WAVES, "0.97", model={"dropout": 0.9, "before_head": dropout(0.97)}),
    sick("excessive_dropout", TOPICS, "0.97", model={"before_head": dropout(0.97)}),
    # The moving averages of 100,000 steps, in a run of a few hundred.
    sick("train_eval_mismatch", DIGITS_NORMALISED, "momentum_0.9999", model={"between": batch_norm(0.9999)}),
    sick("train_eval_mismatch", SHAPES_NORMALISED, "momentum_0.9999", model={"between": batch_norm(0.9999)}),
    # Only the training data went through the scaling.
    sick("train_eval_mismatch", SHAPES, "raw_validation", data=raw_validation(SHAPES, 255)),
    sick("train_eval_mismatch", DIGIT_ROWS, "raw_validation", data=raw_validation(DIGIT_ROWS, 255)),
    # A constant rate and batches of one or two rows: the steps are as large as what is left to learn.
    # also: at a lower constant rate, the base's, it goes on falling.
    sick("noise_floor", NOISY_LINE, "batch_of_1", ("learning_rate_too_high",), optimizer={"learning_rate": 0.024}),
    sick("noise_floor", NOISY_SPOTS, "batch_of_1", ("learning_rate_too_high",), optimizer={"learning_rate": 0.12}),
    sick("noise_floor", TAGS_SGD, "batch_of_2", ("learning_rate_too_high",), optimizer={"learning_rate": 1.2}),
    # Stopped while the loss was falling.
    sick("undertrained", DIGITS, "half_an_epoch", epochs=1, fit={"steps_per_epoch": 25}),
    sick("undertrained", SHAPES, "one_epoch", epochs=1),
    sick("undertrained", TOPICS, "one_epoch", epochs=1, fit={"steps_per_epoch": 12}),
    sick("undertrained", WAVES, "one_epoch", epochs=1),
    sick("undertrained", HOUSES_SGD, "one_epoch", epochs=1, fit={"steps_per_epoch": 12}),
    # All rows in one batch: an update per epoch.
    sick("unsuitable_batch_size", DIGITS, "all_digits", batch_size=1437),
    sick("unsuitable_batch_size", TOPICS, "full_batch", batch_size=960),
    sick("unsuitable_batch_size", TAGS, "all_tags", batch_size=960),
    # Out of memory, so one row per batch, at the rate of a large batch.
    # also: a hundredth of the rate trains single rows as well.
    sick("unsuitable_batch_size", WINE_LARGE, "single_wines", ("learning_rate_too_high",), batch_size=1),
    sick("unsuitable_batch_size", TUMOURS_LARGE, "single_tumours", ("learning_rate_too_high",), batch_size=1),
)
