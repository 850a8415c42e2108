"""What is this batch's loss in evaluation mode? One more pass of the model over it, which leaves nothing behind.

Dropout and batch norms do other things there. Modes, random states, buffers and whatever else a pass changes in a
module are put back; where somebody else has hooks on a module, which would be called, no pass is made.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from tb_lossdiag.torch.losses import tensors
from tb_lossdiag.torch.peers import has_peers
from tb_lossdiag.torch.private import BATCH_NORMS, DROPOUTS, INSTANCE_NORMS, has_hooks, version_of
from tb_lossdiag.torch.repeatable import undisturbed

_RATES = (nn.RNNBase, nn.MultiheadAttention)  # have a dropout of their own


class Batch:
    """What a model was given in a pass, to be given once more as long as nobody has changed it."""

    def __init__(self, args: tuple, kwargs: Mapping[str, Any]) -> None:
        self.args, self.kwargs = args, dict(kwargs)
        self._versions = self._now()

    def is_unchanged(self) -> bool:
        return self._versions == self._now()

    def _now(self) -> list[int]:
        return [version_of(tensor) for tensor in tensors((self.args, self.kwargs))]


def evaluated(model: nn.Module, batch: Batch) -> Any:
    """What the bare model gives for it in evaluation mode; None where that is no other than in training, or cannot be
    asked: a forward method may wait for other processes, which do not come.
    """
    modules = list(model.modules())
    if has_peers() or not any(map(_differs, modules)) or any(map(has_hooks, modules)) or not batch.is_unchanged():
        return None
    device = next((tensor.device for tensor in tensors((batch.args, batch.kwargs))), torch.device("cpu"))
    with undisturbed(device), _restored(modules), torch.no_grad():
        for module in modules:
            module.training = False
        try:
            return model.forward(*batch.args, **batch.kwargs)
        except Exception:  # whatever a user's model may raise in a mode that it was not in
            return None


def _differs(module: nn.Module) -> bool:
    if not module.training:
        return False
    rate = module.p if isinstance(module, DROPOUTS) else getattr(module, "dropout", 0.0)
    drops = isinstance(module, (*DROPOUTS, *_RATES)) and isinstance(rate, (int, float)) and rate > 0.0
    return drops or (isinstance(module, (*BATCH_NORMS, *INSTANCE_NORMS)) and module.track_running_stats)


@contextmanager
def _restored(modules: list[nn.Module]) -> Iterator[None]:
    """Modes, buffers and attributes are afterwards as they were."""
    attributes = [dict(vars(module)) for module in modules]
    buffers = [
        (module, name, buffer, version_of(buffer), buffer.detach().clone())
        for module in modules
        for name, buffer in module.named_buffers(recurse=False)
    ]
    try:
        yield
    finally:
        for module, before in zip(modules, attributes, strict=True):
            now = vars(module)
            for name in [name for name in now if name not in before]:
                del now[name]
            now.update(before)
        for module, name, buffer, version, values in buffers:
            if version_of(buffer) != version:
                with torch.no_grad():
                    buffer.copy_(values)
            if getattr(module, name) is not buffer:
                setattr(module, name, buffer)


def output_like(outputs: Any, at: int, form: Tensor) -> Tensor | None:
    """The tensor at this place among the outputs, in the form of another one."""
    found = list(tensors(outputs))
    if at >= len(found) or found[at].numel() != form.numel():
        return None
    return found[at].reshape(form.shape)
