"""Which losses and targets look wrong and are not? Large ones, robust ones, counts, smoothed labels, two at once."""

from functools import cache, partial
from typing import Any

import keras
import numpy as np
from keras import layers, losses
from keras.optimizers import SGD, Adam, AdamW, Nadam

from benchmarks.zoo.data import Data, digits, houses, one_hot_digits, parted, unscaled_houses
from benchmarks.zoo.models import mlp
from benchmarks.zoo.recipe import Recipe, healthy, started
from benchmarks.zoo.recipes import DIGITS, HOUSES, TAGS, TUMOURS_SGD
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome, Training
from tb_lossdiag import LossDiagnostics


@cache
def targets_near_200() -> Data:
    x, y, x_val, y_val = houses()
    return Data(x, 200 + 40 * y, x_val, 200 + 40 * y_val)


@cache
def counts() -> Data:
    """1,600 counts around 20 of which eight features tell the rate."""
    rng = np.random.default_rng(30)
    x = rng.normal(size=(1600, 8))
    rate = np.exp(3 + 0.5 * np.tanh(x[:, 0] + x[:, 1]) + 0.3 * x[:, 2] * (x[:, 3] > 0))
    return parted(x, rng.poisson(rate)[:, None].astype("float32"))


@cache
def strokes() -> Data:
    """The middle half of every digit, 32 pixels, to be told from itself."""
    x, _, x_val, _ = digits()
    middle, middle_val = (part.reshape(-1, 8, 8)[:, :, 2:6].reshape(-1, 32) for part in (x, x_val))
    return Data(middle, middle, middle_val, middle_val)


def two_heads() -> keras.Model:
    """Which digit is it, and is it odd?"""
    source = keras.Input((64,), name="pixels")
    shared = layers.Dense(64, activation="relu", name="shared")(source)
    digit = layers.Dense(10, activation="softmax", name="digit")(shared)
    odd = layers.Dense(1, activation="sigmoid", name="odd")(shared)
    return keras.Model(source, {"digit": digit, "odd": odd})


def train_two_heads(recipe: Recipe, log_dir: str, seed: int) -> Outcome:
    data, model = started(recipe, seed)
    both, both_val = ({"digit": y, "odd": (y % 2)[:, None].astype("float32")} for y in (data.y, data.y_val))
    model.compile(recipe.optimizer(), recipe.loss, loss_weights={"digit": 1.0, "odd": 0.5})
    options = {"epochs": recipe.epochs, "batch_size": recipe.batch_size, "validation_data": (data.x_val, both_val)}
    history = model.fit(data.x, both, verbose=0, callbacks=[LossDiagnostics(log_dir)], **options)
    predictions, predictions_val = (model(x, training=False) for x in (data.x, data.x_val))
    loss = float(model.compute_loss(y=both, y_pred=predictions, training=False))
    skills = (_of_both(both, predictions), _of_both(both_val, predictions_val))
    return Outcome(history.history["loss"][-1], loss, *skills)


def _of_both(targets: dict[str, np.ndarray], predictions: dict[str, Any]) -> float:
    digit = skill("classes", targets["digit"], predictions["digit"])
    return (digit + skill("binary", targets["odd"], predictions["odd"])) / 2


STROKES = Recipe(
    "strokes",
    "autoencoder",
    "regression",
    strokes,
    partial(mlp, 32, 32, "sigmoid", (64, 16, 64)),
    "binary_crossentropy",
    partial(Adam, 3e-3),
    ("mse",),
    epochs=10,
)
TWO_HEADS = Recipe(
    "two_heads",
    "mlp",
    "classes",
    digits,
    two_heads,
    {"digit": "sparse_categorical_crossentropy", "odd": "binary_crossentropy"},
    partial(Adam, 3e-3),
)

HEALTHY: tuple[Training, ...] = (
    healthy(
        DIGITS,
        "label_smoothing",
        data=one_hot_digits,
        loss=losses.CategoricalCrossentropy(label_smoothing=0.1),
    ),
    healthy(
        DIGITS,
        "logits",
        model=partial(mlp, 64, 10, None),
        optimizer=partial(Nadam, 2e-3),
        loss=losses.SparseCategoricalCrossentropy(from_logits=True),
    ),
    healthy(
        TUMOURS_SGD,
        "logit",
        model=partial(mlp, 30, 1, None, (32, 16)),
        threshold=0.0,
        optimizer=partial(SGD, 0.01, momentum=0.9),
        epochs=12,
        loss=losses.BinaryCrossentropy(from_logits=True),
        metrics=(),
    ),
    healthy(HOUSES, "targets_near_200", data=targets_near_200, optimizer=partial(Adam, 0.05), epochs=15),
    healthy(
        HOUSES,
        "prices_rescaled_inside",
        data=unscaled_houses,
        optimizer=partial(Adam, 1e-2),
        epochs=12,
        model=partial(mlp, 6, 1, None, (32, 16), last=(partial(layers.Rescaling, 1e5),)),
    ),
    healthy(HOUSES, "huber", loss=losses.Huber(), optimizer=partial(AdamW, 1e-2)),
    healthy(HOUSES, "mean_absolute_error", loss="mae", metrics=(), optimizer=partial(Adam, 1e-2)),
    healthy(
        HOUSES,
        "poisson_counts",
        data=counts,
        loss="poisson",
        optimizer=partial(Adam, 1e-2),
        model=partial(mlp, 8, 1, "exponential", (32,)),
    ),
    healthy(STROKES, "binary_crossentropy"),
    healthy(STROKES, "mse", loss="mse", metrics=("mae",)),
    healthy(
        TAGS,
        "head_at_zero_binary",
        model=partial(mlp, 24, 6, "sigmoid", (48,), head_options={"kernel_initializer": "zeros"}),
        epochs=5,
    ),
    healthy(
        DIGITS,
        "head_at_zero",
        optimizer=partial(SGD, 0.1, momentum=0.9),
        model=partial(mlp, 64, 10, "softmax", head_options={"kernel_initializer": "zeros"}),
    ),
    Training("healthy-mlp-two_heads", None, partial(train_two_heads, TWO_HEADS)),
)
