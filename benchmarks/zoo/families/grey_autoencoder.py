"""Autoencoders of grey pictures, whose loss has a floor above 0 where it is a cross-entropy."""

from collections.abc import Callable
from functools import partial

import keras
import numpy as np
from keras import layers
from keras.optimizers import Adam, RMSprop

from benchmarks.zoo.data import digits
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, fitted, outputs
from benchmarks.zoo.families.measures import explained
from benchmarks.zoo.training import Outcome


def dense(head: str, code: int) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(64, "relu"),
            layers.Dense(code, name="code"),
            layers.Dense(64, "relu"),
            layers.Dense(64, head, name="pixels"),
        ]
    )


def convolutional(head: str, code: int) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((64,)),
            layers.Reshape((8, 8, 1)),
            layers.Conv2D(16, 3, 2, "same", activation="relu"),
            layers.Conv2D(code, 3, 2, "same", activation="relu", name="code"),
            layers.Conv2DTranspose(16, 3, 2, "same", activation="relu"),
            layers.Conv2DTranspose(1, 3, 2, "same", activation=head),
            layers.Flatten(name="pixels"),
        ]
    )


OPTIMIZER = partial(Adam, 5e-3)


def train(
    log_dir: str,
    seed: int,
    kind: Callable[[str, int], keras.Model] = dense,
    loss: str = "binary_crossentropy",
    head: str = "sigmoid",
    code: int = 12,
    scale: float = 1.0,
    optimizer: Callable = OPTIMIZER,
) -> Outcome:
    """scale: of the pixels that go in and are to come out."""
    begin(seed)
    x, _, x_val, _ = digits()
    x, x_val = x * np.float32(scale), x_val * np.float32(scale)
    model = kind(head, code)
    model.compile(optimizer(), loss)
    value = fitted(model, x, x, log_dir=log_dir, epochs=15, batch_size=32, validation_data=(x_val, x_val))
    return Outcome(value, value, explained(x, outputs(model, x)), explained(x_val, outputs(model, x_val)))


FAMILY = Family(
    "grey_autoencoder",
    "keras",
    train,
    {
        "plain": {},
        "squared": {"loss": "mse", "optimizer": partial(RMSprop, 2e-3)},
        "convolutional": {"kind": convolutional, "code": 16},
    },
    (
        fault("invalid_labels", "pixels_of_255", "unbounded_loss", "loss_mismatch", "unnormalized_inputs", scale=255.0),
        fault("output_activation_mismatch", "sigmoid_for_16", "unscaled_targets", of="squared", scale=16.0),
        fault("insufficient_capacity", "code_of_1", code=1),
    ),
)
