"""A mixture of normal densities as the answer: the loss is its negative logarithm, below 0 where all is well."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from keras.optimizers import Adam

from benchmarks.zoo.data import Data, parted
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, fitted, outputs
from benchmarks.zoo.families.measures import explained
from benchmarks.zoo.training import Outcome

PARTS = 3


@cache
def wavy(noise: float) -> Data:
    """1,500 points around a wave."""
    rng = np.random.default_rng(67)
    x = rng.uniform(-1, 1, (1500, 1))
    return parted(x, np.sin(4 * x) + rng.normal(0, noise, x.shape))


@cache
def shuffled(noise: float) -> Data:
    x, y, x_val, y_val = wavy(noise)
    return Data(x, y[np.random.default_rng(0).permutation(len(y))], x_val, y_val)


@cache
def in_thousands(noise: float) -> Data:
    x, y, x_val, y_val = wavy(noise)
    return Data(x, 5000 + 2000 * y, x_val, 5000 + 2000 * y_val)


def negative_log(y: Any, made: Any) -> Any:
    """made: logits of the parts, their means, the logarithms of their widths, side by side."""
    logits, means, log_widths = ops.split(made, 3, axis=-1)
    each = -0.5 * ops.square((y - means) / ops.exp(log_widths)) - log_widths - 0.5 * np.log(2 * np.pi)
    return -ops.logsumexp(ops.log_softmax(logits) + each, axis=-1)


OPTIMIZER = partial(Adam, 1e-2)


def train(
    log_dir: str,
    seed: int,
    noise: float = 0.05,
    data: Callable[[float], Data] = wavy,
    optimizer: Callable = OPTIMIZER,
) -> Outcome:
    begin(seed)
    x, y, x_val, y_val = data(noise)
    model = keras.Sequential(
        [keras.Input((1,)), layers.Dense(32, "tanh"), layers.Dense(32, "tanh"), layers.Dense(3 * PARTS, name="mixture")]
    )
    model.compile(optimizer(), negative_log)
    value = fitted(model, x, y, log_dir=log_dir, epochs=20, validation_data=(x_val, y_val))
    logits, means, _ = np.split(outputs(model, x), 3, -1)
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    mean = (weights * means).sum(-1, keepdims=True) / weights.sum(-1, keepdims=True)
    return Outcome(value, value, explained(y, mean))


FAMILY = Family(
    "mixture_density",
    "keras",
    train,
    {"plain": {}, "wide": {"noise": 0.3}},
    (
        fault("unscaled_targets", "in_thousands", data=in_thousands),
        fault("uninformative_labels", "shuffled", of="wide", data=shuffled),
        fault("learning_rate_too_high", "adam_3", optimizer=partial(Adam, 3.0)),
    ),
)
