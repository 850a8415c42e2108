"""Did the model run as in training, or as in evaluation? By what its layers were called with."""

from collections.abc import Mapping
from typing import Any

import keras

from tb_lossdiag.recording.keras_private import is_of_keras, takes_training

# Settings of Keras's own layers without which training changes nothing.
_SHARES = ("rate", "dropout", "recurrent_dropout", "stddev")


class Modes:
    """Of the calls of one step. The model itself counts first: a part of it may be in evaluation mode on purpose."""

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._of_model: list[bool] = []
        self._of_layers: list[bool] = []

    def saw(self, layer: Any, kwargs: Mapping[str, Any]) -> None:
        """A call, with the arguments that Keras has completed."""
        mode = kwargs.get("training")
        if mode is not None and not isinstance(mode, (bool, int)):
            return  # a tensor, whose value the trace does not know
        if layer is self._model:
            self._of_model.append(bool(mode))
        elif differs(layer):
            self._of_layers.append(bool(mode))

    @property
    def in_training(self) -> bool | None:
        """None where no layer makes a difference, and the model was not told that it trains."""
        if any(self._of_model) or any(self._of_layers):
            return True
        return False if self._of_layers else None


def differs(layer: Any) -> bool:
    """Whether the layer does something else in training than in evaluation."""
    if not takes_training(layer):
        return False
    if isinstance(layer, keras.layers.BatchNormalization):
        return bool(layer.trainable)
    if not is_of_keras(layer):
        return True
    return any(_is_above_zero(getattr(layer, name, None)) for name in _SHARES)


def _is_above_zero(setting: Any) -> bool:
    return isinstance(setting, (int, float)) and setting > 0
