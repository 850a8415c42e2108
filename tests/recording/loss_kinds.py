"""Which losses do the tests train on? Keras's, and functions and classes as users write them, with what fits them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

LAYERS, LOSSES = keras.layers, keras.losses
EXAMPLES = 24


def vectors():
    return np.random.default_rng(7).normal(size=(EXAMPLES, 4)).astype("float32")


def labels():
    return np.random.default_rng(5).integers(0, 3, EXAMPLES)


def one_hot():
    return np.eye(3, dtype="float32")[labels()]


def yes_or_no():
    return (vectors()[:, :1] > 0).astype("float32")


def values():
    return (vectors()[:, :1] ** 2).astype("float32")


def flat_values():
    return values()[:, 0]


def own_squares(y, p):
    return ops.mean(ops.square(ops.cast(y, p.dtype) - p), axis=-1)


def own_scalar(y, p):
    return ops.mean(ops.abs(y - p)) + 0.1 * ops.std(p)


class Contrastive(LOSSES.Loss):
    """Labels (B,) against distances (B, 1): every label meets every distance."""

    def call(self, y, p):
        return ops.mean(y * ops.square(p) + (1 - y) * ops.square(ops.maximum(1.0 - p, 0.0)))


def triplet(y, p):
    """Of each example the farthest of its own class and the nearest of another, in the batch."""
    y = ops.reshape(ops.cast(y, "int32"), (-1,))
    distances = ops.sum(ops.square(p[:, None] - p[None]), axis=-1)
    alike = ops.cast(y[:, None] == y[None], p.dtype)
    farthest = ops.max(distances * alike, axis=1)
    nearest = ops.min(distances + 1e3 * alike, axis=1)
    return ops.maximum(farthest - nearest + 0.2, 0.0)


def from_keras(y, p):
    return LOSSES.sparse_categorical_crossentropy(y, p) + 0.1 * ops.mean(ops.square(p), axis=-1)


class Own(LOSSES.Loss):
    def __init__(self, margin=0.3):
        super().__init__(name="own")
        self.margin = margin
        self.inner = LOSSES.Huber(reduction="none")

    def call(self, y, p):
        return self.inner(y, p) + self.margin * ops.mean(ops.abs(p), axis=-1)


class OwnCall(LOSSES.Loss):
    """One that Keras does not call through the method of its own class."""

    def __call__(self, y, p, sample_weight=None):
        return ops.mean(ops.square(ops.convert_to_tensor(y, p.dtype) - p)) + 1.0


def squares(y, p):
    return ops.mean(ops.square(y - p), axis=-1)


def counting():
    calls = [0]

    def loss(y, p):
        calls[0] += 1
        return squares(y, p) * (1.0 + 0.01 * calls[0])

    return loss


class Noisy(LOSSES.Loss):
    """As Keras's guide draws random numbers."""

    def __init__(self):
        super().__init__()
        self.seeds = keras.random.SeedGenerator(4)

    def call(self, y, p):
        return squares(y, p + 0.1 * keras.random.normal(ops.shape(p), seed=self.seeds))


class Balanced(LOSSES.Loss):
    """Keeps the running mean of what it has seen, in a variable."""

    def __init__(self, variable=keras.Variable):
        super().__init__()
        self.mean = variable(1.0)

    def call(self, y, p):
        values = squares(y, p)
        self.mean.assign(0.9 * self.mean + 0.1 * ops.mean(values))
        return values / self.mean


class Perceptual(LOSSES.Loss):
    """Asks another model, whose batch norm takes in what it sees while it trains."""

    def __init__(self, training):
        super().__init__()
        self.training = training
        self.features = keras.Sequential([LAYERS.Input((1,)), LAYERS.Dense(4), LAYERS.BatchNormalization()])

    def call(self, y, p):
        both = (self.features(part, training=self.training) for part in (y, p))
        return squares(*both)


@dataclass(frozen=True)
class Kind:
    """make: the loss. targets: what is learnt from `vectors`. head: the units and the activation of the output."""

    make: Callable[[], Any]
    targets: Callable[[], np.ndarray]
    head: tuple[int, str | None] = (1, None)


KINDS = {
    "a name": Kind(lambda: "mse", values),
    "values without an axis": Kind(lambda: "mae", flat_values),
    "huber": Kind(LOSSES.Huber, values),
    "classes": Kind(LOSSES.SparseCategoricalCrossentropy, labels, (3, "softmax")),
    "classes from logits": Kind(lambda: LOSSES.SparseCategoricalCrossentropy(from_logits=True), labels, (3, None)),
    "one-hot": Kind(LOSSES.CategoricalCrossentropy, one_hot, (3, "softmax")),
    "smoothed one-hot from logits": Kind(
        lambda: LOSSES.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), one_hot, (3, None)
    ),
    "yes or no": Kind(LOSSES.BinaryCrossentropy, yes_or_no, (1, "sigmoid")),
    "yes or no from logits": Kind(lambda: LOSSES.BinaryCrossentropy(from_logits=True), yes_or_no),
    "focal": Kind(LOSSES.BinaryFocalCrossentropy, yes_or_no, (1, "sigmoid")),
    "dice": Kind(LOSSES.Dice, yes_or_no, (1, "sigmoid")),
    "hinge": Kind(LOSSES.Hinge, yes_or_no),
    "cosine": Kind(LOSSES.CosineSimilarity, one_hot, (3, None)),
    "poisson": Kind(LOSSES.Poisson, values, (1, "softplus")),
    "a sum": Kind(lambda: LOSSES.MeanSquaredError(reduction="sum"), values),
    "a function": Kind(lambda: own_squares, values),
    "a function that answers one number": Kind(lambda: own_scalar, values),
    "a function of class labels": Kind(lambda: from_keras, labels, (3, "softmax")),
    "a class": Kind(Own, values),
    "a class with a call of its own": Kind(OwnCall, values),
    "contrastive": Kind(Contrastive, lambda: yes_or_no()[:, 0], (1, "relu")),
    "triplets": Kind(lambda: triplet, labels, (3, None)),
}


# Of the others only these, where each takes seconds: of Keras, of the user, and one that pairs examples.
FEW = ("classes", "a function of class labels", "a class", "a class with a call of its own", "triplets")


def kinds_and_ways(ways: list[str]) -> list[tuple[str, str]]:
    """(kind, way): all the first way, few the others."""
    return [(kind, way) for way in ways for kind in (KINDS if way == ways[0] else FEW)]


def model_of(kind: Kind) -> keras.Model:
    keras.backend.clear_session()  # so that layers are named alike
    keras.utils.set_random_seed(3)
    units, activation = kind.head
    return keras.Sequential(
        [LAYERS.Input((4,)), LAYERS.Dense(8, "relu", name="hidden"), LAYERS.Dense(units, activation, name="out")]
    )
