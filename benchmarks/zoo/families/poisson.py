"""Counts: the rate of a Poisson distribution, as it is or as its logarithm."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from keras.optimizers import Adam, RMSprop

from benchmarks.zoo.data import Data, parted
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, fitted, outputs
from benchmarks.zoo.families.measures import explained
from benchmarks.zoo.training import Outcome


def _rates() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(61)
    x = rng.normal(size=(1500, 8)).astype("float32")
    return x, np.exp(0.5 + x @ rng.normal(size=(8, 1)) * 0.3).astype("float32")


@cache
def counts() -> Data:
    x, rates = _rates()
    return parted(x, np.random.default_rng(62).poisson(rates).astype("float32"))


@cache
def shuffled_counts() -> Data:
    x, y, x_val, y_val = counts()
    return Data(x, y[np.random.default_rng(0).permutation(len(y))], x_val, y_val)


def of_log_rate(y: Any, z: Any) -> Any:
    """The same without an exponential in the model."""
    return ops.mean(ops.exp(z) - y * z)


OPTIMIZER = partial(Adam, 3e-3)


def train(
    log_dir: str,
    seed: int,
    loss: str | Callable = "poisson",
    head: str | None = "exponential",
    data: Callable[[], Data] = counts,
    optimizer: Callable = OPTIMIZER,
) -> Outcome:
    begin(seed)
    x, y, x_val, y_val = data()
    model = keras.Sequential(
        [keras.Input((8,)), layers.Dense(24, "tanh"), layers.Dense(24, "tanh"), layers.Dense(1, head, name="rate")]
    )
    model.compile(optimizer(), loss)
    value = fitted(model, x, y, log_dir=log_dir, epochs=12, validation_data=(x_val, y_val))
    with np.errstate(over="ignore"):
        made = outputs(model, x) if head else np.exp(outputs(model, x))
        truth = parted(*_rates()).y
        return Outcome(value, value, explained(np.log(truth), np.log(np.maximum(made, 1e-6))))


FAMILY = Family(
    "poisson",
    "keras",
    train,
    {
        "plain": {},
        "softplus": {"head": "softplus", "optimizer": partial(RMSprop, 3e-3)},
        "log_rate": {"loss": of_log_rate, "head": None},
    },
    (
        # Rates below 0 have no logarithm.
        fault("output_activation_mismatch", "linear", of="plain", head=None, loss="poisson"),
        fault("output_activation_mismatch", "sigmoid", head="sigmoid"),
        fault("uninformative_labels", "shuffled", data=shuffled_counts),
    ),
)
