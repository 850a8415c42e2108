"""House prices under Huber's loss, and under relatives of it that the user wrote."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
from keras import layers, ops
from keras.callbacks import ReduceLROnPlateau
from keras.optimizers import SGD, Adam

from benchmarks.zoo.data import Data, houses, unscaled_houses
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, fitted, outputs
from benchmarks.zoo.families.measures import explained
from benchmarks.zoo.training import Outcome


def pseudo_huber(y: Any, p: Any) -> Any:
    return ops.mean(ops.sqrt(1 + ops.square(y - p)) - 1)


class OwnHuber(keras.losses.Loss):
    def __init__(self, delta: float = 1.0) -> None:
        super().__init__(name="own_huber")
        self.delta = delta

    def call(self, y: Any, p: Any) -> Any:
        error = ops.abs(y - p)
        return ops.where(error < self.delta, 0.5 * error**2, self.delta * (error - 0.5 * self.delta))


OPTIMIZER = partial(Adam, 5e-3)


def train(
    log_dir: str,
    seed: int,
    loss: str | Callable = "huber",
    made: bool = False,
    data: Callable[[], Data] = houses,
    flat: bool = False,
    optimizer: Callable = OPTIMIZER,
    callbacks: tuple[Callable, ...] = (),
) -> Outcome:
    """made: whether `loss` makes the loss. flat: whether the targets are [n], without an axis for the one output."""
    begin(seed)
    x, y, x_val, y_val = data()
    if flat:
        y, y_val = y[:, 0], y_val[:, 0]
    model = keras.Sequential(
        [keras.Input((6,)), layers.Dense(32, "relu"), layers.Dense(16, "relu"), layers.Dense(1, name="price")]
    )
    model.compile(optimizer(), loss() if made else loss)
    made_callbacks = tuple(make() for make in callbacks)
    fit = {"epochs": 10, "batch_size": 32, "validation_data": (x_val, y_val), "callbacks": made_callbacks}
    value = fitted(model, x, y, log_dir=log_dir, **fit)
    return Outcome(value, value, explained(y, outputs(model, x)), explained(y_val, outputs(model, x_val)))


FAMILY = Family(
    "huber",
    "keras",
    train,
    {
        "plain": {},
        "delta_0.1": {"loss": partial(keras.losses.Huber, 0.1), "made": True},
        "pseudo": {"loss": pseudo_huber, "optimizer": partial(SGD, 0.05, momentum=0.9)},
        "own_class": {"loss": OwnHuber, "made": True},
        "flat_targets": {"flat": True},
        "descent": {"optimizer": partial(SGD, 0.006)},
    },
    (
        fault("unscaled_targets", "prices_as_they_come", data=unscaled_houses),
        fault("unscaled_targets", "prices_as_they_come_pseudo", of="pseudo", data=unscaled_houses),
        # Keras leaves the shapes to a class of the user's own: (32,) - (32, 1) is (32, 32).
        fault("shape_broadcast", "flat_into_own_class", of="own_class", flat=True),
        # An improvement counts from 1 on, and no epoch's is as large.
        fault(
            "learning_rate_zero",
            "plateau_of_1",
            "learning_rate_too_low",
            of="descent",
            callbacks=(partial(ReduceLROnPlateau, "loss", factor=0.01, patience=1, min_delta=1.0),),
        ),
    ),
)
