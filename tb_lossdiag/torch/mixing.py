"""Does what a model says of an example hang on the others of its batch? It is asked for eight, and for four of them.

A softmax over axis 0, a `view` in the place of a `permute` and a layer that goes along the batch make one example's
answer out of the others. The passes are made once, in evaluation mode, on a copy of the model.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from tb_lossdiag.torch.evaluation import Batch
from tb_lossdiag.torch.losses import tensors
from tb_lossdiag.torch.private import BATCH_NORMS, has_hooks
from tb_lossdiag.torch.repeatable import undisturbed
from tb_lossdiag.torch.structure import structure_of

ASKED, KEPT = 8, 4  # examples: the second half of them has others in front, as a layer that goes along the batch needs
MAX_WEIGHTS = 20_000_000  # elements of the model, of which a copy lives for two passes: 80 MB in float32
# Of the largest value: sums over other shapes of matrices round in other places, by some 1e-6 in float32.
SAME = 1e-4

Outputs = Mapping[str, Tensor]  # of a pass: what goes into each layer, and out of it


def mixing(model: nn.Module, batch: Batch, examples: int) -> dict[str, Any] | None:
    """{"mixed": False}, or {"mixed": True, "layer": ..., "at": "input" or "output"}; None where it cannot be asked.

    layer: the first whose input or output mixes them, "" where only the model's own result does.
    """
    modules = list(model.modules())
    weights = sum(parameter.numel() for parameter in model.parameters())
    if examples < ASKED or weights > MAX_WEIGHTS or not batch.is_unchanged():
        return None
    if any(map(has_hooks, modules)) or any(map(_goes_by_the_batch, modules)):
        return None
    given = list(tensors((batch.args, batch.kwargs)))
    if not given or any(tensor.dim() and tensor.shape[0] != examples for tensor in given):
        return None
    with undisturbed(given[0].device) as draws, torch.no_grad():
        try:
            answer = _asked(_copied(model), batch)
        except Exception:  # whatever a user's model may raise for a batch of another size
            return None
    return None if draws.changed else answer


def _asked(model: nn.Module, batch: Batch) -> dict[str, Any] | None:
    def passed(part: Callable[[Tensor], Tensor]) -> Outputs:
        args, kwargs = (_of_each(part, side) for side in (batch.args, batch.kwargs))
        with _kept(model) as kept:
            for number, tensor in enumerate(tensors(model.forward(*args, **kwargs))):
                kept[f"/{number}"] = tensor
        return kept

    def first(tensor: Tensor) -> Tensor:
        return tensor[:ASKED] if tensor.dim() else tensor

    whole, half = passed(first), passed(lambda tensor: first(tensor)[KEPT:] if tensor.dim() else tensor)
    results = [name for name in whole if name.startswith("/") and _is_known(whole, half, name)]
    if not results:
        return None
    differing = [name for name in whole if _is_known(whole, half, name) and not _same(whole[name][KEPT:], half[name])]
    if not any(name in differing for name in results) or _stand_on_axis_1(passed, first, whole):
        return {"mixed": False}
    layer, _, at = differing[0].rpartition("/")
    return {"mixed": True, "layer": layer, "at": at if layer else "output"}


def _stand_on_axis_1(passed: Callable, first: Callable, whole: Outputs) -> bool:
    """Whether the examples do: the steps of a sequence, which may mix, stand in front of them then."""
    try:
        half = passed(lambda tensor: first(tensor)[:, tensor.shape[1] // 2 :])
    except Exception:  # the second axis has features, of which none may be missing
        return False
    results = [name for name in whole if name.startswith("/")]
    return any(_are_halves(whole[name], half[name], axis) for name in results for axis in (0, 1) if name in half)


def _are_halves(whole: Tensor, half: Tensor, axis: int) -> bool:
    if whole.dim() <= axis or whole.dim() != half.dim() or half.shape[axis] >= whole.shape[axis]:
        return False
    kept = whole.narrow(axis, whole.shape[axis] - half.shape[axis], half.shape[axis])
    return kept.shape == half.shape and _same(kept, half)


def _is_known(whole: Outputs, half: Outputs, name: str) -> bool:
    a, b = whole[name], half.get(name)
    if b is None or not a.is_floating_point() or a.dim() != b.dim() or not a.dim():
        return False
    return a.shape[0] == ASKED and b.shape[0] == ASKED - KEPT and a.shape[1:] == b.shape[1:] and a.numel() > 0


def _same(a: Tensor, b: Tensor) -> bool:
    a, b = a.double(), b.double()
    return not bool((a - b).abs().max() > SAME * torch.maximum(a.abs().max(), b.abs().max()))


def _copied(model: nn.Module) -> nn.Module:
    """In evaluation mode."""
    copied = copy.deepcopy(model)
    for module in copied.modules():
        module.training = False
    return copied


@contextmanager
def _kept(model: nn.Module) -> Iterator[dict[str, Tensor]]:
    """What goes into each layer and out of it at its first call, in their order."""
    kept: dict[str, Tensor] = {}

    def keep(path: str, given: Any, output: Any) -> None:
        for at, value in (("input", given), ("output", output)):
            tensor = next(tensors(value), None)
            if tensor is not None:
                kept.setdefault(f"{path}/{at}", tensor.detach().clone())

    handles = [
        layer.register_forward_hook(lambda _, given, output, path=path: keep(path, given, output))
        for path, layer in structure_of(model).layers.items()
        if layer is not model
    ]
    try:
        yield kept
    finally:
        for handle in handles:
            handle.remove()


def _of_each(part: Callable[[Tensor], Tensor], value: Any) -> Any:
    """The same arguments with this part of each tensor."""
    if isinstance(value, Tensor):
        return part(value)
    if isinstance(value, dict):
        return {name: _of_each(part, inner) for name, inner in value.items()}
    if type(value) in (tuple, list):
        return type(value)(_of_each(part, inner) for inner in value)
    return value


def _goes_by_the_batch(module: nn.Module) -> bool:
    """Whether it mixes examples on purpose, in evaluation mode too."""
    return isinstance(module, BATCH_NORMS) and not module.track_running_stats
