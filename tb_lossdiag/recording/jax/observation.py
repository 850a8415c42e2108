"""What was seen in a training step on JAX? Arrays of the step itself, whatever inner functions it differentiates.

What is seen inside a differentiated function can be read there only: `Seen.tensors` is what has to leave it, as an
auxiliary output, and `Seen.lifted` is the same seen from outside.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from tb_lossdiag.recording.data_rows import Named, named
from tb_lossdiag.recording.jax.private import trace_state
from tb_lossdiag.recording.keras_private import mask_of, variables_of
from tb_lossdiag.recording.loss_calls import MAX_CALLS, LossCall
from tb_lossdiag.recording.loss_terms import MAX_TERMS, added_by_layers, is_term
from tb_lossdiag.recording.rates import Rates
from tb_lossdiag.recording.rows import LayerCall, unique
from tb_lossdiag.recording.structure import Structure, structure_of


@dataclass
class Seen:
    """What may be computed inside a differentiated function.

    x, y, y_pred: the flat arrays with the way to each, None where nothing was seen. terms: of the loss, by name. calls:
    of layers, in their order. losses: that were called, each with the mask of its prediction.
    """

    x: Named | None = None
    y: Named | None = None
    y_pred: Named | None = None
    loss: Any = None
    penalty: Any = None
    terms: tuple[tuple[str, Any], ...] = ()
    calls: tuple[LayerCall, ...] = ()
    losses: tuple[tuple[LossCall, Any], ...] = ()

    def tensors(self) -> list[Any]:
        """Whatever may have to leave a differentiated function, each once, in the order in which `lifted` takes it."""
        named = [array for value in (self.x, self.y, self.y_pred) for _, array in value or ()]
        terms = [value for _, value in self.terms]
        ends = [array for one in self.losses for array in _ends(*one) if isinstance(array, jax.Array)]
        found = [*named, self.loss, self.penalty, *terms, *(call.tensor for call in self.calls), *ends]
        return list({id(array): array for array in found if array is not None}.values())

    def lifted(self, tensors: list[Any]) -> "Seen":
        """The same with these in the places of `tensors`; what was one array is one array again."""
        outside = {id(old): new for old, new in zip(self.tensors(), tensors, strict=True)}

        def all_of(values: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(outside.get(id(value), value) for value in values)

        def named(value: Named | None) -> Named | None:
            return None if value is None else tuple((path, outside[id(array)]) for path, array in value)

        return Seen(
            x=named(self.x),
            y=named(self.y),
            y_pred=named(self.y_pred),
            loss=outside.get(id(self.loss)),
            penalty=outside.get(id(self.penalty)),
            terms=tuple((name, outside[id(value)]) for name, value in self.terms),
            calls=tuple(
                replace(
                    call,
                    inputs=all_of(call.inputs),
                    outputs=all_of(call.outputs),
                    tensor=outside.get(id(call.tensor)),
                )
                for call in self.calls
            ),
            losses=tuple(_with_ends(call, all_of(_ends(call, mask))) for call, mask in self.losses),
        )


class Observation:
    """What was seen in one training step of one model.

    before, gradients: by variable path; the weights as the step got them, the gradients as the optimizer did.
    gradient_scale: by what those were multiplied, for low precision; None for nothing. loss_is_scaled: whether the loss
    was, too. optimizers: one for each time that the model's gradients were applied. weighted: whether compute_loss was
    given sample weights. error: what went wrong in a hook, None mostly.
    """

    def __init__(self, model: keras.Model, weights: list[Any]) -> None:
        self.model = model
        self.structure: Structure = structure_of(model)
        self.before = dict(zip(self.structure.variables, weights, strict=True))
        self.seen = Seen()
        self.gradients: dict[str, Any] = {}
        self.rates = Rates()
        self.gradient_scale = None
        self.optimizers: list[Any] = []
        self.loss_is_scaled = self.weighted = False
        self.error: Exception | None = None
        self._thread = threading.get_ident()
        self._levels = [trace_state()]

    def is_here(self) -> bool:
        """Whether what is computed now can be read by the step, and not just by a loop or branch inside it."""
        return (
            bool(self._levels)
            and self.error is None
            and self._thread == threading.get_ident()
            and self._levels[-1] == trace_state()
        )

    @contextmanager
    def inside(self) -> Iterator[None]:
        """While a function is traced to be differentiated."""
        self._levels.append(trace_state())
        try:
            yield
        finally:
            self._levels.pop()

    def end(self) -> None:
        self._levels.clear()

    def taken_out(self) -> list[Any]:
        """What has to leave the function that is being traced."""
        return self.seen.tensors() if self.error is None else []

    def saw_outside(self, tensors: list[Any], value: Any, arguments: Any) -> None:
        """What was taken out, now that the function is differentiated; its value and arguments."""
        self.seen = self.seen.lifted(tensors)
        # What is differentiated for the model's weights is the loss, where compute_loss was not used.
        known = {id(weight) for weight in self.before.values()}
        if self.seen.loss is None and np.ndim(value) == 0 and any(id(x) in known for x in jax.tree.leaves(arguments)):
            self.seen.loss = jnp.asarray(value)
            self.loss_is_scaled = True

    def tell(self, what: str, *args: Any, **kwargs: Any) -> None:
        """Nothing of ours may reach the training."""
        if self.error is None and self._levels and self._thread == threading.get_ident():
            try:
                getattr(self, what)(*args, **kwargs)
            except Exception as error:
                self.error = error

    def saw_call(self, layer: Any, args: tuple, kwargs: dict[str, Any], result: Any) -> None:
        here, seen = self.is_here(), self.seen
        if layer is self.model:
            if here and seen.y_pred is None:
                seen.x = arrays(args[0] if args else next(iter(kwargs.values()), None))
                seen.y_pred = arrays(result)
                for name, loss in added_by_layers(self.model, self.structure).items():
                    self.saw_term(name, _total([loss]))
            return
        outputs = tuple(keras.tree.flatten(result))
        tensor = next((output for output in outputs if here and _is_floating(output)), None)
        inputs = tuple(keras.tree.flatten((args, kwargs)))
        path = self.structure.path_of_layer(layer) or layer.name
        seen.calls = (*seen.calls, LayerCall(path, inputs, outputs, tensor))

    def saw_compute_loss(
        self,
        loss: Any,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        *_: Any,
        **__: Any,
    ) -> None:
        seen = self.seen
        if seen.loss is None and self.is_here():
            seen.loss = jnp.asarray(loss)
            seen.penalty = _total(self.model.losses)
            seen.x = seen.x if x is None else arrays(x)
            seen.y = arrays(y)
            seen.y_pred = seen.y_pred if y_pred is None else arrays(y_pred)
            self.weighted = sample_weight is not None

    def saw_loss(self, seen: Callable[[], LossCall]) -> None:
        if not self.is_here() or len(self.seen.losses) >= MAX_CALLS:
            return
        call = seen()
        if not call.is_part:
            self.seen.losses = (*self.seen.losses, (call, mask_of(call.prediction)))

    def saw_mean(self, metric: Any, values: Any) -> None:
        """What a metric averages may be a term of the loss."""
        if is_term(self.model, metric):
            self.saw_term(metric.name, values)

    def saw_term(self, name: str, value: Any) -> None:
        if self.is_here() and _is_floating(value) and len(self.seen.terms) < MAX_TERMS:
            self.seen.terms = (*self.seen.terms, (unique(name, dict(self.seen.terms)), value))

    def saw_apply(self, optimizer: Any, optimizer_variables: Any, gradients: Any) -> None:
        if len(self._levels) > 1 or not self.is_here():
            return
        given = {}
        for gradient, variable in zip(gradients, variables_of(optimizer), strict=True):
            path = self.structure.path_of_variable(variable)
            if path is not None and gradient is not None:
                given[path] = gradient
        if given:
            with keras.StatelessScope(list(zip(optimizer.variables, optimizer_variables, strict=True))):
                self.rates = self.rates.with_applied(optimizer, keras.ops.convert_to_tensor)
                if not self.optimizers:
                    self.gradient_scale = _gradient_scale(optimizer)
        self.gradients |= given
        self.optimizers += [optimizer] if given else []


def _ends(call: LossCall, mask: Any) -> tuple[Any, ...]:
    return call.target, call.prediction, call.weight, call.value, mask


def _with_ends(call: LossCall, ends: tuple[Any, ...]) -> tuple[LossCall, Any]:
    target, prediction, weight, value, mask = ends
    return replace(call, target=target, prediction=prediction, weight=weight, value=value), mask


def arrays(value: Any) -> Named:
    return named(value, (jax.Array, np.ndarray))


def _total(losses: Sequence[Any]) -> jax.Array:
    return sum((jnp.asarray(loss, jnp.float32) for loss in losses), jnp.float32(0.0))


def _is_floating(value: Any) -> bool:
    return isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jnp.floating)


def _gradient_scale(optimizer: Any) -> Any:
    """By what the loss, and with it every gradient, was multiplied; None for nothing."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return keras.ops.convert_to_tensor(optimizer.dynamic_scale)
    return optimizer.loss_scale_factor
