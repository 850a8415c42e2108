"""What was seen in a training step of Keras on PyTorch? Its outputs, loss, gradients and weights, as the hooks tell it.

A step is run at once here, and changes weights, gradients and now and then outputs in place. So weights are copied, and
what may be changed is measured as it comes.
"""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import torch
from torch import Tensor

from tb_lossdiag.recording.activations import activation_name
from tb_lossdiag.recording.data_rows import Named, named
from tb_lossdiag.recording.keras_private import variables_of
from tb_lossdiag.recording.loss_calls import LossCall, calls_of
from tb_lossdiag.recording.loss_terms import MAX_TERMS, added_by_layers, is_term
from tb_lossdiag.recording.rates import Rates
from tb_lossdiag.recording.references import measured
from tb_lossdiag.recording.rows import LayerCall, unique
from tb_lossdiag.recording.selection import Selection
from tb_lossdiag.recording.structure import Structure, structure_of
from tb_lossdiag.recording.torch import statistics
from tb_lossdiag.recording.torch.clipping import clip_factor
from tb_lossdiag.recording.torch.histograms import drawn_output
from tb_lossdiag.recording.torch.reference_losses import is_made_of, own_loss, reference_losses
from tb_lossdiag.recording.torch.updates import Gradients, copies_of, gradients_of


class Observation:
    """What was seen in one training step of one model.

    before: the weights by variable path. gradients: one for each time that the model's gradients were applied.
    unreached: variables that an optimizer was given without a gradient. gradient_scale: by what gradients were
    multiplied, for low precision; None for nothing. loss_is_scaled: whether the loss was, too. scales_loss: whether
    that is Keras's loss scaling. weighted: whether compute_loss was given sample weights. outputs: the numbers of each
    call that has a tensor. drawn: its values for a histogram. counts: whether the sample has histograms. terms: of the
    loss, by name. losses: by the place of an output, the first that was called on it, references: its numbers.
    not_measured: why an output has none, "" for none. error: what went wrong in a hook, None mostly.
    """

    def __init__(self, model: keras.Model, selection: Selection, counts: bool) -> None:
        self.model = model
        self.structure: Structure = structure_of(model)
        self.x: Named | None = None
        self.y: Named | None = None
        self.y_pred: Named | None = None
        self.loss: Tensor | None = None
        self.penalty: Tensor | None = None
        self.loss_is_scaled = self.scales_loss = self.weighted = False
        self.rates = Rates()
        self.was_applied = False
        self.gradient_scale: Tensor | float | None = None
        self.clip_factor: Tensor | None = None
        self.gradients: list[Gradients] = []
        self.unreached: list[str] = []
        self.terms: dict[str, Tensor] = {}
        self.losses: dict[int, LossCall] = {}
        self.references: dict[int, statistics.Numbers] = {}
        self.not_measured: list[str] = []
        self.calls: list[LayerCall] = []
        self.outputs: list[statistics.Numbers] = []
        self.drawn: list[Tensor | None] = []
        self.counts = counts
        self.error: Exception | None = None
        self._is_busy = False
        self._selection = selection
        selection.checked(self.structure.layers)
        self._layer_paths = {id(layer): path for path, layer in self.structure.layers.items()}
        self.before = copies_of({path: variable.value for path, variable in self.structure.variables.items()})

    def tell(self, what: str, *args: Any, **kwargs: Any) -> None:
        """Nothing of ours may reach the training."""
        if self.error is None and not self._is_busy:
            self._is_busy = True  # what a loss that is called again calls is no part of the step
            try:
                with torch.no_grad():
                    getattr(self, what)(*args, **kwargs)
            except Exception as error:
                self.error = error
            finally:
                self._is_busy = False

    def after(self) -> dict[str, Tensor]:
        """The weights as they are now, in the order of those before."""
        return {path: self.structure.variables[path].value.detach() for path in self.before}

    def saw_call(self, layer: Any, args: tuple, kwargs: dict[str, Any], result: Any) -> None:
        outputs = tuple(keras.tree.flatten(result))
        if any(isinstance(output, Tensor) and output.is_meta for output in outputs):
            return  # Keras works out shapes that way
        if layer is self.model:
            if self.y_pred is None:
                self.x = arrays(args[0] if args else next(iter(kwargs.values()), None))
                self.y_pred = arrays(result)
            return
        path = self._layer_paths[id(layer)]
        tensor = next((output.detach() for output in outputs if _is_floating(output)), None)
        self.calls.append(LayerCall(path, tuple(keras.tree.flatten((args, kwargs))), outputs, tensor))
        if tensor is not None:
            measured = self._selection.takes(path)
            self.outputs.append(statistics.output_statistics(tensor, activation_name(layer)) if measured else {})
            self.drawn.append(drawn_output(tensor) if measured and self.counts else None)

    def saw_compute_loss(
        self,
        loss: Tensor,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        *_: Any,
        **__: Any,
    ) -> None:
        if self.loss is None:
            self.loss = loss.detach().clone()
            self.penalty = sum((statistics.as_float(x.detach()) for x in self.model.losses), torch.zeros(()))
            for name, loss in added_by_layers(self.model, self.structure).items():
                self.saw_term(name, statistics.as_float(loss.detach()))
            self.x = self.x if x is None else arrays(x)
            self.y = arrays(y)
            self.y_pred = self.y_pred if y_pred is None else arrays(y_pred)
            self.weighted = sample_weight is not None

    def saw_loss(self, seen: Callable[[], LossCall]) -> None:
        """Measured at once: outputs may be changed in place later."""
        call, outputs = seen(), [tensor for _, tensor in self.y_pred or ()]
        place = next((at for at, found in enumerate(calls_of(outputs, [call], is_made_of)) if found), None)
        if place is not None and not call.is_part and place not in self.losses:
            self.losses[place] = call
            (self.references[place],), reason = measured([call], own_loss, reference_losses, "")
            self.not_measured += [reason] if reason else []

    def saw_mean(self, metric: Any, values: Any) -> None:
        """What a metric averages may be a term of the loss."""
        if is_term(self.model, metric):
            self.saw_term(metric.name, values)

    def saw_term(self, name: str, value: Any) -> None:
        if _is_floating(value) and len(self.terms) < MAX_TERMS:
            self.terms[unique(name, self.terms)] = value.detach().clone()

    def saw_backward(self, loss: Any) -> None:
        """What is differentiated is the loss, where compute_loss was not used."""
        if self.loss is None and isinstance(loss, Tensor) and loss.dim() == 0:
            self.loss = loss.detach().clone()
            self.loss_is_scaled = True

    def saw_apply(self, optimizer: Any, gradients: Any, variables: Any = None) -> None:
        if len(self.model.trainable_variables) != len(self.before):
            self._take_in_new_variables()
        paths = {id(variable): path for path, variable in self.structure.variables.items()}
        pairs = zip(gradients, variables or variables_of(optimizer), strict=True)
        given = {paths[id(variable)]: gradient for gradient, variable in pairs if id(variable) in paths}
        if given:
            self.saw_optimizer(optimizer)
            self.unreached += [path for path, gradient in given.items() if gradient is None]
            self._take_gradients(optimizer, {path: x for path, x in given.items() if x is not None})

    def saw_optimizer(self, optimizer: Any) -> None:
        """As it is before its step."""
        self.rates = self.rates.with_applied(optimizer, lambda rate: keras.ops.convert_to_tensor(rate).detach().clone())
        if not self.was_applied:
            self.was_applied = True
            self.gradient_scale = _gradient_scale(optimizer)
            self.scales_loss = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)

    def saw_gradients_left(self, optimizer: Any) -> None:
        """Those that a compiled step has left behind with its weights."""
        weights = {path: variable.value for path, variable in self.structure.variables.items()}
        self.unreached += [path for path, weight in weights.items() if weight.grad is None]
        self._take_gradients(optimizer, {path: x.grad for path, x in weights.items() if x.grad is not None})

    def _take_gradients(self, optimizer: Any, gradients: Mapping[str, Tensor]) -> None:
        taken = gradients_of(gradients, self.gradient_scale, self.counts)
        norms, given = taken.columns.get("gradient_norm"), list(gradients.values())
        self.clip_factor = None if self.gradients else clip_factor(optimizer, given, norms, self.gradient_scale)
        self.gradients.append(taken)

    def _take_in_new_variables(self) -> None:
        """Of a model that gets them in its first call."""
        self.structure = structure_of(self.model)
        new = {path: x.value for path, x in self.structure.variables.items() if path not in self.before}
        known = self.before | copies_of(new)
        self.before = {path: known[path] for path in self.structure.variables}


def arrays(value: Any) -> Named:
    return named(value, (Tensor, np.ndarray))


def _is_floating(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and not value.is_sparse and not value.is_nested


def _gradient_scale(optimizer: Any) -> Tensor | float | None:
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return optimizer.dynamic_scale.value.detach().clone() if optimizer.built else optimizer.initial_scale
    return optimizer.loss_scale_factor
