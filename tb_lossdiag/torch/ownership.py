"""Whose weights does the optimizer have? Those of the model, part of them, or those of another one.

A module in a plain list or dict is none for torch: its weights are read in the forward pass and get gradients, but
`parameters()` does not name them, and so no optimizer has them.
"""

import gc
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

MAX_DEPTH = 3  # of lists, dicts and tuples in one another
MAX_NAMED = 50  # a reader wants to know which, not all of a thousand


def ownership(model: nn.Module, optimizer: Optimizer, foreign: Mapping[int, Tensor]) -> dict[str, Any]:
    """Facts under the names of run.ModelCard.settings: optimizer_share, optimizer_foreign, untracked.

    foreign: what gets a gradient and is no parameter of the model, by id. An input with a gradient is of that kind too;
    untracked is what an object of the model holds. Other optimizers may have what this one has not.
    """
    trainable = {id(x): x for x in model.parameters() if x.requires_grad}
    own = {id(x): x for group in optimizer.param_groups for x in group["params"]}
    held = dict(_held(model, foreign)) if foreign else {}
    known = set(own)
    if not (trainable.keys() | held.keys()) <= known:
        known |= {id(x) for other in _optimizers() for group in other.param_groups for x in group["params"]}
    whole = sum(x.numel() for x in trainable.values())
    others = sum(x.numel() for key, x in own.items() if key not in trainable and x.requires_grad)
    untracked = [
        {"name": name, "shape": list(foreign[key].shape), "holder": holder}
        for key, (name, holder) in held.items()
        if key not in known
    ]
    return {
        **(
            {"optimizer_share": sum(x.numel() for key, x in trainable.items() if key in known) / whole} if whole else {}
        ),
        **({"optimizer_foreign": others} if others else {}),
        **({"untracked": untracked[:MAX_NAMED]} if untracked else {}),
    }


def _optimizers() -> list[Optimizer]:
    """All there are. Looks at every object of the process, which takes some 50 ms."""
    objects = gc.get_objects()
    kinds = {kind for kind in set(map(type, objects)) if issubclass(kind, Optimizer)}
    return [found for found in objects if type(found) in kinds]


def _held(model: nn.Module, foreign: Mapping[int, Tensor]) -> Iterator[tuple[int, tuple[str, str]]]:
    """Which of these tensors a module of the model holds in a way of its own, with their names and the holder's."""
    modules = dict(model.named_modules(remove_duplicate=True))
    registered = {id(module) for module in modules.values()}
    seen: set[int] = set()
    for path, module in modules.items():
        for attribute, value in list(vars(module).items()):
            if attribute.startswith("_"):
                continue  # what torch itself keeps there is registered
            prefix = f"{path}.{attribute}" if path else attribute
            for name, tensor in _tensors_in(value, prefix, registered, MAX_DEPTH):
                if id(tensor) in foreign and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield id(tensor), (name, type(module).__name__)


def _tensors_in(value: Any, name: str, registered: set[int], depth: int) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, nn.Module):
        if id(value) not in registered:
            yield from ((f"{name}.{inner}", parameter) for inner, parameter in value.named_parameters())
    elif isinstance(value, (list, tuple, dict, set)) and depth:
        for key, inner in _items(value):
            yield from _tensors_in(inner, f"{name}.{key}", registered, depth - 1)


def _items(value: Any) -> Iterable[tuple[Any, Any]]:
    return list(value.items()) if isinstance(value, dict) else enumerate(value)
