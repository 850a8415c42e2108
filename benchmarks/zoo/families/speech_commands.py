"""Which word was said? Spectrograms through a convolutional or a recurrent net, in a TensorFlow loop."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras.optimizers import SGD, Adam

from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, outputs
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome
from tb_lossdiag import TrainingMonitor

FRAMES, BANDS, COMMANDS = 20, 16, 5


@cache
def decibels() -> tuple[np.ndarray, np.ndarray]:
    """1,000 spectrograms [FRAMES, BANDS] in dB, and the word: its tone rises, falls, stays, turns or is two tones."""
    rng = np.random.default_rng(106)
    words = np.arange(1000) % COMMANDS
    time = np.linspace(-1, 1, FRAMES)
    forms = np.stack([4 * time, -4 * time, 0 * time, 4 - 8 * np.abs(time), 0 * time])
    tone = forms[words] + rng.uniform(5, 10, (1000, 1))
    bands = np.arange(BANDS)
    x = rng.normal(20, 4, (1000, FRAMES, BANDS)) + rng.normal(0, 5, (1000, 1, 1))
    x += 30 * np.exp(-((bands - tone[..., None]) ** 2) / 2)
    second = np.exp(-((bands - tone[..., None] + 4) ** 2) / 2)
    x += 30 * second * (words == 4)[:, None, None]
    return x.astype("float32"), words


def scaled() -> tuple[np.ndarray, np.ndarray]:
    x, words = decibels()
    return (x - x.mean()) / x.std(), words


def powers() -> tuple[np.ndarray, np.ndarray]:
    """No logarithm was taken."""
    x, words = decibels()
    return np.power(np.float32(10), x / 10), words


def convolutional() -> list[layers.Layer]:
    stack: list[layers.Layer] = [layers.Reshape((FRAMES, BANDS, 1))]
    for filters in (8, 16):
        stack += [layers.Conv2D(filters, 3, padding="same", activation="relu"), layers.MaxPooling2D()]
    return [*stack, layers.Flatten(), layers.Dense(32, "relu")]


def recurrent() -> list[layers.Layer]:
    return [layers.GRU(32)]


OPTIMIZER = partial(Adam, 3e-3)


def train(
    log_dir: str,
    seed: int,
    data: Callable[[], tuple[np.ndarray, np.ndarray]] = scaled,
    body: Callable[[], list[layers.Layer]] = convolutional,
    apart: bool = False,
    penalty: float = 0.0,
    optimizer: Callable = OPTIMIZER,
    epochs: int = 6,
) -> Outcome:
    """apart: spectrograms and words are shuffled each by themselves. penalty: on squared weights."""
    begin(seed)
    x, words = data()
    model = keras.Sequential([keras.Input((FRAMES, BANDS)), *body(), layers.Dense(COMMANDS, name="word")])
    made = optimizer()
    monitor = TrainingMonitor(model, made, log_dir)

    @monitor.watch
    @tf.function
    def step(spectrograms: Any, words: Any) -> Any:
        with tf.GradientTape() as tape:
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(words, model(spectrograms, training=True))
            word_loss = tf.reduce_mean(each)
            weight_loss = penalty * tf.add_n([tf.reduce_sum(tf.square(one)) for one in model.trainable_variables])
            loss = word_loss + weight_loss
        gradients = tape.gradient(loss, model.trainable_variables)
        made.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return {"loss": loss, "word_loss": word_loss, "weight_loss": weight_loss}

    losses = []
    with monitor:
        for epoch in range(epochs):
            left, right = (tf.data.Dataset.from_tensor_slices(part) for part in (x, words.astype("int32")))
            if apart:
                rows = tf.data.Dataset.zip(
                    (left.shuffle(1000, seed=2 * epoch), right.shuffle(1000, seed=2 * epoch + 1))
                )
            else:
                rows = tf.data.Dataset.zip((left, right)).shuffle(1000, seed=seed + epoch)
            losses = [float(step(*batch)["loss"]) for batch in rows.batch(32)]
    value = float(np.mean(losses))
    return Outcome(value, value, skill("classes", words, outputs(model, x)))


FAMILY = Family(
    "speech_commands",
    "loop",
    train,
    {
        "plain": {},
        "recurrent": {"body": recurrent, "epochs": 10},
        "penalised": {"penalty": 1e-4, "optimizer": partial(SGD, 0.03, momentum=0.9)},
    },
    (
        fault("unnormalized_inputs", "powers", "exploding_gradients", of="penalised", data=powers),
        fault("uninformative_labels", "shuffled_apart", apart=True),
        fault("penalty_dominates", "penalty_3", "unbalanced_loss_terms", of="penalised", penalty=3.0),
        fault("learning_rate_too_high", "adam_1", "dying_relu", optimizer=partial(Adam, 1.0)),
    ),
    kept_out=True,
)
