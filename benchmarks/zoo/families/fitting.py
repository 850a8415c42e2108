"""How do the families' Keras programs begin, and what does a fit leave?"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from tb_lossdiag import LossDiagnostics


def begin(seed: int) -> None:
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy("float32")


def fitted(model: keras.Model, *data: Any, log_dir: str, callbacks: tuple = (), **options: Any) -> float:
    """Fits the compiled model, recorded; answers the last epoch's loss."""
    options = {"verbose": 0, **options}
    history = model.fit(*data, callbacks=[*callbacks, LossDiagnostics(log_dir)], **options)
    return float(history.history["loss"][-1])


def outputs(model: keras.Model, x: Any, size: int = 512) -> Any:
    """The model's outputs in inference mode, as NumPy arrays in its own structure."""
    count = len(next(iter(x.values()))) if isinstance(x, Mapping) else len(x[0] if isinstance(x, tuple) else x)
    parts = []
    for i in range(0, count, size):
        batch = keras.tree.map_structure(lambda part, i=i: part[i : i + size], x)
        parts.append(keras.tree.map_structure(np.asarray, model(batch, training=False)))
    return keras.tree.map_structure(lambda *some: np.concatenate(some), *parts)
