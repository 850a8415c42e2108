"""Digits close to their like: a triplet loss over all triplets of a batch or its hardest, in a TensorFlow loop."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras.optimizers import SGD, Adam

from benchmarks.zoo.data import digits
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, outputs
from benchmarks.zoo.families.measures import told_apart
from benchmarks.zoo.training import Outcome
from tb_lossdiag import TrainingMonitor

MARGIN = 0.4


def distances(codes: tf.Tensor) -> tf.Tensor:
    squares = tf.reduce_sum(codes * codes, 1)
    crossed = 2 * tf.matmul(codes, codes, transpose_b=True)
    return tf.sqrt(tf.maximum(squares[:, None] - crossed + squares[None], 0.0) + 1e-12)


def all_triplets(labels: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
    """The mean over the triplets whose negative is not far enough yet."""
    apart = distances(codes)
    same = tf.cast(labels[:, None] == labels[None], tf.float32)
    valid = (same * (1 - tf.eye(tf.shape(labels)[0])))[:, :, None] * (1 - same)[:, None, :]
    losses = valid * tf.maximum(apart[:, :, None] - apart[:, None, :] + MARGIN, 0)
    return tf.reduce_sum(losses) / (tf.reduce_sum(tf.cast(losses > 1e-9, tf.float32)) + 1e-9)


def hardest(labels: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
    apart = distances(codes)
    same = tf.cast(labels[:, None] == labels[None], tf.float32)
    near = tf.reduce_min(apart + 1e6 * same, 1)
    return tf.reduce_mean(tf.maximum(tf.reduce_max(apart * same, 1) - near + MARGIN, 0))


OPTIMIZER = partial(Adam, 2e-3)


def train(
    log_dir: str,
    seed: int,
    loss: Callable = all_triplets,
    unit: bool = True,
    mixed_up: bool = False,
    to_copies: bool = False,
    optimizer: Callable = OPTIMIZER,
    epochs: int = 6,
) -> Outcome:
    """unit: whether codes have length 1. mixed_up: labels of other rows. to_copies: the step moves copies."""
    begin(seed)
    x, digit, *_ = digits()
    labels = digit[np.random.default_rng(0).permutation(len(digit))] if mixed_up else digit
    model = keras.Sequential([keras.Input((64,)), layers.Dense(64, "relu"), layers.Dense(16, name="code")])
    made = optimizer()
    copies = keras.models.clone_model(model).trainable_variables
    monitor = TrainingMonitor(model, made, log_dir)

    @monitor.watch
    @tf.function
    def step(pictures: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            codes = model(pictures, training=True)
            value = loss(labels, tf.math.l2_normalize(codes, 1) if unit else codes)
        gradients = tape.gradient(value, model.trainable_variables)
        made.apply_gradients(zip(gradients, copies if to_copies else model.trainable_variables, strict=True))
        return value

    losses = []
    with monitor:
        for epoch in range(epochs):
            rows = tf.data.Dataset.from_tensor_slices((x, labels)).shuffle(len(x), seed=seed + epoch)
            losses = [float(step(*batch)) for batch in rows.batch(48, drop_remainder=True)]
    value = float(np.mean(losses))
    return Outcome(value, value, told_apart(outputs(model, x), digit))


FAMILY = Family(
    "triplet",
    "loop",
    train,
    {
        "plain": {},
        "hardest": {"loss": hardest, "epochs": 8},
        "free_length": {"unit": False, "optimizer": partial(SGD, 0.05), "epochs": 8},
    },
    (
        fault(
            "representation_collapse",
            "hardest_at_0.1",
            "learning_rate_too_high",
            of="hardest",
            unit=False,
            optimizer=partial(Adam, 0.1),
        ),
        fault("uninformative_labels", "labels_of_others", mixed_up=True),
        fault("updates_not_applied", "to_copies", to_copies=True),
    ),
)
