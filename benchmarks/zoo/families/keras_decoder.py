"""A small decoder-only transformer, written as a class of the user's own, learns the next token."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops
from keras.optimizers import Adam
from keras.optimizers.schedules import CosineDecay

from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, fitted, outputs
from benchmarks.zoo.families.measures import tokens_right
from benchmarks.zoo.training import Outcome

TOKENS, LENGTH, WIDTH = 24, 12, 32


@cache
def text() -> np.ndarray:
    """1,200 sentences: each token follows from the one before by one of two fixed steps, told by the first token."""
    rng = np.random.default_rng(68)
    follows = np.stack([rng.permutation(TOKENS), rng.permutation(TOKENS)])
    rows = np.zeros((1200, LENGTH + 1), "int32")
    rows[:, 0] = rng.integers(0, TOKENS, 1200)
    for i in range(LENGTH):
        rows[:, i + 1] = follows[rows[:, 0] % 2, rows[:, i]]
    return rows


class Untracked(layers.Layer):
    """Logits from a matrix that Keras never hears of."""

    def __init__(self) -> None:
        super().__init__(name="logits")
        self.matrix = tf.Variable(tf.zeros((WIDTH, TOKENS)))

    def call(self, x: Any) -> Any:
        return ops.matmul(x, tf.convert_to_tensor(self.matrix))


class Decoder(keras.Model):
    """tied: the logits come from the embedding's own table. spread: the table's standard deviation."""

    def __init__(self, tied: bool, spread: float, head: str | None, untracked: bool) -> None:
        super().__init__()
        start = keras.initializers.RandomNormal(stddev=spread)
        self.embedding = layers.Embedding(TOKENS, WIDTH, embeddings_initializer=start)
        self.places = layers.Embedding(LENGTH, WIDTH)
        self.attention = layers.MultiHeadAttention(2, WIDTH // 2)
        self.norms = [layers.LayerNormalization() for _ in range(3)]
        self.mlp = keras.Sequential([layers.Dense(2 * WIDTH, "gelu"), layers.Dense(WIDTH)])
        self.tied = tied
        if not tied:
            self.logits = Untracked() if untracked else layers.Dense(TOKENS, head, name="logits")

    def call(self, tokens: Any) -> Any:
        x = self.embedding(tokens) + self.places(ops.arange(LENGTH))
        normal = self.norms[0](x)
        x = x + self.attention(normal, normal, use_causal_mask=True)
        x = self.norms[2](x + self.mlp(self.norms[1](x)))
        return ops.matmul(x, ops.transpose(self.embedding.embeddings)) if self.tied else self.logits(x)


def train(
    log_dir: str,
    seed: int,
    tied: bool = False,
    spread: float = 0.05,
    head: str | None = None,
    untracked: bool = False,
    rate: Callable | float = 3e-3,
) -> Outcome:
    begin(seed)
    rows = text()
    model = Decoder(tied, spread, head, untracked)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(Adam(rate if isinstance(rate, float) else rate()), loss, metrics=["accuracy"])
    x, y = rows[:, :-1], rows[:, 1:]
    value = fitted(model, x, y, log_dir=log_dir, epochs=8, batch_size=32)
    return Outcome(value, value, tokens_right(y, outputs(model, x)))


WARM = partial(CosineDecay, 0.0, 304 - 40, warmup_target=5e-3, warmup_steps=40)

FAMILY = Family(
    "keras_decoder",
    "keras",
    train,
    {"plain": {}, "warm_up": {"rate": WARM}, "tied": {"tied": True}},
    (
        fault("untracked_weights", "logits_of_a_plain_variable", "frozen_layers", untracked=True),
        fault("learning_rate_too_high", "0.3_without_warm_up", of="warm_up", rate=0.3),
        # also: the starting logits are hundreds, and the loss with them.
        fault("poor_initialization", "tied_drawn_wide", "saturated_loss", of="tied", spread=30.0),
    ),
)
