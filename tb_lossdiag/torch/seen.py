"""Which forward pass belongs to a sampled step? Hooks that are on the modules for that step only."""

import functools
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import torch
from torch import nn

from tb_lossdiag.recording.rows import unique
from tb_lossdiag.recording.selection import Selection
from tb_lossdiag.torch.forward import ForwardPass
from tb_lossdiag.torch.hook import Hook
from tb_lossdiag.torch.losses import tensors
from tb_lossdiag.torch.structure import Structure, bare, structure_of


class Seen:
    """`open` before a sampled step, `freeze` once its gradients are there, `close` after it.

    forward: the last forward pass that counts. examples: in all passes whose gradients add up. precision: Keras's name
    of what autocast computes in, None without it. has_histograms: whether the sample does.

    selection: the layers whose outputs are measured. counts: whether a pass that is now under way belongs to the
    training. guarded: what our own errors end in.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: nn.Module | None,
        selection: Selection,
        counts: Callable[[], bool],
        guarded: Callable[[], AbstractContextManager],
    ) -> None:
        self.structure: Structure = structure_of(bare(model))
        self.examples = 0
        self.precision: str | None = None
        self.has_histograms = False
        self._model = model
        self._loss = loss
        self._selection = selection
        self._counts = counts
        self._guarded = guarded
        self._device = next((parameter.device.type for parameter in model.parameters()), "cpu")
        self._handles: list[Any] = []
        self._activations: dict[str, str] = {}
        self._learns = True
        self._measures: bool | None = None  # None until a pass of the whole model begins: its parts may be called alone
        self.forward = self._new_pass()

    def open(self, has_histograms: bool) -> None:
        self.has_histograms = has_histograms
        self.structure = structure_of(bare(self._model))
        self.forward, self.examples, self._measures = self._new_pass(), 0, None
        for path, layer in self.structure.layers.items():
            hook = Hook(functools.partial(self._saw_call, path), self._guarded)
            self._handles.append(layer.register_forward_hook(hook, with_kwargs=True))
        begin, end = Hook(self._saw_begin, self._guarded), Hook(self._saw_end, self._guarded)
        self._handles.append(self._model.register_forward_pre_hook(begin, with_kwargs=True))
        self._handles.append(self._model.register_forward_hook(end, with_kwargs=True))

    def freeze(self) -> None:
        """Nothing that comes now belongs to the gradients."""
        self._learns &= not self.forward.calls
        while self._handles:
            self._handles.pop().remove()

    def close(self) -> None:
        self.freeze()
        self.forward = self._new_pass()

    def saw_loss(self, args: tuple, kwargs: dict[str, Any]) -> None:
        """A call of the loss module that counts. Does nothing unless a step is open."""
        if self._handles:
            with self._measuring():
                prediction, target, *_ = [*args, *kwargs.values(), None, None]
                self.forward.take_loss(self._loss, prediction, target)

    def _new_pass(self) -> ForwardPass:
        return ForwardPass(self.structure, self._selection, self._activations, self._learns, self.has_histograms)

    def _saw_begin(self, module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> None:
        self._measures = self._counts()
        if self._measures:
            with self._measuring():
                self.forward = self._new_pass()
                given = _named(bare(module).forward, args, kwargs)
                self.forward.take_inputs(given)
                if all(parameter.grad is None for parameter in self.structure.parameters.values()):
                    self.examples = 0  # a pass before came to nothing, as in a step that a GradScaler skips
                self.examples += next((t.shape[0] for t in tensors(given) if t.dim()), 0)

    def _saw_end(self, module: nn.Module, args: tuple, kwargs: dict[str, Any], output: Any) -> None:
        if self._measures:
            self._measures = False  # checkpointed modules are called once more in the backward pass
            self.precision = _autocast_precision(self._device)
            with self._measuring():
                self.forward.take_result(output)
                if self._loss is None:
                    self.forward.take_predictions(output)

    def _saw_call(self, path: str, module: nn.Module, args: tuple, kwargs: dict[str, Any], output: Any) -> None:
        if self._measures or (self._measures is None and self._counts()):
            with self._measuring():
                self.forward.take_call(path, module, (args, kwargs), output)

    def _measuring(self) -> AbstractContextManager:
        """Without gradients, and in full precision. Autocast is left alone where it is off: leaving it costs a lot."""
        if not torch.is_autocast_enabled(self._device):
            return torch.no_grad()
        whole = ExitStack()
        whole.enter_context(torch.no_grad())
        whole.enter_context(torch.autocast(self._device, enabled=False))
        return whole


def _named(forward: Callable, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
    """What a module was given, by the names of its parameters."""
    named: dict[str, Any] = {}
    names = list(inspect.signature(forward).parameters)
    for at, value in enumerate(args):
        named[unique(names[min(at, len(names) - 1)] if names else "input", named)] = value
    return {**named, **kwargs}


def _autocast_precision(device: str) -> str | None:
    if not torch.is_autocast_enabled(device):
        return None
    return f"mixed_{str(torch.get_autocast_dtype(device)).removeprefix('torch.')}"
