"""How much is sold next? Windows of a series with its seasons, read by a recurrent or a convolutional net."""

from collections.abc import Callable
from functools import cache, partial

import keras
import numpy as np
from keras import layers
from keras.optimizers import Adam, RMSprop

from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, fitted, outputs
from benchmarks.zoo.families.measures import explained
from benchmarks.zoo.training import Outcome

WINDOW = 24


@cache
def sales() -> np.ndarray:
    """1,500 hours of sales, around 3,000 pieces each."""
    rng = np.random.default_rng(103)
    hours = np.arange(1500)
    seasons = 700 * np.sin(2 * np.pi * hours / 12) + 400 * np.sin(2 * np.pi * hours / 84 + 1)
    drift = np.zeros(1500)
    for i in range(1, 1500):
        drift[i] = 0.9 * drift[i - 1] + rng.normal(0, 60)
    return 3200 + seasons + drift + rng.normal(0, 60, 1500)


@cache
def returns() -> np.ndarray:
    """What a price that walks at random gains each day."""
    return np.random.default_rng(104).normal(0, 1, 1500)


def windows(series: np.ndarray, ahead: int) -> tuple[np.ndarray, np.ndarray]:
    count = len(series) - WINDOW - ahead + 1
    x = np.stack([series[i : i + WINDOW] for i in range(count)])[..., None]
    y = np.stack([series[i + WINDOW : i + WINDOW + ahead] for i in range(count)])
    return x.astype("float32"), y.astype("float32")


def recurrent() -> list[layers.Layer]:
    return [layers.GRU(24)]


def convolutional() -> list[layers.Layer]:
    stack: list[layers.Layer] = []
    for filters in (16, 32):
        stack += [layers.Conv1D(filters, 3, padding="causal", activation="relu"), layers.MaxPooling1D(2)]
    return [*stack, layers.Flatten(), layers.Dense(32, "relu")]


OPTIMIZER = partial(Adam, 5e-3)


def train(
    log_dir: str,
    seed: int,
    series: Callable[[], np.ndarray] = sales,
    body: Callable[[], list[layers.Layer]] = recurrent,
    ahead: int = 1,
    unit: float | None = None,
    head: str | None = None,
    loss: str = "mse",
    optimizer: Callable = OPTIMIZER,
) -> Outcome:
    """unit: what the targets are counted in, None for standard deviations around the mean, as the inputs are."""
    begin(seed)
    raw = series()
    x, y = windows((raw - raw.mean()) / raw.std(), ahead)
    if unit:
        y = windows(raw / unit, ahead)[1]
    kept = len(x) * 4 // 5
    model = keras.Sequential([keras.Input((WINDOW, 1)), *body(), layers.Dense(ahead, head, name="next")])
    model.compile(optimizer(), loss)
    value = fitted(
        model, x[:kept], y[:kept], log_dir=log_dir, epochs=8, batch_size=32, validation_data=(x[kept:], y[kept:])
    )
    made = outputs(model, x)
    return Outcome(value, value, explained(y[:kept], made[:kept]), explained(y[kept:], made[kept:]))


FAMILY = Family(
    "forecasting",
    "keras",
    train,
    {
        "plain": {},
        "convolution": {"body": convolutional, "loss": "mae", "optimizer": partial(Adam, 2e-3)},
        "four_ahead": {"ahead": 4, "loss": "huber", "optimizer": partial(RMSprop, 5e-3)},
        "in_thousands": {"unit": 1000.0},
    },
    (
        fault("unscaled_targets", "in_pieces", of="in_thousands", unit=1.0),
        # No past of it says anything of what comes.
        fault("uninformative_labels", "returns", "noise_floor", series=returns),
        # Hardly an hour sells less than a thousand.
        fault("output_activation_mismatch", "sigmoid", of="in_thousands", head="sigmoid"),
        fault("learning_rate_too_high", "adam_1", "dying_relu", of="convolution", optimizer=partial(Adam, 1.0)),
    ),
    kept_out=True,
)
