"""How is the same computed of many tensors without tracing it for each? By a function that is traced once for a form.

A transformer has dozens of outputs and variables of a few shapes. Spread over the graph, some sixty operations for each
took longer to trace and to optimise than the training's own step.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

import tensorflow as tf

from tb_lossdiag.recording.tensorflow_private import as_a_whole

Item = TypeVar("Item")


def each(function: Callable[[Item], Any], items: Sequence[Item]) -> list[Any]:
    """function(item) of every item.

    items: frozen dataclasses. Those whose tensors have the same shapes and whose other fields are equal, hashable ones,
    share one function in the graph; one that is like no other is computed in place.
    """
    if tf.executing_eagerly():
        return [function(item) for item in items]
    forms = [_form(item) for item in items]
    counts = Counter(forms)
    traced = {
        form: _traced(function, item) for form, item in dict(zip(forms, items, strict=True)).items() if counts[form] > 1
    }
    return [
        traced[form](*_tensors(item).values()) if form in traced else function(item)
        for form, item in zip(forms, items, strict=True)
    ]


def _traced(function: Callable[[Item], Any], like: Item) -> Callable[..., Any]:
    tensors = _tensors(like)

    def of_tensors(*given: tf.Tensor) -> Any:
        return function(replace(like, **dict(zip(tensors, given, strict=True))))

    # Not inlined, as it would be optimised for each call then.
    shared = tf.function(of_tensors, autograph=False, experimental_attributes=as_a_whole())
    return shared.get_concrete_function(*(tf.TensorSpec(x.shape, x.dtype) for x in tensors.values()))


def _form(item: Any) -> tuple:
    shapes = tuple(
        (name, x.dtype, None if x.shape.rank is None else tuple(x.shape)) for name, x in _tensors(item).items()
    )
    return shapes, *(getattr(item, field.name) for field in fields(item) if not tf.is_tensor(getattr(item, field.name)))


def _tensors(item: Any) -> dict[str, tf.Tensor]:
    values = {field.name: getattr(item, field.name) for field in fields(item)}
    return {name: value for name, value in values.items() if tf.is_tensor(value)}
