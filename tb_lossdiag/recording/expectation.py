"""What does a frozen normalization layer expect of its input? The mean and the variance that it was given before.

Numbers are averages over its channels: enough to tell pixels of 0 … 255 from such of 0 … 1.
"""

from contextlib import suppress
from typing import Any

import keras
import numpy as np

# Setting of the layer's card -> attribute.
_BATCH = {
    "moving_mean": "moving_mean",
    "moving_variance": "moving_variance",
    "scale_mean": "gamma",
    "offset_mean": "beta",
}
_INPUT = {"moving_mean": "mean", "moving_variance": "variance"}


def expectation(layer: Any) -> dict[str, float]:
    """By name of LayerCard.settings; nothing of a layer that still learns what to expect, or expects nothing."""
    if isinstance(layer, keras.layers.Normalization):
        names = _INPUT
    elif isinstance(layer, keras.layers.BatchNormalization) and not layer.trainable:
        names = _BATCH
    else:
        return {}
    values = {name: getattr(layer, attribute, None) for name, attribute in names.items()}
    means = {name: _mean(value) for name, value in values.items() if value is not None}
    return {name: mean for name, mean in means.items() if np.isfinite(mean)}


def _mean(value: Any) -> float:
    with suppress(Exception):  # a tensor of a trace has no value yet
        numbers = np.asarray(keras.ops.convert_to_numpy(value), np.float64)
        return float(numbers.mean()) if numbers.size else float("nan")
    return float("nan")
