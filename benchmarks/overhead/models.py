"""What is trained? Five models, from one whose step is hardly more than Python to one whose step is all arithmetic."""

import os
from collections.abc import Callable
from dataclasses import dataclass

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np
import tensorflow as tf
from keras import layers

CLASSES = 10
BATCHES = 32  # different ones, that training goes on and no gradient becomes exactly 0
WORDS = 500


@dataclass(frozen=True)
class Subject:
    """build: an uncompiled model. inputs: of so many examples. batch: examples a step."""

    title: str
    build: Callable[[], keras.Model]
    inputs: Callable[[np.random.Generator, int], np.ndarray]
    batch: int

    def model(self, jit_compile: bool) -> keras.Model:
        keras.utils.set_random_seed(0)
        model = self.build()
        model.compile("adam", "sparse_categorical_crossentropy", jit_compile=jit_compile)
        return model

    def data(self) -> tf.data.Dataset:
        """Without end, and ready in memory: a pipeline that takes long would hide what a recording takes."""
        rng = np.random.default_rng(0)
        x, y = self.inputs(rng, self.batch * BATCHES), rng.integers(0, CLASSES, self.batch * BATCHES)
        return tf.data.Dataset.from_tensor_slices((x, y)).batch(self.batch, drop_remainder=True).cache().repeat()


def mlp() -> keras.Model:
    hidden = [layers.Dense(units, activation="relu") for units in (512, 256, 128)]
    return keras.Sequential([keras.Input((128,)), *hidden, layers.Dense(CLASSES, activation="softmax")])


def cnn() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(128, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(192, 3, padding="same", activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(768, activation="relu"),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def transformer(blocks: int = 4, width: int = 256) -> keras.Model:
    tokens = keras.Input((64,), dtype="int32")
    x = layers.Embedding(WORDS, width)(tokens)
    for _ in range(blocks):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(8, width // 8)(y, y)])
        y = layers.LayerNormalization()(x)
        y = layers.Dense(width)(layers.Dense(4 * width, activation="gelu")(y))
        x = layers.Add()([x, y])
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return keras.Model(tokens, layers.Dense(CLASSES, activation="softmax")(x))


def deep(hidden: int = 100, width: int = 64) -> keras.Model:
    stack = [layers.Dense(width, activation="relu", kernel_initializer="he_normal") for _ in range(hidden)]
    return keras.Sequential([keras.Input((width,)), *stack, layers.Dense(CLASSES, activation="softmax")])


def lstm() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((32,), dtype="int32"),
            layers.Embedding(WORDS, 64),
            layers.LSTM(128),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def vectors(width: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    return lambda rng, examples: rng.normal(size=(examples, width)).astype("float32")


def words(length: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    return lambda rng, examples: rng.integers(0, WORDS, (examples, length)).astype("int32")


def images(rng: np.random.Generator, examples: int) -> np.ndarray:
    return rng.normal(size=(examples, 32, 32, 3)).astype("float32")


SUBJECTS = {
    "mlp": Subject("MLP", mlp, vectors(128), 64),
    "cnn": Subject("CNN", cnn, images, 64),
    "transformer": Subject("transformer", transformer, words(64), 16),
    "deep": Subject("100-layer MLP", deep, vectors(64), 64),
    "lstm": Subject("LSTM", lstm, words(32), 64),
}
