"""Which data look wrong and are not? Raw, rare, noisy, few, weighted, sorted or streamed, and learned all the same."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial

import keras
import numpy as np
from keras import layers
from keras.optimizers import SGD, Adam, RMSprop
from sklearn.datasets import load_diabetes, load_iris

from benchmarks.zoo.data import Data, digit_images, digits, houses, moons, parted, raw_tumours, raw_wine, standardised
from benchmarks.zoo.models import cnn, mlp
from benchmarks.zoo.recipe import Recipe, healthy, train
from benchmarks.zoo.recipes import DIGIT_IMAGES, DIGITS, HOUSES, MOONS, TUMOURS, WINE
from benchmarks.zoo.training import Outcome, Training


@cache
def minority(share: float) -> Data:
    """3,200 rows of 10 features; a share of them is the class to find and stands apart from the rest."""
    rng = np.random.default_rng(20)
    y = np.arange(3200) < share * 3200
    x = rng.normal(size=(3200, 10)) + 1.1 * y[:, None] * np.sign(np.arange(10) - 4.5)
    return parted(x, y[:, None].astype("float32"))


@cache
def eights() -> Data:
    """Is the digit an eight? One in ten is."""
    x, y, x_val, y_val = digits()
    return Data(x, (y == 8)[:, None].astype("float32"), x_val, (y_val == 8)[:, None].astype("float32"))


@cache
def digits_16() -> Data:
    """Pixels 0 … 16, as the data set has them."""
    x, y, x_val, y_val = digits()
    return Data(x * 16, y, x_val * 16, y_val)


@cache
def byte_images() -> Data:
    """Pixels 0 … 255, as from an image file."""
    x, y, x_val, y_val = digit_images()
    return Data(x * 255, y, x_val * 255, y_val)


@cache
def mislabelled_digits() -> Data:
    """One label in five is another digit's, in the validation data too: no model can know which."""
    x, y, x_val, y_val = digits()
    rng = np.random.default_rng(21)

    def flipped(labels: np.ndarray) -> np.ndarray:
        wrong = rng.random(len(labels)) < 0.2
        return np.where(wrong, (labels + rng.integers(1, 10, len(labels))) % 10, labels).astype("int32")

    return Data(x, flipped(y), x_val, flipped(y_val))


@cache
def mislabelled_moons() -> Data:
    """One label in five is the other one."""
    x, y, x_val, y_val = moons()
    rng = np.random.default_rng(22)
    return Data(x, np.abs(y - (rng.random(y.shape) < 0.2)), x_val, np.abs(y_val - (rng.random(y_val.shape) < 0.2)))


@cache
def diabetes() -> Data:
    """442 patients: their ten measurements tell about half of how the disease goes on."""
    x, y = load_diabetes(return_X_y=True)
    return parted(standardised(x), standardised(y[:, None]))


@cache
def iris() -> Data:
    x, y = load_iris(return_X_y=True)
    return parted(standardised(x), y)


@cache
def sorted_validation() -> Data:
    """The validation data lie in the order of their digit; the training data are shuffled."""
    x, y, x_val, y_val = digits()
    order = np.argsort(y_val, kind="stable")
    return Data(x, y, x_val[order], y_val[order])


@cache
def stream() -> Data:
    """14,400 rows that are seen once."""
    rng = np.random.default_rng(23)
    x = rng.normal(size=(14_400, 12)).astype("float32")
    scores = np.tanh(x @ rng.normal(size=(12, 16)) / 2) @ rng.normal(size=(16, 4))
    return Data(x, scores.argmax(1).astype("int32"))


def train_weighted(recipe: Recipe, log_dir: str, seed: int) -> Outcome:
    """The further a row's target lies from the middle, the less it weighs."""
    distance = np.abs(recipe.data().y[:, 0])
    return train(replace(recipe, fit={**recipe.fit, "sample_weight": 1 / (1 + distance)}), log_dir, seed)


def endless(data: Data, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches from a Python generator, drawn with replacement."""
    while True:
        rows = np.random.randint(0, len(data.x), size)
        yield data.x[rows], data.y[rows]


RARE_5 = replace(
    TUMOURS, name="rare_5", data=partial(minority, 0.05), model=partial(mlp, 10, 1, "sigmoid", (24,)), epochs=6
)
RARE_10 = replace(RARE_5, name="rare_10", data=partial(minority, 0.1))
# The log-odds of one in twenty, so that training starts at the constant guess.
PRIOR = {"bias_initializer": partial(keras.initializers.Constant, float(np.log(0.05 / 0.95)))}
IRIS = replace(
    WINE,
    name="iris",
    data=iris,
    model=partial(mlp, 4, 3, "softmax", (16,)),
    optimizer=partial(Adam, 1e-2),
    batch_size=8,
)

HEALTHY: tuple[Training, ...] = (
    healthy(RARE_5, "one_in_twenty"),
    healthy(RARE_10, "one_in_ten", optimizer=partial(SGD, 0.05, momentum=0.9)),
    healthy(RARE_5, "one_in_twenty_weighted", fit={"class_weight": {0: 1.0, 1: 8.0}}),
    healthy(
        RARE_5,
        "prior_in_the_output_bias",
        model=partial(mlp, 10, 1, "sigmoid", (24,), head_options=PRIOR),
    ),
    healthy(
        DIGITS,
        "one_digit_against_the_rest",
        task="binary",
        data=eights,
        model=partial(mlp, 64, 1, "sigmoid"),
        loss="binary_crossentropy",
    ),
    healthy(DIGITS, "raw_pixels_of_16", data=digits_16, optimizer=partial(Adam, 1e-3)),
    healthy(
        DIGIT_IMAGES,
        "bytes_rescaled_inside",
        data=byte_images,
        model=partial(cnn, (8, 8, 1), 10, "softmax", first=(partial(layers.Rescaling, 1 / 255),)),
    ),
    healthy(
        WINE,
        "raw_wine_into_batch_norm",
        data=raw_wine,
        optimizer=partial(Adam, 2e-3),
        epochs=30,
        model=partial(mlp, 13, 3, "softmax", (16,), first=(partial(layers.BatchNormalization, momentum=0.9),)),
    ),
    healthy(
        TUMOURS,
        "raw_tumours_into_batch_norm",
        data=raw_tumours,
        optimizer=partial(RMSprop, 1e-3),
        epochs=35,
        model=partial(mlp, 30, 1, "sigmoid", (16,), first=(layers.BatchNormalization,)),
    ),
    healthy(
        DIGITS, "fifth_of_the_digits_mislabelled", data=mislabelled_digits, model=partial(mlp, 64, 10, "softmax", (16,))
    ),
    healthy(
        MOONS,
        "fifth_of_the_moons_mislabelled",
        data=mislabelled_moons,
        model=partial(mlp, 2, 1, "sigmoid", (16,)),
        epochs=20,
    ),
    healthy(
        HOUSES,
        "diabetes_half_noise",
        data=diabetes,
        model=partial(mlp, 10, 1, None, (8,)),
        epochs=40,
        optimizer=partial(SGD, 0.02),
    ),
    healthy(IRIS, "150_rows"),
    healthy(DIGITS, "validation_sorted", data=sorted_validation, optimizer=partial(RMSprop, 2e-3)),
    healthy(
        DIGITS,
        "stream_seen_once",
        data=stream,
        model=partial(mlp, 12, 4, "softmax", (64,)),
        epochs=1,
        optimizer=partial(Adam, 5e-3),
    ),
    Training("healthy-mlp-rows_weighted", None, partial(train_weighted, HOUSES), base=HOUSES.name),
    healthy(DIGITS, "endless_generator", batches=endless, fit={"steps_per_epoch": 45, "shuffle": False}),
    healthy(
        HOUSES,
        "noise_on_the_inputs",
        optimizer=partial(Adam, 5e-3),
        data=houses,
        model=partial(mlp, 6, 1, None, (32, 16), first=(partial(layers.GaussianNoise, 0.2),)),
    ),
)
