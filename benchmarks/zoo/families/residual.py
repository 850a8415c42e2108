"""A small residual net tells shapes apart, in Keras."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import layers
from keras.optimizers import SGD, Adam
from keras.optimizers.schedules import CosineDecay

from benchmarks.zoo.data import shapes
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, fitted, outputs
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome

EPOCHS, STEPS = 6, 30


def block(x: Any, filters: int, activation: str, momentum: float | None, skipping: bool) -> Any:
    """Two convolutions, and what went in added to what comes out. momentum: of the normalisation, None for none."""
    y = x
    for i in range(2):
        y = layers.Conv2D(filters, 3, padding="same", use_bias=momentum is None)(y)
        y = y if momentum is None else layers.BatchNormalization(momentum=momentum)(y)
        y = layers.Activation(activation)(y) if i == 0 or not skipping else y
    if not skipping:
        return y
    return layers.Activation(activation)(layers.Add()([y, layers.Conv2D(filters, 1)(x)]))


def cosine(optimizer: Callable, rate: float, steps: int) -> keras.optimizers.Optimizer:
    return optimizer(CosineDecay(rate, steps))


OPTIMIZER = partial(Adam, 3e-3)


def train(
    log_dir: str,
    seed: int,
    scaled: bool = False,
    kind: type = np.float32,
    momentum: float | None = 0.8,
    skipping: bool = True,
    activation: str = "relu",
    blocks: int = 2,
    flipped: bool = False,
    in_order: bool = False,
    size: int = 32,
    optimizer: Callable = OPTIMIZER,
) -> Outcome:
    """scaled: bytes become 0 … 1. kind: the type that the pixels are kept as. flipped: pictures are, at random.
    in_order: shape after shape."""
    begin(seed)
    x, y, x_val, y_val = shapes()
    x, x_val = (np.clip(150 * part + 60, 0, 254) / np.float32(255 if scaled else 1) for part in (x, x_val))
    x, x_val = (part.astype(kind).astype("float32") for part in (x, x_val))
    if in_order:
        order = np.argsort(y, kind="stable")
        x, y = x[order], y[order]
    source = keras.Input((12, 12, 1))
    body = layers.RandomFlip(seed=seed)(source) if flipped else source
    for i in range(blocks):
        body = block(body, 8 if i < blocks // 2 else 16, activation, momentum, skipping)
        body = layers.MaxPooling2D()(body) if i < 2 else body
    model = keras.Model(source, layers.Dense(4, name="shape")(layers.Flatten()(body)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer(), loss, metrics=["accuracy"])
    batches = {"batch_size": size, "shuffle": not in_order, "validation_data": (x_val, y_val)}
    value = fitted(model, x, y, log_dir=log_dir, epochs=EPOCHS, **batches)
    found = (skill("classes", a, outputs(model, b)) for a, b in ((y, x), (y_val, x_val)))
    return Outcome(value, value, *found)


FAMILY = Family(
    "residual",
    "keras",
    train,
    {
        "plain": {},
        "cosine": {"scaled": True, "optimizer": partial(cosine, partial(SGD, momentum=0.9), 0.05, EPOCHS * STEPS)},
        "flipped": {"flipped": True, "scaled": True},
        "not_normalised": {"momentum": None, "scaled": True},
    },
    (
        # After 180 steps the averages are still what they began with; bytes are far from these.
        fault("train_eval_mismatch", "slow_averages", "unnormalized_inputs", momentum=0.9999),
        fault("unshuffled_data", "shape_after_shape", of="cosine", in_order=True),
        # What lies between 0 and 1 is 0 as an integer.
        fault("constant_inputs", "kept_as_bytes", of="flipped", kind=np.uint8),
        fault(
            "vanishing_gradients",
            "sigmoids_without_skips",
            "hidden_activation_unsuitable",
            of="not_normalised",
            skipping=False,
            activation="sigmoid",
            blocks=4,
        ),
    ),
    kept_out=True,
)
