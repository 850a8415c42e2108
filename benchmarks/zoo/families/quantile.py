"""The quantiles of a noisy target: the pinball loss, written as a function or as a class."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from keras.optimizers import SGD, Adam

from benchmarks.zoo.data import Data, parted
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, fitted, outputs
from benchmarks.zoo.families.measures import explained
from benchmarks.zoo.training import Outcome

NINETIETH = 1.2816


def _parts() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(69)
    x = rng.normal(size=(1500, 6))
    middle = x @ rng.normal(size=(6, 1)) + np.abs(x[:, :1])
    return x, middle, 0.3 + 0.3 * np.abs(x[:, 1:2])


@cache
def noisy() -> Data:
    x, middle, width = _parts()
    return parted(x, middle + width * np.random.default_rng(70).normal(size=middle.shape))


@cache
def reversed_targets() -> Data:
    x, y, x_val, y_val = noisy()
    return Data(x, y[::-1], x_val, y_val)


def ninetieth(y: Any, p: Any) -> Any:
    return ops.mean(ops.maximum(0.9 * (y - p), -0.1 * (y - p)))


class Pinball(keras.losses.Loss):
    def call(self, y: Any, p: Any) -> Any:
        return ops.maximum(0.9 * (y - p), -0.1 * (y - p))


OPTIMIZER = partial(Adam, 5e-3)


def train(
    log_dir: str,
    seed: int,
    own_class: bool = False,
    flat: bool = False,
    data: Callable[[], Data] = noisy,
    scale: float = 1.0,
    optimizer: Callable = OPTIMIZER,
) -> Outcome:
    """flat: the targets are [n]. scale: of the features."""
    begin(seed)
    x, y, x_val, y_val = data()
    x, x_val = x * np.float32(scale), x_val * np.float32(scale)
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(32, "relu"), layers.Dense(16, "relu"), layers.Dense(1, name="ninetieth")]
    )
    model.compile(optimizer(), Pinball() if own_class else ninetieth)
    given, given_val = (y[:, 0], y_val[:, 0]) if flat else (y, y_val)
    value = fitted(model, x, given, log_dir=log_dir, epochs=10, validation_data=(x_val, given_val))
    features, middle, width = _parts()
    truth = parted(features, middle + NINETIETH * width).y
    return Outcome(value, value, explained(truth, outputs(model, x)))


FAMILY = Family(
    "quantile",
    "keras",
    train,
    {"plain": {}, "own_class": {"own_class": True}},
    (
        fault("shape_broadcast", "flat_into_own_class", of="own_class", flat=True),
        fault("uninformative_labels", "targets_reversed", data=reversed_targets),
        fault("learning_rate_too_low", "sgd_1e-5", "unsuitable_optimizer", optimizer=partial(SGD, 1e-5)),
    ),
)
