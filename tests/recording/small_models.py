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


def batches(examples: int = 24) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    return rng.normal(size=(examples, 4)).astype(np.float32), rng.integers(0, 3, examples)


def same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    """Bit for bit."""
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
