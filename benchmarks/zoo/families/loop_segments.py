"""Every moment of a sequence is named, in a TensorFlow loop; sequences end early, and what lies beyond is masked."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras.optimizers import Adam
from keras.optimizers.schedules import PolynomialDecay

from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, outputs
from benchmarks.zoo.families.measures import tokens_right
from benchmarks.zoo.training import Outcome
from tb_lossdiag import TrainingMonitor

LENGTH, KINDS = 20, 3


@cache
def moments() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """800 noisy signals [20, 2] that rest, rise or fall, what they do at each moment, and which moments count."""
    rng = np.random.default_rng(73)
    kinds = np.repeat(rng.integers(0, KINDS, (800, LENGTH // 4)), 4, axis=1)
    slopes = np.array([0.0, 1.0, -1.0])[kinds]
    x = np.stack([np.cumsum(slopes, 1), slopes + rng.normal(0, 0.7, slopes.shape)], -1)
    counts = np.arange(LENGTH) < rng.integers(8, LENGTH + 1, 800)[:, None]
    return (x * counts[..., None]).astype("float32"), kinds.astype("int32"), counts.astype("float32")


def train(
    log_dir: str,
    seed: int,
    clip: float | None = 1.0,
    mixed_up: bool = False,
    rate: Callable | float = 5e-3,
) -> Outcome:
    """mixed_up: the answers are those of other sequences."""
    begin(seed)
    x, kinds, counts = moments()
    answers = kinds[np.random.default_rng(0).permutation(len(kinds))] if mixed_up else kinds
    model = keras.Sequential(
        [
            keras.Input((LENGTH, 2)),
            layers.Bidirectional(layers.GRU(16, return_sequences=True)),
            layers.Dense(KINDS, name="kinds"),
        ]
    )
    made = Adam(rate if isinstance(rate, float) else rate())
    monitor = TrainingMonitor(model, made, log_dir)

    @monitor.watch
    @tf.function
    def step(x: Any, y: Any, mask: Any) -> Any:
        with tf.GradientTape() as tape:
            each = tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x, training=True))
            loss = tf.reduce_sum(mask * each) / (tf.reduce_sum(mask) + 1e-6)
        gradients = tape.gradient(loss, model.trainable_variables)
        if clip is not None:
            gradients, _ = tf.clip_by_global_norm(gradients, clip)
        made.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    losses = []
    with monitor:
        for epoch in range(8):
            rows = tf.data.Dataset.from_tensor_slices((x, answers, counts)).shuffle(len(x), seed=seed + epoch)
            losses = [float(step(*batch)) for batch in rows.batch(32)]
    value = float(np.mean(losses))
    return Outcome(value, value, tokens_right(kinds, outputs(model, x), counts))


FAMILY = Family(
    "loop_segments",
    "loop",
    train,
    {"plain": {}, "not_clipped": {"clip": None}},
    (
        fault("learning_rate_zero", "decay_in_epochs", rate=partial(PolynomialDecay, 5e-3, 8, 0.0)),
        fault("uninformative_labels", "answers_of_others", mixed_up=True),
    ),
)
