"""How long does a machine last? Hazards from times of which some are only known to be longer, in a TensorFlow loop."""

from collections.abc import Callable
from functools import cache
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


@cache
def machines() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """1,600 machines of 8 measurements, the years they ran, whether they failed then, and the logarithm of their true
    hazard."""
    rng = np.random.default_rng(107)
    x = rng.normal(size=(1600, 8))
    log_hazard = x[:, :5] @ np.array([0.9, -0.7, 0.5, -0.4, 0.3]) + 0.4 * x[:, 5] * x[:, 0] - 0.5
    lasts, seen = rng.exponential(np.exp(-log_hazard)), rng.uniform(0.5, 6, 1600)
    years, failed = np.minimum(lasts, seen), lasts <= seen
    return *(one.astype("float32") for one in (x, years, failed)), log_hazard


def exponential(log_hazard: Any, time: Any, failed: Any, lasting: bool) -> Any:
    """The same hazard at all times. lasting: whether having lasted until then counts."""
    risen = tf.exp(log_hazard) * time if lasting else 0.0
    return tf.reduce_mean(risen - failed * log_hazard)


def weibull(log_hazard: Any, time: Any, failed: Any, lasting: bool, shape: float = 1.0) -> Any:
    """A hazard that may grow with the time."""
    log_time = tf.math.log(time + 1e-3)
    risen = tf.exp(log_hazard + shape * log_time) if lasting else 0.0
    return tf.reduce_mean(risen - failed * (log_hazard + (shape - 1) * log_time))


def cox(log_hazard: Any, time: Any, failed: Any, lasting: bool) -> Any:
    """Who fails first, of all that still run?"""
    order = tf.argsort(time, direction="DESCENDING")
    risk, fell = tf.gather(log_hazard, order), tf.gather(failed, order)
    others = tf.math.cumulative_logsumexp(risk) if lasting else 0.0
    return tf.reduce_sum(fell * (others - risk)) / tf.reduce_sum(fell)


def train(
    log_dir: str,
    seed: int,
    likelihood: Callable = exponential,
    unit: float = 1.0,
    column: bool = False,
    lasting: bool = True,
    start: str = "glorot_uniform",
    activation: str = "tanh",
    rate: float = 5e-3,
    size: int = 64,
    epochs: int = 12,
) -> Outcome:
    """unit: how many of what times are counted in make a year. column: whether the hazards stay [n, 1]."""
    begin(seed)
    x, years, failed, truth = machines()
    model = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(24, activation, kernel_initializer=start),
            layers.Dense(16, activation, kernel_initializer=start),
            layers.Dense(1, kernel_initializer=start, name="log_hazard"),
        ]
    )
    made = Adam(rate)
    monitor = TrainingMonitor(model, made, log_dir)

    @monitor.watch
    @tf.function
    def step(x: Any, time: Any, failed: Any) -> Any:
        with tf.GradientTape() as tape:
            hazards = model(x, training=True)
            loss = likelihood(hazards if column else tf.squeeze(hazards, 1), time, failed, lasting)
        gradients = tape.gradient(loss, model.trainable_variables)
        made.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    losses = []
    with monitor:
        for epoch in range(epochs):
            rows = tf.data.Dataset.from_tensor_slices((x, years * np.float32(unit), failed))
            losses = [float(step(*batch)) for batch in rows.shuffle(1600, seed=seed + epoch).batch(size)]
    value = float(np.mean(losses))
    found = outputs(model, x)[:, 0]
    return Outcome(value, value, explained(truth - truth.mean(), found - found.mean()))


FAMILY = Family(
    "hazard",
    "loop",
    train,
    {
        "plain": {},
        "weibull": {"likelihood": weibull, "activation": "relu", "rate": 3e-3},
        "cox": {"likelihood": cox, "rate": 3e-3},
    },
    (
        # [n, 1] by [n]: the hazard of each for the time of every other.
        fault("shape_broadcast", "hazards_in_a_column", column=True),
        fault("unscaled_targets", "in_minutes", of="weibull", unit=525600.0),
        # Nothing speaks against a hazard without end.
        fault("unbounded_loss", "lasting_left_out", of="weibull", lasting=False),
        fault("symmetric_initialization", "all_zero", "poor_initialization", of="cox", start="zeros"),
    ),
    kept_out=True,
)
