"""What is the loss of an eager step that is not sampled? What it differentiates, or what its tf.function returns.

Neither is known to be the loss before a sampled step has measured one: what was a candidate there and equalled it is
taken for the loss from then on, and what once missed it no longer is.
"""

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import keras
import tensorflow as tf

from tb_lossdiag.recording.keras_private import backend_variable
from tb_lossdiag.recording.patch import patched
from tb_lossdiag.recording.running_mean import AGREEMENT

MAX_CALLS = 4  # tf.functions called one after the other in a step; the loss is hardly the fifth's
_FUNCTION = type(tf.function(lambda: None))


class EagerLoss:
    """Of the steps of one model. optimizer: which may scale the loss before it is differentiated. guarded: what stands
    around all that is ours in the step.
    """

    def __init__(self, model: keras.Model, optimizer: Any, guarded: Callable[[], AbstractContextManager]) -> None:
        self._model = model
        self._optimizer = optimizer
        self._guarded = guarded
        self._candidates: dict[str, Any] = {}
        self._holds: dict[str, bool] = {}
        self._scale: Any = None
        self._ours: set[int] = set()
        self._depth = self._calls = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """The step stands in the block."""
        self._candidates, self._depth, self._calls = {}, 0, 0
        with self._guarded():
            self._scale = self._scale_now()
        undo_gradient = patched(tf.GradientTape, "gradient", self._gradient_hook(tf.GradientTape.gradient))
        undo_call = patched(_FUNCTION, "__call__", self._function_hook(_FUNCTION.__call__))
        try:
            yield
        finally:
            undo_call()
            undo_gradient()

    def _scale_now(self) -> Any:
        """By what the optimizer multiplies the next loss; None for nothing."""
        if not isinstance(self._optimizer, keras.optimizers.LossScaleOptimizer):
            return None
        built = self._optimizer.built
        return tf.convert_to_tensor(self._optimizer.dynamic_scale) if built else self._optimizer.initial_scale

    def learn(self, measured: float) -> None:
        """Compares what the last step had to show with the loss measured in it."""
        candidates, self._candidates = self._candidates, {}
        for name, value in candidates.items() if math.isfinite(measured) else ():
            agrees = math.isclose(float(value), measured, rel_tol=AGREEMENT)
            self._holds[name] = agrees and self._holds.get(name, True)

    def last(self) -> Any:
        """The loss of the last step, a scalar tensor; None where it is not known."""
        return next((value for name, value in self._candidates.items() if self._holds.get(name)), None)

    def _gradient_hook(self, original: Callable) -> Callable:
        @functools.wraps(original)
        def gradient(tape: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
            with self._guarded():
                if "differentiated" not in self._candidates and _is_scalar(target) and self._is_ours(sources):
                    self._candidates["differentiated"] = target if self._scale is None else target / self._scale
            return original(tape, target, sources, *args, **kwargs)

        return gradient

    def _function_hook(self, original: Callable) -> Callable:
        @functools.wraps(original)
        def call(function: Any, *args: Any, **kwargs: Any) -> Any:
            self._depth += 1
            try:
                result = original(function, *args, **kwargs)
            finally:
                self._depth -= 1
            with self._guarded():
                loss = result.get("loss") if isinstance(result, Mapping) else result
                if self._depth == 0 and self._calls < MAX_CALLS and _is_scalar(loss):
                    self._calls += 1
                    self._candidates[f"returned {self._calls}"] = loss
            return result

        return call

    def _is_ours(self, sources: Any) -> bool:
        variables = [one for one in keras.tree.flatten(sources) if isinstance(one, (tf.Variable, keras.Variable))]
        if variables and not self._holds_one_of(variables):
            own = self._model.trainable_variables
            self._ours = {id(one) for variable in own for one in (variable, backend_variable(variable))}
        return self._holds_one_of(variables)

    def _holds_one_of(self, variables: list[Any]) -> bool:
        return any(id(one) in self._ours for one in variables)


def _is_scalar(value: Any) -> bool:
    """Whether it is one number that is there already, and may be a loss."""
    is_there = isinstance(value, tf.Tensor) and hasattr(value, "numpy")
    return is_there and value.shape.rank == 0 and value.dtype.is_floating
