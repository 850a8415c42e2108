"""Which programs are healthy though their loss hardly falls, or that fit cannot run? Fine-tuning, adapters, players."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras.optimizers import Adam

from benchmarks.zoo.data import Data, digits
from benchmarks.zoo.loop import loop, plain
from benchmarks.zoo.models import mlp
from benchmarks.zoo.recipe import Recipe, outcome, started
from benchmarks.zoo.recipes import DIGIT_IMAGES, DIGIT_ROWS_SGD, DIGITS, DIGITS_SGD
from benchmarks.zoo.training import Outcome, Training
from tb_lossdiag import LossDiagnostics


def train_frozen(recipe: Recipe, log_dir: str, seed: int) -> Outcome:
    """Pretrained on the digits below five; then a new head on frozen layers learns all ten."""
    data, model = started(recipe, seed)
    known = data.y < 5
    _fit(recipe, data._replace(x=data.x[known], y=data.y[known]), model)
    trunk = keras.Model(model.input, model.layers[-2].output, name="trunk")
    trunk.trainable = False
    source = keras.Input(model.input_shape[1:], name="image")
    head = layers.Dense(10, activation="softmax", name="new_output")
    tuned = keras.Model(source, head(trunk(source, training=False)))
    return _fit(recipe, data, tuned, log_dir)


def train_on(recipe: Recipe, log_dir: str, seed: int) -> Outcome:
    """A model that has learned already goes on at a tenth of its rate, from a low loss that has little left to fall."""
    data, model = started(recipe, seed)
    _fit(recipe, data, model)
    return _fit(replace(recipe, optimizer=partial(Adam, 2e-4)), data, model, log_dir)


@cache
def negatives() -> Data:
    """The digits, white on black turned to black on white."""
    x, y, x_val, y_val = digits()
    return Data(1 - x, y, 1 - x_val, y_val)


def train_adapters(recipe: Recipe, log_dir: str, seed: int) -> Outcome:
    """Pretrained on digits; then low-rank adapters of the frozen kernels learn their negatives."""
    data, model = started(recipe, seed)
    _fit(recipe, digits(), model)
    for layer in model.layers[1:]:
        layer.enable_lora(8)
    return _fit(replace(recipe, optimizer=partial(Adam, 5e-3), epochs=8), data, model, log_dir)


def _fit(recipe: Recipe, data: Data, model: keras.Model, log_dir: str | None = None) -> Outcome:
    """Recorded where there is a log_dir."""
    model.compile(recipe.optimizer(), recipe.loss, metrics=list(recipe.metrics))
    options = {"epochs": recipe.epochs, "batch_size": recipe.batch_size}
    if log_dir:
        options |= {"callbacks": [LossDiagnostics(log_dir)], "validation_data": (data.x_val, data.y_val)}
    history = model.fit(data.x, data.y, verbose=0, **options)
    return outcome(recipe, data, model, history.history["loss"][-1])


def clipped(model: keras.Model, optimizer: keras.optimizers.Optimizer, loss: Callable) -> Callable:
    """A step that clips by hand."""

    def step(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        gradients, _ = tf.clip_by_global_norm(tape.gradient(value, model.trainable_variables), 1.0)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return value

    return step


CENTRE, SPREAD = np.array([2.0, -1.0], "float32"), np.array([[1.0, 0.4], [0.0, 0.6]], "float32")


class TwoPlayers(keras.Model):
    """A generator that imitates points and a discriminator that tells them from its own. Reports both players' loss,
    or the discriminator's alone: at equilibrium 2 ln 2, or ln 2."""

    def __init__(self, both: bool) -> None:
        super().__init__()
        self.both = both
        self.generator = keras.Sequential(
            [keras.Input((4,)), layers.Dense(16, "tanh"), layers.Dense(2)], name="generator"
        )
        self.discriminator = keras.Sequential(
            [keras.Input((2,)), layers.Dense(32, "leaky_relu"), layers.Dense(16, "leaky_relu"), layers.Dense(1)],
            name="discriminator",
        )
        self.second_optimizer = Adam(2e-3, beta_1=0.5)
        self.cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
        self.built = True  # both players are

    def call(self, noise: tf.Tensor) -> tf.Tensor:
        return self.discriminator(self.generator(noise))

    def train_step(self, real: tf.Tensor) -> dict[str, tf.Tensor]:
        noise = tf.random.normal((tf.shape(real)[0], 4))
        points = tf.concat([real, self.generator(noise)], 0)
        is_real = tf.concat([tf.ones_like(real[:, :1]), tf.zeros_like(real[:, :1])], 0)
        with tf.GradientTape() as tape:
            told = self.cross_entropy(is_real, self.discriminator(points, training=True))
        self._step(self.optimizer, tape, told, self.discriminator)
        with tf.GradientTape() as tape:
            judged = self.discriminator(self.generator(noise, training=True))
            fooled = self.cross_entropy(tf.ones_like(judged), judged)
        self._step(self.second_optimizer, tape, fooled, self.generator)
        return {"loss": told + fooled if self.both else told, "discriminator_loss": told, "generator_loss": fooled}

    def _step(self, optimizer: keras.Optimizer, tape: tf.GradientTape, loss: tf.Tensor, player: keras.Model) -> None:
        gradients = tape.gradient(loss, player.trainable_variables)
        optimizer.apply_gradients(zip(gradients, player.trainable_variables, strict=True))


def train_two_players(both: bool, log_dir: str, seed: int) -> Outcome:
    """Its skill: how much of the way the generator's mean and spread have come."""
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy("float32")
    real = CENTRE + np.random.default_rng(50).normal(size=(2560, 2)).astype("float32") @ SPREAD
    noise = np.random.default_rng(51).normal(size=(2560, 4)).astype("float32")
    model = TwoPlayers(both)
    model.compile(Adam(2e-3, beta_1=0.5))
    before = _distance(model.generator(noise), real)
    history = model.fit(real, epochs=12, batch_size=64, verbose=0, callbacks=[LossDiagnostics(log_dir)])
    loss = history.history["loss"][-1]
    return Outcome(loss, loss, 1 - _distance(model.generator(noise), real) / before)


def _distance(made: tf.Tensor, real: np.ndarray) -> float:
    made = np.asarray(made)
    return float(np.linalg.norm(made.mean(0) - real.mean(0)) + np.linalg.norm(made.std(0) - real.std(0)))


ADAPTERS = replace(DIGITS, name="adapters", data=negatives, model=partial(mlp, 64, 10, "softmax", (64, 64)), epochs=5)

HEALTHY: tuple[Training, ...] = (
    Training("healthy-cnn-frozen_layers", None, partial(train_frozen, replace(DIGIT_IMAGES, epochs=8))),
    Training("healthy-mlp-trained_on", None, partial(train_on, DIGITS)),
    Training("healthy-mlp-low_rank_adapters", None, partial(train_adapters, ADAPTERS)),
    Training("healthy-mlp-own_loop", None, partial(loop, DIGITS_SGD, step=plain)),
    Training("healthy-gru-own_loop_clipped", None, partial(loop, DIGIT_ROWS_SGD, step=clipped)),
    Training("healthy-gan-both_losses", None, partial(train_two_players, True)),
    Training("healthy-gan-discriminator_loss", None, partial(train_two_players, False)),
)
