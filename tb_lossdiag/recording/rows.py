"""Which rows does a step have, and in which order? From what was called and what belongs to it, in any framework."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tb_lossdiag.run import Row


@dataclass(frozen=True)
class LayerCall:
    """One call of a layer. tensor: its first floating-point output, None when this step cannot read it."""

    path: str
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    tensor: Any


def rows_of(called: Iterable[str], owners: Mapping[str, str]) -> Iterator[Row]:
    """In data-flow order: the variables of a layer at its first call, then the call's output.

    called: a layer's path for each call with an output. owners: a variable's path to its layer's.
    """
    left, taken = dict(owners), set(owners)
    for layer in called:
        for path in [path for path, owner in left.items() if owner == layer]:
            yield Row(path, "variable", left.pop(path))
        name = unique(layer, taken)
        taken.add(name)
        yield Row(name, "output", layer)
    for path, owner in left.items():
        yield Row(path, "variable", owner)


def feeds_of(calls: Iterable[LayerCall]) -> dict[str, tuple[str, ...]]:
    """For each called layer, the layers whose very outputs it was given."""
    producers: dict[int, str] = {}
    feeds: dict[str, tuple[str, ...]] = {}
    for call in calls:
        sources = [producers[id(value)] for value in call.inputs if id(value) in producers]
        feeds[call.path] = tuple(dict.fromkeys([*feeds.get(call.path, ()), *sources]))
        producers |= {id(value): call.path for value in call.outputs if hasattr(value, "dtype")}  # there is one None
    return feeds


def unique(name: str, taken: Container[str]) -> str:
    """The name itself, or with " #2", " #3", … where it is taken."""
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name} #{number}"
    return candidate
