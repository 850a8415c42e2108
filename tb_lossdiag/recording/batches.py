"""Which layer outputs certainly have batches of one size, though nobody says how large they are?

Keras's own layers keep the batch of their input. What other layers, and operations between them, make of it is not
known; an output of theirs stands for a size of its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tb_lossdiag.recording.keras_private import is_layer_of_keras
from tb_lossdiag.recording.rows import LayerCall

_KEEPING = (
    *("activations", "attention", "convolutional", "core", "merging", "normalization", "pooling", "regularization"),
    *("reshaping", "rnn"),
)
_MAY_NOT = (keras.layers.Concatenate, keras.layers.Lambda, keras.layers.Wrapper)  # the first along any axis


def batches_of(calls: Sequence[LayerCall], layers: Mapping[str, Any]) -> list[int]:
    """A number for each call; equal ones for outputs whose batches have one size. calls: in their order."""
    known: dict[int, int] = {}
    answers = []
    for call in calls:
        given = [x for x in call.inputs if tf.is_tensor(x) and x.shape.rank]
        sizes = {known.setdefault(id(_uncast(x)), len(known) + 1) for x in given}
        own = known.get(id(call.tensor))
        if own is None:
            keeps = len(sizes) == 1 and _keeps(layers.get(call.path))
            own = next(iter(sizes)) if keeps else -len(answers) - 1
        known |= {id(x): own for x in call.outputs if x is call.tensor}
        answers.append(own)
    return answers


def _keeps(layer: Any) -> bool:
    return is_layer_of_keras(layer, _KEEPING) and not isinstance(layer, _MAY_NOT)


def _uncast(x: Any) -> Any:
    """Keras casts inputs to the precision of the layer."""
    op = None if tf.executing_eagerly() else getattr(x, "op", None)
    return op.inputs[0] if op is not None and op.type == "Cast" else x
