"""Which layers and trainable variables does a model have, and what are they called?

A path names the way from the model down to the layer ("encoder/dense_1"), without the model's own name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

from tb_lossdiag.recording.keras_private import backend_variable, inner_layers, own_variables
from tb_lossdiag.recording.rows import unique

# These run their inner layers in a loop or a copy of their own, where nothing can be read: they count as one layer.
LEAVES = (keras.layers.RNN, keras.layers.Bidirectional, keras.layers.Wrapper)


@dataclass(frozen=True)
class Structure:
    """layers: path to layer, containers (models) and Input layers left out. variables: path to trainable variable.

    owners: path of a variable to the path of the layer it belongs to, the model's name for its own.
    """

    layers: dict[str, keras.layers.Layer]
    variables: dict[str, Any]
    owners: dict[str, str]

    def path_of_layer(self, layer: Any) -> str | None:
        return next((path for path, known in self.layers.items() if known is layer), None)

    def path_of_variable(self, variable: Any) -> str | None:
        """Of a Keras variable or of the tf.Variable inside it; None when it is not one of the model's."""
        for path, known in self.variables.items():
            if variable is known or variable is backend_variable(known):
                return path
        return None


def structure_of(model: keras.Model) -> Structure:
    """The model as it is now; a subclassed model may have more variables after its first call."""
    layers: dict[str, keras.layers.Layer] = {}
    owner_of: dict[int, str] = {}
    for path, layer in _walk(model, "", set()):
        if not isinstance(layer, keras.Model):
            path = unique(path, layers)
            layers[path] = layer
        own = layer.trainable_variables if isinstance(layer, LEAVES) else own_variables(layer)
        for variable in own:
            owner_of.setdefault(id(variable), path)
    variables: dict[str, Any] = {}
    owners: dict[str, str] = {}
    for variable in model.trainable_variables:
        path = unique(variable.path.removeprefix(f"{model.name}/"), variables)
        variables[path] = variable
        owners[path] = owner_of.get(id(variable), model.name)
    return Structure(layers, variables, owners)


def _walk(parent: keras.layers.Layer, prefix: str, seen: set[int]) -> Iterator[tuple[str, keras.layers.Layer]]:
    for layer in inner_layers(parent):
        if id(layer) in seen or isinstance(layer, keras.layers.InputLayer):
            continue
        seen.add(id(layer))
        path = prefix + layer.name
        yield path, layer
        if not isinstance(layer, LEAVES):
            yield from _walk(layer, f"{path}/", seen)
