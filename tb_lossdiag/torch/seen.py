"""What passes by in a sampled step? Hooks that are on the modules for that step only, and ears for losses."""

import functools
import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tb_lossdiag.recording.rows import unique
from tb_lossdiag.recording.selection import Selection
from tb_lossdiag.recording.torch.statistics import Numbers, term_statistics
from tb_lossdiag.torch.backward import Listener, listen, unlisten
from tb_lossdiag.torch.evaluation import Batch, evaluated, output_like
from tb_lossdiag.torch.forward import ForwardPass
from tb_lossdiag.torch.held import trained_by
from tb_lossdiag.torch.hook import Hook
from tb_lossdiag.torch.loss_call import again, function_call, module_call
from tb_lossdiag.torch.loss_functions import hear, unhear
from tb_lossdiag.torch.losses import tensors
from tb_lossdiag.torch.private import is_compiled, version_of
from tb_lossdiag.torch.pulls import AFTER, HOOKED, KEPT, NotPulled, pulls
from tb_lossdiag.torch.repeatable import repeatable
from tb_lossdiag.torch.structure import Structure, bare, structure_of
from tb_lossdiag.torch.tensor_hooks import hear_hooks, unhear_hooks
from tb_lossdiag.torch.used import Used

MAX_DROPOUTS = 16


class Seen(Listener):
    """`open` before a sampled step, `freeze` once its gradients are there, `close` after it.

    used: what the gradients came from. terms: of the loss, as the user told them. pulls: how hard each of them, or else
    each output, pulls at what they share, by the row; not_pulled: why that is not known, "" where it is or nobody asks.
    precision: Keras's name of what autocast computes in, None without it. dropouts: the shares that functions drop in
    the model, by no module of torch's. has_histograms: whether the sample does.

    loss: a module that the training calls, or a function that gives the loss of predictions and targets. selection: the
    layers whose outputs are measured. guarded: what our own errors end in.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        loss: nn.Module | Callable | None,
        selection: Selection,
        guarded: Callable[[], AbstractContextManager],
    ) -> None:
        self.structure: Structure = structure_of(bare(model))
        self.has_histograms = False
        self.precision: str | None = None
        self._model = model
        self._optimizer = optimizer
        self._loss = loss if isinstance(loss, nn.Module) else None
        self._function = None if isinstance(loss, nn.Module) else loss
        self._selection = selection
        self._guarded = guarded
        self._device = next((parameter.device.type for parameter in model.parameters()), "cpu")
        # What is compiled would be so once more for our sake: there nothing is heard.
        self._is_compiled = any(map(is_compiled, model.modules()))
        self._generator = torch.Generator().manual_seed(0)  # the global one is the training's
        self._handles: list[Any] = []
        self._activations: dict[str, str] = {}
        self._learns = True
        self._clear()

    def _clear(self) -> None:
        self._current = self._new_pass()
        self._measures: bool | None = None  # None until a pass of the whole model begins: its parts may be called alone
        self._in_loss = 0
        self.used = Used(trained_by(self._optimizer), self._current, self._function)
        self.terms: dict[str, Numbers] = {}
        self.dropouts: list[float] = []
        self.pulls: dict[tuple[str, str], Tensor] = {}
        self.not_pulled = ""
        self._told: dict[str, tuple[Tensor, int]] = {}  # until they are differentiated, each with its version
        self._scale: tuple[int, Tensor | None] = (0, None)
        self._has_begun = self._is_hooked = False

    def open(self, has_histograms: bool) -> None:
        self.has_histograms = has_histograms
        self.structure = structure_of(bare(self._model))
        self._clear()
        for path, layer in self.structure.layers.items():
            hook = Hook(functools.partial(self._saw_call, path), self._guarded)
            self._handles.append(layer.register_forward_hook(hook, with_kwargs=True))
        for module, begins, ends in (
            (self._model, self._saw_begin, self._saw_end),
            (self._loss, self._saw_loss_begin, self._saw_loss_end),
        ):
            if module is not None:
                begin, end = Hook(begins, self._guarded), Hook(ends, self._guarded)
                self._handles.append(module.register_forward_pre_hook(begin, with_kwargs=True))
                self._handles.append(module.register_forward_hook(end, with_kwargs=True))
        listen(self)
        if has_histograms:
            hear_hooks(self)

    def freeze(self) -> None:
        """Nothing that comes now belongs to the gradients."""
        if not self._handles:
            return
        unlisten(self)
        unhear(self)
        unhear_hooks(self)
        self._told = {}
        while self._handles:
            self._handles.pop().remove()
        with self._guarded(), self._measuring():
            self.used.finish(self._generator)
            self._learns &= not self.used.forward.calls

    def close(self) -> None:
        self.freeze()
        self._clear()

    def tell(self, terms: Mapping[str, Tensor | float]) -> None:
        """What the loss is made of, by name."""
        for name, value in terms.items():
            self.terms[name] = term_statistics(torch.as_tensor(value).detach())
            is_wanted = self.has_histograms and self._handles and not self._has_begun
            if is_wanted and isinstance(value, Tensor) and value.requires_grad:
                self._told[name] = value, version_of(value)
            if self._has_begun and ("loss", name) not in self.pulls:
                self.not_pulled = self.not_pulled or AFTER

    def evaluation_loss(self) -> Tensor | None:
        """Of the pass that is shown, in evaluation mode with the weights as they are; None where it is not asked."""
        used = self.used
        if used.forward.batch is None or used.place is None or not used.forward.is_training:
            return None
        with self._measuring():
            outputs = evaluated(bare(self._model), used.forward.batch)
            at, is_loss = used.place
            if outputs is None or is_loss:
                return None if outputs is None else output_like(outputs, at, torch.zeros(()))
            call = used.losses[0]
            output = output_like(outputs, at, call.predictions[0])
            call = repeatable(call)[0] if output is not None else None
            return None if call is None else again(call, [output.to(call.predictions[0].dtype)], call.targets)

    def mixing(self) -> list[dict[str, str]] | None:
        """What runs the examples of the pass that is shown into each other; None where no backward pass was heard."""
        if not self.used.passes:
            return None
        viewed = [{"operation": "view", "layer": path} for path in self.used.forward.viewed]
        return [*viewed, *([{"operation": "softmax", "layer": ""}] if self.used.has_softmax_over_batch else [])]

    def backward_begins(self, loss: Tensor | None) -> None:
        unhear(self)
        if loss is not None:
            with self._guarded(), self._measuring():
                own = {id(parameter) for parameter in self._model.parameters()}
                is_ours = self.used.backward_begins(loss, own, self._generator)
                if is_ours and self.has_histograms and not self._has_begun:
                    self._has_begun = True
                    self._take_pulls(loss)

    def backward_ended(self, loss: Tensor | None) -> None:
        with self._guarded():
            self.used.backward_ended(keeps_losses=self.has_histograms)
            if self.used.has_waiting and not self._is_compiled:
                hear(self)  # it was another model's, and ours comes yet

    def scaled(self, loss: Tensor, product: Tensor, scale: Tensor) -> None:
        self.used.scaled(loss, product)
        self._scale = id(product), scale

    def hooked(self) -> None:
        """Somebody asks to be called when the gradient of a tensor comes by."""
        self._is_hooked = True

    def packing_begins(self) -> None:
        self.used.may_unpack = False

    def heard(self, name: str, function: Callable[..., Tensor], arguments: dict[str, Any]) -> None:
        """A call of one of torch's loss functions."""
        if not self._in_loss:
            with self._guarded():
                self.used.add_loss(function_call(name, function, arguments))

    def dropped(self, share: float) -> None:
        """A call of one of torch's functions that drop numbers, by none of its modules."""
        if self._measures and isinstance(share, (int, float)) and len(self.dropouts) < MAX_DROPOUTS:
            self.dropouts.append(float(share))

    def _take_pulls(self, loss: Tensor) -> None:
        """Of what is about to be differentiated, the first time that it is this model's."""
        told, self._told = self._told, {}
        terms = {("loss", name): term for name, (term, version) in told.items() if version_of(term) == version}
        parts = terms if len(terms) > 1 else self.used.forward.compared
        if len(parts) < 2:
            return
        weights = {id(x): x for x in (*self.structure.parameters.values(), *trained_by(self._optimizer))}
        try:
            if self._is_hooked or not self.used.may_unpack:
                raise NotPulled(HOOKED if self._is_hooked else KEPT)
            found = pulls(loss, parts, weights.values(), self._model.modules())
        except NotPulled as reason:
            self.not_pulled = str(reason)
            return
        product, scale = self._scale
        is_scaled = product == id(loss)
        self.pulls = {row: norm / scale.to(norm.device) if is_scaled else norm for row, norm in found.items()}

    def _new_pass(self, is_training: bool = True) -> ForwardPass:
        return ForwardPass(
            self.structure, self._selection, self._activations, self._learns, self.has_histograms, is_training
        )

    def _begin_pass(self) -> None:
        self._current = self._new_pass(bare(self._model).training)
        self.used.add_pass(self._current)
        if not self._is_compiled:
            hear(self)

    def _saw_begin(self, module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> None:
        self._measures = torch.is_grad_enabled()
        if self._measures:
            with self._measuring():
                self._begin_pass()
                self._current.take_inputs(_named(bare(module).forward, args, kwargs))
                if self.has_histograms:
                    self._current.batch = Batch(args, kwargs)

    def _saw_end(self, module: nn.Module, args: tuple, kwargs: dict[str, Any], output: Any) -> None:
        if self._measures:
            self._measures = False  # checkpointed modules are called once more in the backward pass
            hear(self)
            self.precision = _autocast_precision(self._device)
            with self._measuring():
                self._current.take_result(output)

    def _saw_call(self, path: str, module: nn.Module, args: tuple, kwargs: dict[str, Any], output: Any) -> None:
        if self._measures or (self._measures is None and torch.is_grad_enabled()):
            with self._measuring():
                if self._measures is None and not self.used.awaits(self._current):
                    self._begin_pass()
                self._current.take_call(path, module, (args, kwargs), output)

    def _saw_loss_begin(self, module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> None:
        self._in_loss += 1

    def _saw_loss_end(self, module: nn.Module, args: tuple, kwargs: dict[str, Any], output: Any) -> None:
        self._in_loss -= 1
        value = next(tensors(output), None)
        if value is not None and value.requires_grad:
            self.used.add_loss(module_call(module, args, kwargs, value))

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
