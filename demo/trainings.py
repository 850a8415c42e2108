"""Which trainings does the demo show? One healthy run and ten sick ones on real data, each with the cause it must show.

The data ship with scikit-learn: 1,797 handwritten digits, 178 wines, 569 tumours. Every sick run is a mistake people
make; the comment above it says how.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras.initializers import RandomNormal
from sklearn.datasets import load_breast_cancer, load_digits, load_wine

from tb_lossdiag import LossDiagnostics, TrainingMonitor


@dataclass(frozen=True)
class Training:
    """train(log_dir) runs it; cause is the id the diagnosis must rank first, None for a run that must stay quiet."""

    name: str
    cause: str | None
    train: Callable[[str], None]


TRAININGS: list[Training] = []


def shows(cause: str | None):
    """Registers a training under its function's name."""

    def register(train: Callable[[str], None]) -> Callable[[str], None]:
        TRAININGS.append(Training(train.__name__, cause, train))
        return train

    return register


def digits() -> tuple[np.ndarray, np.ndarray]:
    """x float32 [1797, 64] in 0 … 1, y int64 [1797]."""
    x, y = load_digits(return_X_y=True)
    return (x / 16).astype("float32"), y


def classifier(*hidden: layers.Layer, inputs: int = 64) -> keras.Model:
    return keras.Sequential([keras.Input((inputs,)), *hidden, layers.Dense(10, activation="softmax", name="output")])


def fit(
    model: keras.Model, optimizer, log_dir: str, data=None, loss="sparse_categorical_crossentropy", **options
) -> None:
    x, y = digits() if data is None else data
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
    options = {"epochs": 8, "batch_size": 32, **options}
    model.fit(x, y, verbose=0, callbacks=[LossDiagnostics(log_dir)], **options)


@shows(None)
def healthy(log_dir: str) -> None:
    model = classifier(
        layers.Dense(64, activation="relu", name="hidden_1"), layers.Dense(32, activation="relu", name="hidden_2")
    )
    fit(model, keras.optimizers.Adam(1e-3), log_dir, epochs=12, validation_split=0.2)


@shows(None)
def healthy_custom_loop(log_dir: str) -> None:
    x, y = digits()
    model = classifier(layers.Dense(64, activation="relu", name="hidden"))
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    loss_fn = keras.losses.SparseCategoricalCrossentropy()
    monitor = TrainingMonitor(model, optimizer, log_dir)

    @monitor.watch
    @tf.function(jit_compile=True)
    def train_step(x, y):
        with tf.GradientTape() as tape:
            loss = loss_fn(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    batches = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(2000, seed=0).batch(32, drop_remainder=True)
    with monitor:
        for x_batch, y_batch in batches.repeat(6):
            train_step(x_batch, y_batch)


# Eight sigmoids in a row: each passes on a quarter of the gradient at most.
@shows("vanishing_gradients")
def deep_sigmoid(log_dir: str) -> None:
    hidden = [layers.Dense(32, activation="sigmoid", name=f"sigmoid_{i}") for i in range(1, 9)]
    fit(classifier(*hidden), keras.optimizers.SGD(0.1), log_dir)


# Pixels fed one by one to a plain recurrent layer: 64 times the same matrix.
@shows("exploding_gradients")
def exploding_recurrent(log_dir: str) -> None:
    x, y = digits()
    large = RandomNormal(stddev=0.25, seed=1)
    cell = layers.SimpleRNN(48, activation="relu", recurrent_initializer=large, name="recurrent")
    model = keras.Sequential([keras.Input((64, 1)), cell, layers.Dense(10, activation="softmax", name="output")])
    fit(model, keras.optimizers.SGD(0.01), log_dir, data=(x[..., None], y), epochs=4)


# The learning rate of an SGD recipe, used with Adam.
@shows("learning_rate_too_high")
def learning_rate_too_high(log_dir: str) -> None:
    model = classifier(
        layers.Dense(64, activation="relu", name="hidden_1"), layers.Dense(32, activation="relu", name="hidden_2")
    )
    fit(model, keras.optimizers.Adam(0.5), log_dir)


# A fine-tuning learning rate, used from scratch.
@shows("learning_rate_too_low")
def learning_rate_too_low(log_dir: str) -> None:
    model = classifier(
        layers.Dense(64, activation="relu", name="hidden_1"), layers.Dense(32, activation="relu", name="hidden_2")
    )
    fit(model, keras.optimizers.Adam(1e-6), log_dir)


# Thirteen measurements as they come, from 0.1 to 1,680.
@shows("unnormalized_inputs")
def unnormalised_inputs(log_dir: str) -> None:
    x, y = load_wine(return_X_y=True)
    model = keras.Sequential(
        [
            keras.Input((13,)),
            layers.Dense(32, activation="relu", name="hidden"),
            layers.Dense(3, activation="softmax", name="output"),
        ]
    )
    fit(model, keras.optimizers.SGD(0.01), log_dir, data=(x.astype("float32"), y), epochs=40, batch_size=16)


# Deep and three units narrow: once all three are negative, nothing passes any more.
@shows("dying_relu")
def dying_relu(log_dir: str) -> None:
    hidden = [
        layers.Dense(3, activation="relu", kernel_initializer="he_normal", name=f"narrow_{i}") for i in range(1, 9)
    ]
    fit(classifier(*hidden), keras.optimizers.Adam(1e-3), log_dir)


# The output of a ten-class tutorial with one unit left: a softmax over one number is always 1.
@shows("output_activation_mismatch")
def softmax_over_one_unit(log_dir: str) -> None:
    # Keras warns of this one itself; the demo shows what is left to see when nobody reads it.
    warnings.filterwarnings("ignore", "You are using a softmax over axis -1", UserWarning)
    x, y = load_breast_cancer(return_X_y=True)
    x = ((x - x.mean(0)) / x.std(0)).astype("float32")
    model = keras.Sequential(
        [
            keras.Input((30,)),
            layers.Dense(16, activation="relu", name="hidden"),
            layers.Dense(1, activation="softmax", name="output"),
        ]
    )
    fit(model, keras.optimizers.Adam(1e-3), log_dir, data=(x, y.astype("float32")[:, None]), loss="binary_crossentropy")


# "Small random numbers", too small for the signal to survive four layers.
@shows("poor_initialization")
def tiny_weights(log_dir: str) -> None:
    hidden = [
        layers.Dense(64, activation="relu", kernel_initializer=RandomNormal(stddev=1e-3, seed=i), name=f"hidden_{i}")
        for i in range(1, 5)
    ]
    fit(classifier(*hidden), keras.optimizers.SGD(0.05), log_dir)


# 200 digits for 150,000 weights, some of the labels wrong.
@shows("overfitting")
def overfitting(log_dir: str) -> None:
    x, y = digits()
    rng = np.random.default_rng(0)
    train = y[:200].copy()
    wrong = rng.choice(200, 30, replace=False)
    train[wrong] = rng.integers(0, 10, 30)
    model = classifier(
        layers.Dense(256, activation="relu", name="hidden_1"), layers.Dense(512, activation="relu", name="hidden_2")
    )
    fit(
        model,
        keras.optimizers.Adam(1e-3),
        log_dir,
        data=(x[:200], train),
        epochs=40,
        validation_data=(x[200:], y[200:]),
    )
