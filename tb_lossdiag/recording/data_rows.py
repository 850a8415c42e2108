"""Which inputs, targets and predictions does a step have, and what are they called?"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras

from tb_lossdiag.recording.keras_private import operation_names
from tb_lossdiag.recording.rows import unique

# The arrays in a structure, each with the way to it.
Named = tuple[tuple[tuple[Any, ...], Any], ...]


def named(value: Any, kinds: Any) -> Named:
    """kinds: the types of arrays."""
    return tuple((path, leaf) for path, leaf in leaves(value) if isinstance(leaf, kinds))


def leaves(value: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """The leaves of a structure as keras.tree.flatten orders them, each with the way to it."""
    if hasattr(keras.tree, "flatten_with_path"):
        return [(tuple(path), leaf) for path, leaf in keras.tree.flatten_with_path(value)]
    # Keras before 3.7
    if isinstance(value, Mapping):
        parts = [(key, value[key]) for key in (value if isinstance(value, OrderedDict) else sorted(value))]
    elif isinstance(value, (list, tuple)):
        parts = list(enumerate(value))
    else:
        return [((), value)]
    return [((key, *path), leaf) for key, part in parts for path, leaf in leaves(part)]


def data_rows(
    model: keras.Model, x: Named | None, y: Named | None, y_pred: Named | None
) -> Iterator[tuple[str, str, Any]]:
    """(kind, name, array) of each input, target and prediction; None where nothing was seen."""
    inputs, outputs = (operation_names(model, ends) for ends in ("inputs", "outputs"))
    for kind, value, names in (("input", x, inputs), ("target", y, outputs), ("prediction", y_pred, outputs)):
        taken: set[str] = set()
        for number, (path, array) in enumerate(value or ()):
            own = names[number] if len(names) == len(value) else "/".join(str(part) for part in path) or kind
            name = unique(own, taken)
            taken.add(name)
            yield kind, name, array


def named_rows(
    data: Iterable[tuple[str, str, Any]], terms: Iterable[str], rates: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """(kind, name) of each row: of `data_rows`, then the terms of the loss, then the learning rates of optimizers."""
    yield from ((kind, name) for kind, name, _ in data)
    yield from (("loss", name) for name in terms)
    yield from (("rate", name) for name in rates)


def classes_of(target: Any, prediction: Any, sparse_labels: bool | None, is_integer: bool) -> int | None:
    """How many classes the first target's integer labels come from; None when they are not class labels.

    sparse_labels: whether the targets are class labels; None when no compiled loss says so. is_integer: the target.
    """
    if target is None or prediction is None or not prediction.ndim:
        return None
    if sparse_labels is None:
        flat = target.ndim == prediction.ndim - 1 or (target.ndim and target.shape[-1] == 1)
        sparse_labels = is_integer and bool(flat) and prediction.shape[-1] > 1
    return int(prediction.shape[-1]) if sparse_labels else None
