"""Are two pictures of the same digit? One encoder for both, then a cross-entropy or a contrastive loss."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from keras.optimizers import SGD, Adam

from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, fitted, outputs
from benchmarks.zoo.families.pairs import pairs
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome


def contrastive(y: Any, distance: Any) -> Any:
    return ops.mean(y * ops.square(distance) + (1 - y) * ops.square(ops.maximum(1.0 - distance, 0)))


def distance(two: tuple[Any, Any]) -> Any:
    return ops.sqrt(ops.sum(ops.square(two[0] - two[1]), -1, keepdims=True) + 1e-9)


OPTIMIZER = partial(Adam, 3e-3)


def train(
    log_dir: str,
    seed: int,
    by_distance: bool = False,
    share: float = 0.5,
    mixed_up: bool = False,
    activation: str = "relu",
    optimizer: Callable = OPTIMIZER,
) -> Outcome:
    """mixed_up: the right pictures were shuffled by themselves."""
    begin(seed)
    left, right, same = pairs(share)
    if mixed_up:
        right = right[np.random.default_rng(0).permutation(len(right))]
    encoder = keras.Sequential(
        [keras.Input((64,)), layers.Dense(64, activation), layers.Dense(24, None if by_distance else "relu")],
        name="encoder",
    )
    sources = keras.Input((64,), name="left"), keras.Input((64,), name="right")
    codes = [encoder(source) for source in sources]
    if by_distance:
        made, loss = layers.Lambda(distance, name="distance")(codes), contrastive
    else:
        apart = layers.Lambda(lambda two: ops.abs(two[0] - two[1]), name="apart")(codes)
        made, loss = layers.Dense(1, "sigmoid", name="same")(layers.Dense(16, "relu")(apart)), "binary_crossentropy"
    model = keras.Model(sources, made)
    model.compile(optimizer(), loss)
    value = fitted(model, (left, right), same, log_dir=log_dir, epochs=8, batch_size=64)
    *asked, truth = pairs(0.5, 64)
    answers = outputs(model, tuple(asked))
    answers = 1 - answers if by_distance else answers
    return Outcome(value, value, skill("binary", truth, answers))


FAMILY = Family(
    "siamese",
    "keras",
    train,
    {"plain": {}, "distance": {"by_distance": True}},
    (
        fault("class_imbalance", "one_pair_in_forty", share=0.025),
        fault("class_imbalance", "one_distance_in_forty", "representation_collapse", of="distance", share=0.025),
        fault("uninformative_labels", "right_side_shuffled", mixed_up=True),
        fault("learning_rate_too_low", "sgd_1e-5", "unsuitable_optimizer", optimizer=partial(SGD, 1e-5)),
    ),
)
