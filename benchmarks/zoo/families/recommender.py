"""Who likes what? Embeddings of users and items and their dot product, in a TensorFlow loop."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras.optimizers import SGD, Adam

from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin
from benchmarks.zoo.families.measures import explained
from benchmarks.zoo.training import Outcome
from tb_lossdiag import TrainingMonitor

USERS, ITEMS = 80, 60


@cache
def ratings() -> tuple[np.ndarray, np.ndarray]:
    """3,000 pairs [n, 2] of user and item, and the rating."""
    rng = np.random.default_rng(71)
    pairs = np.stack([rng.integers(0, USERS, 3000), rng.integers(0, ITEMS, 3000)], 1).astype("int32")
    users, items = rng.normal(size=(USERS, 3)), rng.normal(size=(ITEMS, 3))
    liking = (users[pairs[:, 0]] * items[pairs[:, 1]]).sum(1) + rng.normal(0, 0.2, 3000)
    return pairs, ((liking - liking.mean()) / liking.std()).astype("float32")


class Table(layers.Layer):
    """A lookup of the user's own. tracked: whether Keras hears of its weights."""

    def __init__(self, rows: int, start: str, tracked: bool, name: str) -> None:
        super().__init__(name=name)
        shape = (rows, 8)
        if tracked:
            self.rows = self.add_weight(shape=shape, initializer=start, name="rows")
        else:
            self.rows = tf.Variable(0.05 * tf.random.stateless_normal(shape, (1, 2)))

    def call(self, ids: Any) -> Any:
        return tf.gather(tf.convert_to_tensor(self.rows), ids)


class Recommender(keras.Model):
    def __init__(self, start: str, tracked: bool, flat: bool) -> None:
        super().__init__()
        self.users = Table(USERS, start, tracked, "users")
        self.items = Table(ITEMS, start, tracked, "items")
        self.lift = self.add_weight(shape=(), initializer="zeros", name="lift")
        self.flat = flat

    def call(self, pairs: Any) -> Any:
        both = self.users(pairs[:, 0]) * self.items(pairs[:, 1])
        return tf.reduce_sum(both, 1, keepdims=not self.flat) + self.lift


def squared(y: tf.Tensor, p: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.square(y - p))


def liked(y: tf.Tensor, p: tf.Tensor) -> tf.Tensor:
    """Whether it is liked at all, as a cross-entropy."""
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(y > 0, tf.float32), p))


OPTIMIZER = partial(Adam, 2e-2)


def train(
    log_dir: str,
    seed: int,
    loss: Callable = squared,
    start: str = "random_normal",
    tracked: bool = True,
    flat: bool = True,
    optimizer: Callable = OPTIMIZER,
) -> Outcome:
    """flat: whether the model answers [n], as the ratings are, or [n, 1]."""
    begin(seed)
    pairs, y = ratings()
    model = Recommender(start, tracked, flat)
    model(pairs[:1])
    made = optimizer()
    monitor = TrainingMonitor(model, made, log_dir)

    @monitor.watch
    @tf.function
    def step(pairs: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            value = loss(y, model(pairs, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        made.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return {"loss": value}

    losses = []
    with monitor:
        for epoch in range(12):
            rows = tf.data.Dataset.from_tensor_slices((pairs, y)).shuffle(len(y), seed=seed + epoch)
            losses = [float(step(*batch)["loss"]) for batch in rows.batch(64)]
    answers = np.asarray(model(pairs)).ravel()
    value = float(np.mean(losses))
    if loss is liked:
        return Outcome(value, value, float(2 * np.mean((answers > 0) == (y > 0)) - 1))
    return Outcome(value, value, explained(y, answers))


FAMILY = Family(
    "recommender",
    "loop",
    train,
    {"plain": {}, "liked": {"loss": liked}},
    (
        fault("untracked_weights", "tables_of_plain_variables", "frozen_layers", tracked=False),
        # Users times items, both zero: neither has a gradient.
        fault("symmetric_initialization", "zeros", "poor_initialization", start="zeros"),
        fault("shape_broadcast", "column_of_ratings", flat=False),
        fault("unsuitable_optimizer", "sgd_0.01", "learning_rate_too_low", of="liked", optimizer=partial(SGD, 0.01)),
    ),
)
