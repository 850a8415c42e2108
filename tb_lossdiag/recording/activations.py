"""What is the Keras name of a layer's activation?"""

from typing import Any

import keras

_LAYERS = {
    keras.layers.LeakyReLU: "leaky_relu",
    keras.layers.PReLU: "prelu",
    keras.layers.ELU: "elu",
    keras.layers.Softmax: "softmax",
}


def activation_name(layer: Any) -> str | None:
    """ "linear" where a layer could have one and has none; None for a layer without the notion of an activation."""
    if isinstance(layer, keras.layers.ReLU):
        if layer.negative_slope:
            return "leaky_relu"
        return "relu6" if layer.max_value == 6 else "relu"
    for kind, name in _LAYERS.items():
        if isinstance(layer, kind):
            return name
    if isinstance(layer, keras.layers.Wrapper):
        return activation_name(layer.layer)
    if isinstance(layer, keras.layers.Bidirectional):
        return activation_name(layer.forward_layer)
    activation = getattr(layer, "activation", None)
    if isinstance(activation, keras.layers.Layer):
        return activation_name(activation) or activation.name
    name = getattr(activation, "__name__", None) if activation is not None else None
    return name.removesuffix("_v2") if name else None  # tf.nn.softmax calls itself softmax_v2
