"""A small net that was trained before, frozen, with its scaling of bytes inside; a new head learns on it."""

from collections.abc import Callable
from functools import partial

import keras
import numpy as np
from keras import layers
from keras.optimizers import SGD, Adam

from benchmarks.zoo.data import digit_images
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, fitted, outputs
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome


def backbone(adapted: np.ndarray | None) -> keras.Model:
    """Trained on the digits below five, as bytes. adapted: what a Normalization adapts to; else a Rescaling by 255."""
    x, y, *_ = digit_images()
    known = y < 5
    scaling = layers.Rescaling(1 / 255)
    if adapted is not None:
        scaling = layers.Normalization(axis=None)
        scaling.adapt(adapted)
    source = keras.Input((8, 8, 1), name="image")
    body = scaling(source)
    for filters in (16, 32):
        body = layers.Conv2D(filters, 3, padding="same", use_bias=False)(body)
        body = layers.ReLU()(layers.BatchNormalization(momentum=0.8)(body))
    body = layers.MaxPooling2D()(body)
    features = keras.Model(source, layers.Flatten()(body), name="backbone")
    model = keras.Model(source, layers.Dense(5, "softmax")(features.output))
    model.compile(Adam(3e-3), "sparse_categorical_crossentropy")
    model.fit(255 * x[known], y[known], epochs=4, verbose=0)
    return features


OPTIMIZER = partial(Adam, 3e-3)


def train(
    log_dir: str,
    seed: int,
    normalised: bool = False,
    frozen: bool = True,
    head_frozen: bool = False,
    scale: float = 255.0,
    optimizer: Callable = OPTIMIZER,
    epochs: int = 6,
) -> Outcome:
    """scale: of the pixels that the frozen part is fed; it was trained on bytes."""
    begin(seed)
    x, y, x_val, y_val = digit_images()
    features = backbone(255 * x if normalised else None)
    features.trainable = not frozen
    source = keras.Input((8, 8, 1), name="photo")
    head = layers.Dense(10, "softmax", name="new_head", trainable=not head_frozen)
    model = keras.Model(source, head(features(source, training=False)))
    model.compile(optimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, x_val = np.float32(scale) * x, np.float32(scale) * x_val
    value = fitted(model, x, y, log_dir=log_dir, epochs=epochs, validation_data=(x_val, y_val))
    found = (skill("classes", a, outputs(model, b)) for a, b in ((y, x), (y_val, x_val)))
    return Outcome(value, value, *found)


FAMILY = Family(
    "frozen_backbone",
    "keras",
    train,
    {
        "plain": {},
        "normalization": {"normalised": True},
        "fine_tuned": {"frozen": False, "optimizer": partial(Adam, 3e-4)},
    },
    (
        # Scaled by 255 outside, and then once more inside.
        fault("unnormalized_inputs", "scaled_twice", scale=1.0),
        fault("unnormalized_inputs", "scaled_twice_normalization", of="normalization", scale=1.0),
        fault("nothing_trainable", "head_frozen_too", "frozen_layers", head_frozen=True),
        fault("learning_rate_too_high", "fine_tuned_at_30", of="fine_tuned", optimizer=partial(SGD, 30.0)),
    ),
)
