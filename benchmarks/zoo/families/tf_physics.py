"""A net that obeys a differential equation, y'' = -y with y(0) = 0 and y'(0) = 1, in a TensorFlow loop."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras.optimizers import Adam

from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, outputs
from benchmarks.zoo.families.measures import explained
from benchmarks.zoo.training import Outcome
from tb_lossdiag import TrainingMonitor

SPAN = 3.0


OPTIMIZER = partial(Adam, 5e-3)


def train(
    log_dir: str,
    seed: int,
    activation: str = "tanh",
    start: float = 1.0,
    times: float = 1.0,
    data: bool = False,
    flat: bool = False,
    steps: int = 600,
    optimizer: Callable = OPTIMIZER,
) -> Outcome:
    """start: the weight of the start conditions. times: the unit of time that the net is given. data: fit forty
    measurements as well. flat: these lie in a vector, the net's answers in a column."""
    begin(seed)
    model = keras.Sequential(
        [keras.Input((1,)), layers.Dense(24, activation), layers.Dense(24, activation), layers.Dense(1, name="y")]
    )
    made = optimizer()
    monitor = TrainingMonitor(model, made, log_dir)
    rng = np.random.default_rng(72)
    seen = rng.uniform(0, SPAN, (40, 1)).astype("float32")
    measured = tf.constant((np.sin(seen) + rng.normal(0, 0.02, seen.shape)).astype("float32"))
    measured = measured[:, 0] if flat else measured

    def residual(t: Any) -> Any:
        with tf.GradientTape() as outer:
            outer.watch(t)
            with tf.GradientTape() as inner:
                inner.watch(t)
                y = model(t * times)
            slope = inner.gradient(y, t)
        bend = outer.gradient(slope, t)
        return (bend if bend is not None else tf.zeros_like(y)) + y

    def begun() -> Any:
        zero = tf.zeros((1, 1))
        with tf.GradientTape() as tape:
            tape.watch(zero)
            y = model(zero * times)
        return tf.reduce_mean(tf.square(y)) + tf.reduce_mean(tf.square(tape.gradient(y, zero) - 1))

    @monitor.watch
    @tf.function
    def step(t: Any) -> Any:
        with tf.GradientTape() as tape:
            equation_loss = tf.reduce_mean(tf.square(residual(t)))
            start_loss = begun()
            loss = equation_loss + start * start_loss
            if data:
                loss += 200 * tf.reduce_mean(tf.square(measured - model(tf.constant(seen) * times)))
        gradients = tape.gradient(loss, model.trainable_variables)
        pairs = zip(gradients, model.trainable_variables, strict=True)
        made.apply_gradients([(gradient, one) for gradient, one in pairs if gradient is not None])
        return {"loss": loss, "equation_loss": equation_loss, "start_loss": start_loss}

    value = 0.0
    with monitor:
        for _ in range(steps):
            t = tf.constant(rng.uniform(0, SPAN, (64, 1)).astype("float32"))
            value = float(step(t)["loss"])
    t = np.linspace(0, SPAN, 200, dtype="float32")[:, None]
    return Outcome(value, value, explained(np.sin(t), outputs(model, t * np.float32(times))))


FAMILY = Family(
    "tf_physics",
    "loop",
    train,
    {"plain": {}, "with_data": {"data": True}},
    (
        # y = 0 obeys the equation; what forbids it counts for nothing.
        fault("unbalanced_loss_terms", "start_weighs_nothing", start=1e-6),
        # A ReLU net has no second derivative.
        fault("hidden_activation_unsuitable", "relu", "dying_relu", "disconnected_graph", activation="relu"),
        fault("unnormalized_inputs", "time_in_milliseconds", "saturated_activations", times=1000.0),
        fault("shape_broadcast", "vector_of_measurements", of="with_data", flat=True),
    ),
)
