"""Which models do the recording tests train? A few tiny ones that hold what recording must not disturb."""

import keras
import numpy as np

LAYERS = keras.layers


def mlp(seed: int = 0) -> keras.Model:
    """Dropout and batch norm: random numbers and moving averages that a disturbed step would change."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            LAYERS.Input((4,)),
            LAYERS.Dense(8, activation="relu", name="hidden"),
            LAYERS.BatchNormalization(name="norm"),
            LAYERS.Dropout(0.2, name="drop"),
            LAYERS.Dense(3, activation="softmax", name="out"),
        ],
        name="mlp",
    )


def three_terms() -> keras.Model:
    """A loss of two outputs' losses and what a layer adds."""
    keras.utils.set_random_seed(0)
    x = LAYERS.Input((4,), name="x")
    hidden = LAYERS.Dense(6, activation="relu", activity_regularizer="l2", name="hidden")(x)
    ends = {
        "kind": LAYERS.Dense(3, activation="softmax", name="kind")(hidden),
        "size": LAYERS.Dense(1, name="size")(hidden),
    }
    return keras.Model(x, ends)


THREE_TERMS = {"kind": "sparse_categorical_crossentropy", "size": "mse"}


def batches(examples: int = 24) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    return rng.normal(size=(examples, 4)).astype(np.float32), rng.integers(0, 3, examples)


def ends() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Data for `three_terms`."""
    x, y = batches()
    return x, {"kind": y, "size": x[:, 0]}


def same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    """Bit for bit."""
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
