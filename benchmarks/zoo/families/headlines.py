"""What is a short text about? Words are embedded, pooled and told apart, in Keras."""

from collections.abc import Callable
from functools import cache, partial

import keras
import numpy as np
from keras import layers
from keras.optimizers import SGD, Adam

from benchmarks.zoo.data import Data, parted
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, fitted, outputs
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome

WORDS, LENGTH, TOPICS = 400, 20, 4


@cache
def texts() -> Data:
    """1,800 texts of 8 to 20 words, padded with 0; common words are common everywhere, rarer ones have a topic."""
    rng = np.random.default_rng(105)
    topics = np.arange(1800) % TOPICS
    common = np.minimum(1 + rng.zipf(1.4, (1800, LENGTH)), 79)
    own = 80 + 80 * topics[:, None] + np.minimum(rng.zipf(1.2, (1800, LENGTH)), 80) - 1
    x = np.where(rng.random((1800, LENGTH)) < 0.3, own, common)
    x[np.arange(LENGTH) >= rng.integers(8, LENGTH + 1, 1800)[:, None]] = 0
    return parted(x, topics)


OPTIMIZER = partial(Adam, 1e-2)


def train(
    log_dir: str,
    seed: int,
    pooling: Callable[[], layers.Layer] = layers.GlobalAveragePooling1D,
    masked: bool = True,
    units: int = TOPICS,
    end: str = "softmax",
    loss: str = "sparse_categorical_crossentropy",
    one_hot: bool = False,
    dropout: float = 0.0,
    size: int = 32,
    optimizer: Callable = OPTIMIZER,
    epochs: int = 6,
) -> Outcome:
    begin(seed)
    x, y, x_val, y_val = texts()
    told, told_val = (np.eye(TOPICS, dtype="float32")[one] if one_hot else one for one in (y, y_val))
    model = keras.Sequential(
        [
            keras.Input((LENGTH,), dtype="int32"),
            layers.Embedding(WORDS, 16, mask_zero=masked),
            pooling(),
            layers.Dropout(dropout),
            layers.Dense(24, "relu"),
            layers.Dense(units, end, name="topic"),
        ]
    )
    model.compile(optimizer(), loss, metrics=["accuracy"])
    validation = {"validation_data": (x_val, told_val)}
    value = fitted(model, x, told, log_dir=log_dir, epochs=epochs, batch_size=size, **validation)
    found = (skill("classes", a, outputs(model, b)) for a, b in ((y, x), (y_val, x_val)))
    return Outcome(value, value, *found)


FAMILY = Family(
    "headlines",
    "keras",
    train,
    {
        "plain": {},
        "highest": {"pooling": layers.GlobalMaxPooling1D, "masked": False, "dropout": 0.3, "one_hot": True}
        | {"loss": "categorical_crossentropy", "optimizer": partial(Adam, 3e-3)},
        "descent": {"optimizer": partial(SGD, 0.1, momentum=0.9)},
        "any_topic": {"one_hot": True, "end": "sigmoid", "loss": "binary_crossentropy"},
    },
    (
        fault("unsuitable_optimizer", "sgd_0.01", "learning_rate_too_low", optimizer=partial(SGD, 0.01)),
        # Four topics, and one unit to say which.
        fault(
            "loss_mismatch",
            "one_unit_for_four",
            "invalid_labels",
            "output_activation_mismatch",
            units=1,
            end="sigmoid",
            loss="binary_crossentropy",
        ),
        fault("unsuitable_batch_size", "all_at_once", "undertrained", "learning_rate_too_low", of="descent", size=1440),
        fault("excessive_dropout", "0.99", of="highest", dropout=0.99),
    ),
    kept_out=True,
)
