"""Which Dense layer made the prediction, and from what?"""

from collections.abc import Sequence
from typing import Any

import keras

from tb_lossdiag.recording.activations import activation_name
from tb_lossdiag.recording.rows import LayerCall
from tb_lossdiag.recording.structure import Structure


def output_layer(calls: Sequence[LayerCall], structure: Structure, prediction: Any) -> tuple[Any, str | None]:
    """(input, activation) of the Dense layer whose very output the prediction is, but for an activation, which may be a
    layer of its own; (None, None) where there is none."""
    array, activations = prediction, []
    for call in reversed(calls):
        if not call.inputs or not any(output is array for output in call.outputs):
            continue
        layer, array = structure.layers.get(call.path), call.inputs[0]
        activations += [name for name in [activation_name(layer)] if name != "linear"]
        if type(layer) is keras.layers.Dense:
            return (array, (activations or ["linear"])[0]) if len(activations) < 2 else (None, None)
        if not isinstance(layer, (keras.layers.Activation, keras.layers.Softmax)):
            break
    return None, None
