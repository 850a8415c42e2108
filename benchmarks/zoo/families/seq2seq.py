"""Sequence to sequence: a decoder writes what the encoder read, backwards; sequences end early and are masked."""

from collections.abc import Callable
from functools import cache, partial

import keras
import numpy as np
from keras import layers
from keras.optimizers import SGD, Adam

from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, fitted, outputs
from benchmarks.zoo.families.measures import tokens_right
from benchmarks.zoo.training import Outcome

LENGTH, TOKENS = 5, 8  # token 0 is the padding, TOKENS the start


@cache
def backwards() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """2,000 sequences of 2 to 5 tokens, what the decoder is given, and what it is to write."""
    rng = np.random.default_rng(65)
    read = rng.integers(1, TOKENS, (2000, LENGTH))
    ends = rng.integers(2, LENGTH + 1, 2000)
    read[np.arange(LENGTH) >= ends[:, None]] = 0
    written = np.zeros_like(read)
    for row, (tokens, end) in enumerate(zip(read, ends, strict=True)):
        written[row, :end] = tokens[:end][::-1]
    given = np.concatenate([np.full((2000, 1), TOKENS), written[:, :-1]], 1)
    return read.astype("int32"), given.astype("int32"), written.astype("int32")


OPTIMIZER = partial(Adam, 1e-2)


def train(
    log_dir: str,
    seed: int,
    weighted: bool = True,
    attention: bool = False,
    hidden_bias: float = 0.0,
    head: str | None = None,
    optimizer: Callable = OPTIMIZER,
) -> Outcome:
    """weighted: padding has the sample weight 0, or is written like any token. attention: the decoder also looks back.
    hidden_bias: where the ReLU before the logits starts. head: what is put on the logits."""
    begin(seed)
    read, given, written = backwards()
    counts = written > 0
    sources = keras.Input((LENGTH,), dtype="int32", name="read"), keras.Input((LENGTH,), dtype="int32", name="given")
    states = layers.GRU(48, return_sequences=True, return_state=True, name="encoder")(
        layers.Embedding(TOKENS, 16, mask_zero=True, name="read_embedding")(sources[0])
    )
    x = layers.Embedding(TOKENS + 1, 16, name="given_embedding")(sources[1])
    x = layers.GRU(48, return_sequences=True, name="decoder")(x, initial_state=states[1])
    if attention:
        x = layers.Concatenate()([x, layers.Attention(name="attention")([x, states[0]])])
    x = layers.Dense(48, "relu", bias_initializer=keras.initializers.Constant(hidden_bias), name="wide")(x)
    model = keras.Model(sources, layers.Dense(TOKENS, head, name="logits")(x))
    model.compile(optimizer(), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    weights = {"sample_weight": counts.astype("float32")} if weighted else {}
    value = fitted(model, (read, given), written, log_dir=log_dir, epochs=12, batch_size=64, **weights)
    return Outcome(value, value, tokens_right(written, outputs(model, (read, given)), counts))


FAMILY = Family(
    "seq2seq",
    "keras",
    train,
    {"plain": {}, "attention": {"attention": True, "weighted": False}},
    (
        fault("dying_relu", "bias_of_minus_20", "poor_initialization", hidden_bias=-20.0),
        fault("learning_rate_too_low", "sgd_1e-4", "unsuitable_optimizer", optimizer=partial(SGD, 1e-4)),
        fault("learning_rate_too_high", "adam_1", of="attention", optimizer=partial(Adam, 1.0)),
    ),
)
