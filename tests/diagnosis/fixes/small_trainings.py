"""Which small trainings are a fix's lines run on? Models of every make, recorded for a few steps, in a user's names."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tb_lossdiag import LossDiagnostics, TrainingMonitor
from tb_lossdiag.logs import list_experiments, read_run
from tb_lossdiag.logs.provider import open_log
from tb_lossdiag.run import Run

ROWS = 64


@dataclass(frozen=True)
class Program:
    """model, data: make it and its arrays anew. loss: what it is compiled with. compile: further arguments."""

    model: Callable[[], keras.Model]
    data: Callable[[], tuple[np.ndarray, np.ndarray]]
    loss: Any
    compile: dict[str, Any] = field(default_factory=dict)
    epochs: int = 2

    def names(self) -> dict[str, Any]:
        """What a user has at hand where the model is compiled and not yet trained."""
        keras.utils.set_random_seed(0)
        x, y = self.data()
        model = self.model()
        optimizer, loss = keras.optimizers.Adam(0.01), OBJECTS.get(self.loss, self.loss)
        model.compile(optimizer, self.loss, **self.compile)
        model(x[:2])  # a subclassed model has its weights from here on
        known = {"keras": keras, "np": np, "tf": tf, "model": model, "x": x, "y": y}
        return known | {"x_val": x[:8], "y_val": y[:8], "optimizer": optimizer, "loss_fn": loss}

    def fitted(self, log_dir: Any) -> Run:
        """Recorded by the callback."""
        user = self.names()
        user["model"].fit(
            user["x"], user["y"], batch_size=16, epochs=self.epochs, verbose=0, callbacks=[LossDiagnostics(log_dir)]
        )
        return only_run(log_dir)

    def looped(self, log_dir: Any) -> Run:
        """Recorded by the monitor, in a loop of one's own."""
        user = self.names()
        model, optimizer, loss_fn = user["model"], user["optimizer"], user["loss_fn"]
        monitor = TrainingMonitor(model, optimizer, log_dir)

        @monitor.watch
        @tf.function
        def train_step(x, y):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(loss_fn(y, model(x, training=True)))
            optimizer.apply_gradients(
                zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables, strict=True)
            )
            return loss

        with monitor:
            for begin in range(0, ROWS, 16):
                rows = slice(begin, begin + 16)
                train_step(tf.convert_to_tensor(user["x"][rows]), tf.convert_to_tensor(user["y"][rows]))
        return only_run(log_dir)


def only_run(log_dir: Any) -> Run:
    log = open_log(log_dir)
    (experiment,) = list_experiments(log).values()
    return read_run(log, experiment)


def rows(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(ROWS, *shape)).astype("float32")


def classes(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, count, ROWS)


def numbers() -> np.ndarray:
    return np.random.default_rng(2).normal(size=(ROWS, 1)).astype("float32")


def dense() -> keras.Model:
    layers = keras.layers
    return keras.Sequential([
        keras.Input((6,)), layers.Dense(8, "relu", name="hidden_1"), layers.BatchNormalization(name="norm"),
        layers.Dropout(0.8, name="drop"), layers.Dense(8, "sigmoid", name="hidden_2"), layers.ReLU(name="hidden_3"),
        layers.Dense(3, "softmax", name="output"),
    ])  # fmt: skip


def recurrent() -> keras.Model:
    layers = keras.layers
    cell = layers.SimpleRNN(6, activation="sigmoid", dropout=0.5, kernel_regularizer="l2", name="hidden_1")
    return keras.Sequential([keras.Input((5, 2)), cell, layers.Dense(1, "sigmoid", name="output")])


def convolutional() -> keras.Model:
    layers = keras.layers
    source = keras.Input((6, 6, 1))
    x = layers.Conv2D(4, 3, activation="tanh", kernel_regularizer=keras.regularizers.L1(0.1), name="hidden_1")(source)
    x = layers.Dense(4, use_bias=False, activity_regularizer="l2", name="hidden_2")(layers.Flatten()(x))
    return keras.Model(source, layers.Dense(1, name="output")(layers.Activation("tanh", name="hidden_3")(x)))


def linear() -> keras.Model:
    return keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, "softmax", name="output")])


def nested() -> keras.Model:
    layers = keras.layers
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(8, "tanh", name="hidden_1")], name="block")
    inner.trainable = False
    source = keras.Input((6,))
    return keras.Model(source, layers.Dense(3, "softmax", name="output")(inner(source)))


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.hidden_1 = keras.layers.Dense(8, "tanh", name="hidden_1")
        self.result = keras.layers.Dense(3, name="output")

    def call(self, x: Any) -> Any:
        return self.result(self.hidden_1(x))


def own_loss(y: Any, p: Any) -> Any:
    return keras.ops.mean((keras.ops.one_hot(keras.ops.cast(y, "int32"), 3) - p) ** 2, -1)


OBJECTS = {
    "sparse_categorical_crossentropy": keras.losses.SparseCategoricalCrossentropy(),
    "binary_crossentropy": keras.losses.BinaryCrossentropy(),
    "mse": keras.losses.MeanSquaredError(),
}
SPARSE = "sparse_categorical_crossentropy"
FROM_LOGITS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
PROGRAMS = {
    "dense": Program(dense, lambda: (rows(6), classes(3)), SPARSE, {"metrics": ["accuracy"]}),
    "recurrent": Program(recurrent, lambda: (rows(5, 2), classes(2)[:, None].astype("float32")), "binary_crossentropy"),
    "convolutional": Program(convolutional, lambda: (rows(6, 6, 1), numbers()), "mse", {"metrics": ["mae"]}),
    "linear": Program(linear, lambda: (rows(6), classes(3)), SPARSE),
    "nested": Program(nested, lambda: (rows(6), classes(3)), SPARSE),
    "subclassed": Program(Subclassed, lambda: (rows(6), classes(3)), FROM_LOGITS),
    "own_loss": Program(dense, lambda: (rows(6), classes(3)), own_loss),
}
