"""Which weights does the forward pass read that nobody trains? Variables that neither the model nor an optimizer has.

A tf.Variable that a layer keeps as an attribute, or a layer inside of an object that Keras does not look into, is used
and differentiated like any other, and never changes. Told are variables that say of themselves that they can be
trained; not those of one number, which are mostly set from outside (the weight of a term that grows), and not those
that the step itself assigns (an average, a memory).
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tb_lossdiag.recording.keras_private import backend_variable
from tb_lossdiag.recording.lineage import ancestors, is_handle, key
from tb_lossdiag.recording.structure import Structure

_ASSIGNING = ("Apply", "Assign", "Scatter")
MAX_FOUND = 50
MAX_OBJECTS = 10_000  # looked into for a name
MAX_PARTS = 1_000  # of one of them; a vocabulary has more
# What a layer keeps for Keras itself; what belongs to the loss or the optimizer is no part of the forward pass.
_NOT_LOOKED_INTO = ("optimizer", "loss", "metrics", "history", "train_function", "test_function", "predict_function")


def read_by(outputs: Iterable[tf.Tensor], inputs: Iterable[Any], watched: Iterable[Any]) -> list[Any]:
    """Of the variables that a tape has watched in a traced step: those that the model reads on a way that a gradient
    can flow back, and that the step does not assign. outputs, inputs: of the model's calls.
    """
    outputs = list(outputs)
    if not outputs:
        return []
    graph = outputs[0].graph
    outside = {key(inner): id(outer) for outer, inner in graph.captures if is_handle(inner)}
    read = ancestors(outputs, before=inputs, differentiated=True)
    assigning = [op for op in graph.get_operations() if any(word in op.type for word in _ASSIGNING)]
    left = _handles(read, outside) - _handles(assigning, outside)
    return [one for one in watched if id(one.handle) in left]


def _handles(ops: Iterable[tf.Operation], outside: Mapping[tuple[int, int], int]) -> set[int]:
    return {outside[key(x)] for op in ops for x in op.inputs if key(x) in outside}


def values_held(model: keras.Model, structure: Structure) -> dict[int, np.ndarray]:
    """By id, what the variables hold now that some attribute keeps and no layer tracks, of the model's or another's."""
    known = {id(backend_variable(variable)) for variable in model.variables}
    kept = [one for one, *_, is_tracked in _places(model, structure) if not is_tracked and id(one) not in known]
    return {id(one): one.numpy() for one in kept if _may_be_trained(one)}


def described(
    variables: Iterable[Any], model: keras.Model, structure: Structure, updated: set[int]
) -> list[dict[str, Any]]:
    """[{"name", "shape", "holder"}] of the variables that are nobody's, among those that the model has read. updated:
    the ids of all that an optimizer was given.
    """
    known = updated | {id(one) for variable in model.variables for one in (variable, backend_variable(variable))}
    left = [one for one in variables if id(one) not in known and _may_be_trained(one)]
    if not left:
        return []
    places, found = {id(one): rest for one, *rest in _places(model, structure)}, []
    for variable in left:
        name, holder, trainable, _ = places.get(id(variable), (variable.name.removesuffix(":0"), "", True, False))
        if trainable and len(found) < MAX_FOUND:
            found.append({"name": name, "shape": list(variable.shape), "holder": holder})
    return found


def _may_be_trained(variable: Any) -> bool:
    return variable.trainable and variable.dtype.is_floating and variable.shape.num_elements() not in (0, 1, None)


def _places(model: keras.Model, structure: Structure) -> Iterator[tuple[tf.Variable, str, str, bool, bool]]:
    """(variable, where it is kept, in which class, whether it says that it is trained, whether it is some layer's) of
    all that lie below the model's layers and the model itself.
    """
    seen = {id(model), *map(id, structure.layers.values())}
    found: set[int] = set()
    for path, layer in {**structure.layers, "": model}.items():
        queue = deque((f"{path}.{name}".removeprefix("."), value) for name, value in _attributes(layer))
        while queue and len(seen) < MAX_OBJECTS:
            where, value = queue.popleft()
            inner = backend_variable(value) if isinstance(value, keras.Variable) else value
            if isinstance(inner, tf.Variable):
                if id(inner) not in found:
                    found.add(id(inner))
                    yield inner, where, type(layer).__name__, bool(value.trainable), inner is not value
            elif id(value) not in seen:
                seen.add(id(value))
                queue += [(f"{where}{name}", part) for name, part in islice(_parts(value), MAX_PARTS)]


def _attributes(thing: Any) -> Iterator[tuple[str, Any]]:
    """Of the private ones, which Keras has many of itself, variables only."""
    for name, value in list(getattr(thing, "__dict__", {}).items()):
        is_open = not name.startswith("_") and name not in _NOT_LOOKED_INTO
        if is_open or isinstance(value, (tf.Variable, keras.Variable)):
            yield name, value


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, keras.layers.Layer):
        yield from ((f".{variable.path}", variable) for variable in value.weights)
    elif isinstance(value, Mapping):
        yield from ((f"[{name!r}]", part) for name, part in value.items() if isinstance(name, (str, int)))
    elif isinstance(value, (list, tuple, set)):
        yield from ((f"[{place}]", part) for place, part in enumerate(value))
    elif not isinstance(value, type) and not type(value).__module__.startswith(("builtins", "numpy", "tensorflow.")):
        yield from ((f".{name}", part) for name, part in _attributes(value))
