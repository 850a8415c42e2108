"""Which trainings are stuck because of their data? Inputs, targets, their order and their balance."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from benchmarks.zoo import data
from benchmarks.zoo.data import Data
from benchmarks.zoo.recipe import Recipe, sick
from benchmarks.zoo.recipes import (
    DIGIT_IMAGES,
    DIGIT_ROWS,
    DIGITS,
    DIGITS_SGD,
    FREQUENCIES,
    HOUSES,
    HOUSES_SGD,
    RATINGS,
    REVIEWS,
    SHAPES,
    SHAPES_SGD,
    SPOTS,
    TAGS,
    TOPICS,
    TUMOURS,
    TUMOURS_SGD,
    WAVES,
    WINE_SGD,
)
from benchmarks.zoo.special_recipes import DIGITS_ONE_HOT, RARE, RARE_KINDS, RARE_SPOTS, RARE_WAVES


def inputs(recipe: Recipe, spoil: Callable[[np.ndarray], np.ndarray]) -> Callable[[], Data]:
    """The recipe's data with every input array spoiled."""

    def spoiled() -> Data:
        x, y, x_val, y_val = recipe.data()
        return Data(spoil(x), y, spoil(x_val), y_val)

    return spoiled


def targets(recipe: Recipe, spoil: Callable[[np.ndarray], np.ndarray]) -> Callable[[], Data]:
    """The recipe's data with every target array spoiled."""

    def spoiled() -> Data:
        x, y, x_val, y_val = recipe.data()
        return Data(x, spoil(y), x_val, spoil(y_val))

    return spoiled


def sorted_by_target(recipe: Recipe) -> Callable[[], Data]:
    """The training rows in the order of their target, as they lie in one folder per class."""

    def spoiled() -> Data:
        x, y, x_val, y_val = recipe.data()
        order = np.argsort(y.reshape(len(y), -1)[:, 0], kind="stable")
        return Data(x[order], y[order], x_val, y_val)

    return spoiled


def missing(x: np.ndarray) -> np.ndarray:
    """One measurement in fifty is missing."""
    return np.where(np.random.default_rng(0).random(x.shape) < 0.02, np.float32(np.nan), x)


def log_of_zero(x: np.ndarray) -> np.ndarray:
    """The logarithm of pixels, where black is 0."""
    with np.errstate(divide="ignore"):
        return np.log(np.maximum(x, 0))


def ratio_of_zero(x: np.ndarray) -> np.ndarray:
    """A ratio of two columns as a feature; a few denominators are 0."""
    x = x.copy()
    x[::97, 1] = np.inf
    return x


def gap(x: np.ndarray) -> np.ndarray:
    """The sensor of every fortieth wave fell out for a moment."""
    x = x.copy()
    x[::40, 10] = np.nan
    return x


def shuffled(y: np.ndarray) -> np.ndarray:
    """x and y were each shuffled, by themselves."""
    return y[np.random.default_rng(0).permutation(len(y))]


def one_row_off(y: np.ndarray) -> np.ndarray:
    """The header line was counted as a row in one of two files."""
    return np.roll(y, 1, axis=0)


def through_small_buffer(data: Data, batch_size: int) -> tf.data.Dataset:
    """shuffle(64): a buffer far smaller than a class."""
    return tf.data.Dataset.from_tensor_slices((data.x, data.y)).shuffle(64, seed=0).batch(batch_size)


UNWEIGHTED = {"class_weight": None}

SICK = (
    # Pixels left in 0 … 255.
    sick("unnormalized_inputs", DIGITS_SGD, "raw_pixels", data=inputs(DIGITS, lambda x: x * 255)),
    sick("unnormalized_inputs", SHAPES_SGD, "raw_pixels", data=inputs(SHAPES, lambda x: x * 255)),
    # A table as it comes: columns of 0.1 beside columns of 1,000.
    sick("unnormalized_inputs", WINE_SGD, "raw_wine", data=data.raw_wine),
    sick("unnormalized_inputs", TUMOURS_SGD, "raw_tumours", data=data.raw_tumours),
    sick("unnormalized_inputs", HOUSES, "raw_houses", data=data.raw_features),
    # A sensor with a large base line: the wave is a ripple on it.
    sick("unnormalized_inputs", WAVES, "offset", data=inputs(WAVES, lambda x: x + 300)),
    # Scaled twice, and volts taken for millivolts.
    sick("unnormalized_inputs", DIGIT_IMAGES, "tiny", data=inputs(DIGIT_IMAGES, lambda x: x * 1e-4)),
    # Integer division: (pixels // 255) is 0 for all but pure white.
    sick(
        "constant_inputs",
        DIGITS,
        "integer_division",
        data=inputs(DIGITS, lambda x: ((x * 250).astype("uint8") // 255).astype("float32")),
    ),
    # The array was allocated for the images and never filled.
    sick("constant_inputs", SHAPES, "never_filled", data=inputs(SHAPES, np.zeros_like)),
    # The loader returns the first file for every index.
    sick("constant_inputs", WAVES, "same_file", data=inputs(WAVES, lambda x: np.repeat(x[:1], len(x), 0))),
    # Another tokenizer's vocabulary: every word is unknown.
    sick("constant_inputs", TOPICS, "all_unknown", data=inputs(TOPICS, lambda x: np.full_like(x, 1))),
    sick("nonfinite_inputs", TUMOURS, "missing_values", data=inputs(TUMOURS, missing)),
    sick("nonfinite_inputs", SHAPES, "log_of_zero", data=inputs(SHAPES, log_of_zero)),
    sick("nonfinite_inputs", HOUSES, "ratio_of_zero", data=inputs(HOUSES, ratio_of_zero)),
    sick("nonfinite_inputs", WAVES, "sensor_gap", data=inputs(WAVES, gap)),
    # Prices in euros.
    sick("unscaled_targets", HOUSES, "prices_adamw", data=data.unscaled_houses),
    sick("unscaled_targets", HOUSES_SGD, "prices_sgd", data=data.unscaled_houses),
    # Frequencies in hertz, pixels of the full-size image, a rating out of ten thousand.
    sick("unscaled_targets", FREQUENCIES, "hertz", data=targets(FREQUENCIES, lambda y: 5000 + 1000 * y)),
    sick("unscaled_targets", SPOTS, "full_size_pixels", data=targets(SPOTS, lambda y: 20_000 + 10_000 * y)),
    sick("unscaled_targets", RATINGS, "ten_thousand", data=targets(RATINGS, lambda y: 10_000 * y)),
    # The ids of another label map, as one-hot: no class is hot in any row.
    sick("invalid_labels", DIGITS_ONE_HOT, "no_class", data=targets(DIGITS_ONE_HOT, np.zeros_like)),
    # The labels went through the pixels' scaling: as integers they are all 0.
    sick("invalid_labels", SHAPES, "divided_by_255", data=targets(SHAPES, lambda y: (y / 255).astype("float32"))),
    # The labels of a support vector machine, -1 and +1, with a cross-entropy.
    sick("invalid_labels", TUMOURS, "minus_one", data=targets(TUMOURS, lambda y: 2 * y - 1)),
    sick("invalid_labels", TAGS, "minus_one_in_tags", data=targets(TAGS, lambda y: 2 * y - 1)),
    # Masks as they are stored in images: 0 and 255.
    sick("invalid_labels", REVIEWS, "mask_255", data=targets(REVIEWS, lambda y: 255 * y)),
    sick("uninformative_labels", DIGITS, "shuffled", data=targets(DIGITS, shuffled)),
    sick("uninformative_labels", WAVES, "one_row_off", data=targets(WAVES, one_row_off)),
    sick("uninformative_labels", TOPICS, "one_row_off", data=targets(TOPICS, one_row_off)),
    sick("uninformative_labels", SHAPES, "shuffled", data=targets(SHAPES, shuffled)),
    # A target that has nothing to do with the features.
    sick(
        "uninformative_labels",
        HOUSES,
        "random_target",
        data=targets(HOUSES, lambda y: np.random.default_rng(0).normal(size=y.shape).astype("float32")),
    ),
    # Class after class, and shuffle=False "to keep it reproducible".
    sick("unshuffled_data", DIGITS, "sorted_classes", data=sorted_by_target(DIGITS), fit={"shuffle": False}),
    sick("unshuffled_data", SHAPES_SGD, "sorted_classes", data=sorted_by_target(SHAPES), fit={"shuffle": False}),
    sick("unshuffled_data", HOUSES_SGD, "sorted_prices", data=sorted_by_target(HOUSES), fit={"shuffle": False}),
    sick(
        "unshuffled_data", DIGIT_ROWS, "small_buffer", data=sorted_by_target(DIGIT_ROWS), batches=through_small_buffer
    ),
    sick("unshuffled_data", REVIEWS, "sorted_classes", data=sorted_by_target(REVIEWS), fit={"shuffle": False}),
    # Rare classes with the loss of frequent ones; the bases weight them.
    sick("class_imbalance", RARE, "frauds", fit=UNWEIGHTED),
    sick("class_imbalance", RARE_KINDS, "two_rare_kinds", fit=UNWEIGHTED),
    sick("class_imbalance", RARE_SPOTS, "faint_spots", fit=UNWEIGHTED),
    sick("class_imbalance", RARE_WAVES, "fast_waves", fit=UNWEIGHTED),
)
