"""Margins instead of probabilities: hinge, squared hinge and categorical hinge."""

from collections.abc import Callable
from functools import partial

import keras
import numpy as np
from keras import layers
from keras.optimizers import SGD, Adam
from keras.regularizers import L2

from benchmarks.zoo.data import Data, digits, tumours
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, fitted, outputs
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome


def signs() -> Data:
    x, y, x_val, y_val = tumours()
    return Data(x, 2 * y - 1, x_val, 2 * y_val - 1)


def one_hot() -> Data:
    x, y, x_val, y_val = digits()
    return Data(x, np.eye(10, dtype="float32")[y], x_val, np.eye(10, dtype="float32")[y_val])


def shuffled() -> Data:
    x, y, x_val, y_val = one_hot()
    return Data(x, y[np.random.default_rng(0).permutation(len(y))], x_val, y_val)


OPTIMIZER = partial(Adam, 2e-3)


def train(
    log_dir: str,
    seed: int,
    loss: str = "hinge",
    data: Callable[[], Data] = signs,
    head: str | None = None,
    optimizer: Callable = OPTIMIZER,
    penalty: float | None = None,
    epochs: int = 12,
) -> Outcome:
    begin(seed)
    x, y, x_val, y_val = data()
    options = {"kernel_regularizer": None if penalty is None else L2(penalty)}
    model = keras.Sequential(
        [keras.Input(x.shape[1:]), layers.Dense(32, "relu", **options), layers.Dense(y.shape[1], head, **options)]
    )
    model.compile(optimizer(), loss)
    value = fitted(model, x, y, log_dir=log_dir, epochs=epochs, validation_data=(x_val, y_val))
    task = "binary" if y.shape[1] == 1 else "classes"
    found = (skill(task, a > 0, outputs(model, b), 0.0) for a, b in ((y, x), (y_val, x_val)))
    return Outcome(value, value, *found)


MANY = {"loss": "categorical_hinge", "data": one_hot, "epochs": 8}

FAMILY = Family(
    "hinge",
    "keras",
    train,
    {
        "plain": {},
        "squared_tanh": {"loss": "squared_hinge", "head": "tanh"},
        "labels_0_and_1": {"data": tumours},  # Keras makes them -1 and 1
        "categorical": MANY,
    },
    (
        fault("uninformative_labels", "shuffled_digits", of="categorical", data=shuffled),
        fault("learning_rate_too_high", "tanh_100", of="squared_tanh", optimizer=partial(SGD, 100.0)),
        fault("penalty_dominates", "l2_2", of="categorical", penalty=2.0),
    ),
)
