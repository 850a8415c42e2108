"""Pictures in a TensorFlow loop, where the user says himself whether layers are to train or to infer."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras.optimizers import SGD, Adam

from benchmarks.zoo.data import shapes
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, outputs
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome
from tb_lossdiag import TrainingMonitor

OPTIMIZER = partial(SGD, momentum=0.9)


def train(
    log_dir: str,
    seed: int,
    told: bool = True,
    scale: float = 255.0,
    dropout: float = 0.2,
    label_shift: int = 0,
    eager: bool = False,
    rate: float = 0.02,
    optimizer: Callable = OPTIMIZER,
) -> Outcome:
    """told: whether the model is called with training=True. scale: of the pixels. label_shift: the rows between a
    picture and its label. eager: in `monitor.step()`."""
    begin(seed)
    x, y, *_ = shapes()
    x, labels = np.float32(scale) * x, np.roll(y, label_shift)
    stack = [keras.Input((12, 12, 1))]
    for filters in (8, 16):
        stack += [layers.Conv2D(filters, 3, padding="same", use_bias=False), layers.BatchNormalization(momentum=0.9)]
        stack += [layers.ReLU(), layers.MaxPooling2D()]
    stack += [layers.Flatten(), layers.Dropout(dropout), layers.Dense(4)]
    model, made = keras.Sequential(stack), optimizer(rate)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    monitor = TrainingMonitor(model, made, log_dir)

    def moved(pictures: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            value = loss_of(labels, model(pictures, training=True) if told else model(pictures))
        gradients = tape.gradient(value, model.trainable_variables)
        made.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return value

    watched = None if eager else monitor.watch(tf.function(moved))

    def step(pictures: Any, labels: Any) -> float:
        if watched:
            return float(watched(pictures, labels))
        with monitor.step():
            return float(moved(pictures, labels))

    losses = []
    with monitor:
        for epoch in range(3 if eager else 8):
            rows = tf.data.Dataset.from_tensor_slices((x, labels)).shuffle(len(x), seed=seed + epoch).batch(32)
            losses = [step(*batch) for batch in rows]
    value = float(np.mean(losses))
    return Outcome(value, value, skill("classes", labels, outputs(model, x)))


FAMILY = Family(
    "loop_modes",
    "loop",
    train,
    {"plain": {}, "eager": {"eager": True}, "adam": {"optimizer": Adam, "rate": 3e-3, "scale": 1.0}},
    (
        # Batch normalisation goes on with the mean 0 and the variance 1 it was made with.
        fault("train_eval_mismatch", "training_not_told", "unnormalized_inputs", told=False),
        fault("uninformative_labels", "one_row_off", label_shift=1),
        fault("excessive_dropout", "0.99", of="adam", dropout=0.99),
        fault("learning_rate_too_high", "sgd_30", rate=30.0),
    ),
)
