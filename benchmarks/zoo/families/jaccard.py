"""Segmentation by a loss of the user's own: one less the Jaccard index, alone or beside cross-entropy."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
from keras import layers, ops
from keras.optimizers import Adam

from benchmarks.zoo.data import Data
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, fitted, outputs
from benchmarks.zoo.families.pictures import SIDE, blobs, masks_255, wrong_masks
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome


class Jaccard(keras.losses.Loss):
    def call(self, y: Any, p: Any) -> Any:
        both = ops.sum(y * p, (1, 2, 3))
        either = ops.sum(y + p, (1, 2, 3)) - both
        return 1 - (both + 1) / (either + 1)


def bce_and_jaccard(y: Any, p: Any) -> Any:
    return ops.mean(keras.losses.binary_crossentropy(y, p)) + ops.mean(Jaccard().call(y, p))


def u_net(head: str) -> keras.Model:
    source = keras.Input((SIDE, SIDE, 1), name="picture")
    fine = layers.Conv2D(8, 3, padding="same", activation="relu")(source)
    coarse = layers.Conv2D(16, 3, padding="same", activation="relu")(layers.MaxPooling2D()(fine))
    joined = layers.Concatenate()([fine, layers.UpSampling2D()(coarse)])
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(joined)
    return keras.Model(source, layers.Conv2D(1, 1, activation=head, name="mask")(x))


OPTIMIZER = partial(Adam, 3e-3)


def train(
    log_dir: str,
    seed: int,
    loss: Callable = bce_and_jaccard,
    made: bool = False,
    data: Callable[[], Data] = blobs,
    head: str = "sigmoid",
    optimizer: Callable = OPTIMIZER,
) -> Outcome:
    begin(seed)
    x, y, x_val, y_val = data()
    model = u_net(head)
    model.compile(optimizer(), loss() if made else loss)
    value = fitted(model, x, y, log_dir=log_dir, epochs=8, batch_size=16, validation_data=(x_val, y_val))
    right = skill("binary", (y > 0).reshape(-1, 1), outputs(model, x).reshape(-1, 1))
    return Outcome(value, value, right)


FAMILY = Family(
    "jaccard",
    "keras",
    train,
    {"plain": {}, "alone": {"loss": Jaccard, "made": True}},
    (
        fault("invalid_labels", "masks_255", "unbounded_loss", data=masks_255),
        # A softmax over the one channel is 1 everywhere.
        fault("output_activation_mismatch", "softmax_of_one", of="alone", head="softmax"),
        fault("uninformative_labels", "masks_of_others", data=wrong_masks),
    ),
)
