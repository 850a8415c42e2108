"""A variational autoencoder of digits, its loss in add_loss or in a train_step of its own."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from keras.optimizers import Adam

from benchmarks.zoo.data import digits
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, fitted
from benchmarks.zoo.families.measures import explained
from benchmarks.zoo.training import Outcome


class Autoencoder(keras.Model):
    """weight: of the Kullback-Leibler term. scale: of the pixels."""

    def __init__(self, weight: float, code: int = 6) -> None:
        super().__init__()
        self.weight = weight
        self.encoder = keras.Sequential([layers.Dense(64, "relu"), layers.Dense(2 * code)], name="encoder")
        self.decoder = keras.Sequential([layers.Dense(64, "relu"), layers.Dense(64, "sigmoid")], name="decoder")
        self.noise = keras.random.SeedGenerator(7)

    def parts(self, x: Any) -> tuple[Any, Any, Any]:
        """The reconstruction, its loss and the Kullback-Leibler term."""
        mean, log_variance = ops.split(self.encoder(x), 2, axis=-1)
        code = mean + ops.exp(0.5 * log_variance) * keras.random.normal(ops.shape(mean), seed=self.noise)
        made = self.decoder(code)
        reconstruction = 64 * ops.mean(keras.losses.binary_crossentropy(x, made))
        kl = ops.mean(0.5 * ops.sum(ops.square(mean) + ops.exp(log_variance) - 1 - log_variance, -1))
        return made, reconstruction, kl


class Added(Autoencoder):
    def call(self, x: Any) -> Any:
        made, reconstruction, kl = self.parts(x)
        self.add_loss(reconstruction)
        self.add_loss(self.weight * kl)
        return made


class Stepped(Autoencoder):
    def __init__(self, weight: float) -> None:
        super().__init__(weight)
        self.trackers = [keras.metrics.Mean(name) for name in ("loss", "reconstruction_loss", "kl_loss")]

    @property
    def metrics(self) -> list:
        return self.trackers

    def call(self, x: Any) -> Any:
        return self.parts(x)[0]

    def train_step(self, x: Any) -> dict[str, Any]:
        with tf.GradientTape() as tape:
            _, reconstruction, kl = self.parts(x)
            loss = reconstruction + self.weight * kl
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        for tracker, value in zip(self.trackers, (loss, reconstruction, kl), strict=True):
            tracker.update_state(value)
        return {tracker.name: tracker.result() for tracker in self.trackers}


OPTIMIZER = partial(Adam, 5e-3)


def train(
    log_dir: str,
    seed: int,
    kind: Callable[[float], Autoencoder] = Added,
    weight: float = 1.0,
    scale: float = 1.0,
    optimizer: Callable = OPTIMIZER,
) -> Outcome:
    begin(seed)
    x = digits().x * np.float32(scale)
    model = kind(weight)
    model.compile(optimizer())
    value = fitted(model, x, log_dir=log_dir, epochs=15, batch_size=64)
    mean, _ = np.split(np.asarray(model.encoder(x)), 2, axis=-1)
    return Outcome(value, value, explained(x, np.asarray(model.decoder(mean))) / 0.5)


FAMILY = Family(
    "keras_vae",
    "keras",
    train,
    {"plain": {}, "train_step": {"kind": Stepped}},
    (
        fault("posterior_collapse", "weight_60", "unbalanced_loss_terms", weight=60.0),
        fault("posterior_collapse", "step_weight_60", "unbalanced_loss_terms", of="train_step", weight=60.0),
        # A cross-entropy of pixels up to 16.
        fault("invalid_labels", "pixels_of_16", "unbounded_loss", "loss_mismatch", scale=16.0),
    ),
)
