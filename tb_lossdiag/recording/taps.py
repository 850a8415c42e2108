"""What passes through a training step while it is traced or run? Temporary hooks on model, layers, optimizer and tape.

The hooks hand on arguments and results untouched and only keep references; statistics are computed when the step is
over. They are installed by the first watcher of a model, removed by the last, and ignore what is not the model's.
"""

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf
from keras.src.optimizers.base_optimizer import BaseOptimizer

from tb_lossdiag.recording.apart import apart
from tb_lossdiag.recording.structure import structure_of

_lock = threading.RLock()
_watchers: list["Observation"] = []
_installed: dict[int, list[Callable[[], None]]] = {}  # id of a model, 0 for the classes, to what undoes its hooks
_ABSENT = object()


@dataclass(frozen=True)
class LayerCall:
    """One call of a layer. tensor: its first floating-point output, None when this step cannot read it."""

    path: str
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    tensor: Any


class Observation:
    """What was seen in one training step of one model; tensors of the graph it was traced in, or eager ones.

    before, gradients: by variable path. A gradient is None where the tape found no way from the loss; a variable that
    no optimizer was given has no entry. loss_scale, gradient_scale: by what those were multiplied, for low precision or
    for several replicas; None for nothing. optimizers: one for each time that the model's gradients were applied.
    weighted: whether compute_loss was given sample weights; class weights come as such. error: what went wrong in a
    hook, None mostly.
    """

    def __init__(self, model: keras.Model, optimizer: Any = None) -> None:
        self.model = model
        self.optimizer = optimizer if optimizer is not None else getattr(model, "optimizer", None)
        self.graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
        self.replica = _replica()
        self.apply_depth = 0
        self.x = self.y = self.y_pred = None
        self.loss = self.penalty = self.learning_rate = None
        self.loss_scale = self.gradient_scale = None
        self.before: dict[str, Any] = {}
        self.gradients: dict[str, Any] = {}
        self.optimizers: list[Any] = []
        self.weighted = False
        self.calls: list[LayerCall] = []
        self.error: Exception | None = None
        with apart():
            self.remember_weights()

    def remember_weights(self) -> None:
        """Reads the weights before the update; again at the update, for a model that gets them in its first call."""
        self.structure = structure_of(self.model)
        for path, variable in self.structure.variables.items():
            if path not in self.before:
                self.before[path] = tf.convert_to_tensor(variable)

    def holds(self, value: Any) -> bool:
        """Whether the step can read this tensor when it ends; one from a loop's or branch's own graph it cannot."""
        if isinstance(value, tf.IndexedSlices):
            return self.holds(value.values)
        return tf.is_tensor(value) and (_is_eager(value) or getattr(value, "graph", None) is self.graph)

    def saw_apply(self, optimizer: Any, gradients: Any, variables: Any) -> None:
        self.remember_weights()
        ours = False
        for gradient, variable in zip(gradients, variables, strict=True):
            path = self.structure.path_of_variable(variable)
            if path is None or not (gradient is None or self.holds(gradient)):
                continue
            if self.learning_rate is None:
                self.learning_rate = tf.convert_to_tensor(optimizer.learning_rate)
                self.gradient_scale = _gradient_scale(optimizer)
            self.gradients[path] = gradient
            ours = True
        if ours:
            self.optimizers.append(optimizer)
        replicas = tf.distribute.get_replica_context()
        if replicas is not None and replicas.num_replicas_in_sync > 1:  # Keras adds them up later, after clipping
            own = {path: gradient for path, gradient in self.gradients.items() if gradient is not None}
            self.gradients |= replicas.all_reduce(tf.distribute.ReduceOp.SUM, own)

    def saw_call(self, layer: Any, args: tuple, kwargs: dict[str, Any], result: Any) -> None:
        outputs = tuple(keras.tree.flatten(result))
        if layer is self.model:
            if self.y_pred is None and all(self.holds(output) for output in outputs):
                self.x = args[0] if args else next(iter(kwargs.values()), None)
                self.y_pred = result
                self.penalty = tf.add_n([tf.cast(loss, tf.float32) for loss in self.model.losses] or [tf.constant(0.0)])
            return
        tensor = next((output for output in outputs if self.holds(output) and output.dtype.is_floating), None)
        inputs = tuple(keras.tree.flatten((args, kwargs)))
        self.calls.append(LayerCall(self.structure.path_of_layer(layer) or layer.name, inputs, outputs, tensor))

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
        if self.loss is None and self.holds(loss):
            self.loss = loss
            replicas = tf.distribute.get_strategy().num_replicas_in_sync
            self.loss_scale = 1.0 / replicas if replicas > 1 else None  # each replica has its share of the loss
            self.x = self.x if x is None else x
            self.y = y
            self.weighted = sample_weight is not None
            self.y_pred = self.y_pred if y_pred is None else y_pred

    def saw_gradient(self, target: Any, sources: Any) -> None:
        """What is differentiated for the model's variables is the loss, where compute_loss was not used."""
        if self.loss is None and self.holds(target) and target.shape.rank == 0:
            self.structure = structure_of(self.model)
            if any(self.structure.path_of_variable(source) for source in keras.tree.flatten(sources)):
                self.loss = target
                self.loss_scale = _gradient_scale(self.optimizer)


@contextmanager
def watching(observation: Observation) -> Iterator[None]:
    """The hooks report to this observation while the block runs; whatever happens in it, they go again."""
    model = observation.model
    with _lock:
        if 0 not in _installed:
            _installed[0] = [
                _patched(BaseOptimizer, "apply", _apply_hook(BaseOptimizer.apply)),
                _patched(
                    keras.optimizers.LossScaleOptimizer, "apply", _apply_hook(keras.optimizers.LossScaleOptimizer.apply)
                ),
                _patched(tf.GradientTape, "gradient", _gradient_hook(tf.GradientTape.gradient)),
            ]
        if id(model) not in _installed:
            layers = [model, *observation.structure.layers.values()]
            _installed[id(model)] = [_patched(layer, "call", _call_hook(model, layer)) for layer in layers]
            _installed[id(model)].append(_patched(model, "compute_loss", _compute_loss_hook(model)))
        _watchers.append(observation)
    try:
        yield
    finally:
        with _lock:
            _watchers.remove(observation)
            done = [0] if not _watchers else []
            if all(watcher.model is not model for watcher in _watchers):
                done.append(id(model))
            for key in done:
                for undo in _installed.pop(key):
                    undo()


def _patched(owner: Any, name: str, hook: Callable) -> Callable[[], None]:
    """Puts the hook in place of owner.name; the answer puts back what was there."""
    before = vars(owner).get(name, _ABSENT)
    if isinstance(owner, type):
        setattr(owner, name, hook)
        return lambda: setattr(owner, name, before)
    vars(owner)[name] = hook  # past Keras's __setattr__, which tracks what it is given

    def undo() -> None:
        if before is _ABSENT:
            vars(owner).pop(name, None)
        else:
            vars(owner)[name] = before

    return undo


def _tell(model: Any, what: str, *args: Any, **kwargs: Any) -> None:
    """Reports to each watcher of this replica, and of this model where one is named; our own mistakes stay with us."""
    for watcher in list(_watchers):
        if (model is None or watcher.model is model) and watcher.error is None and watcher.replica == _replica():
            try:
                with apart():
                    getattr(watcher, what)(*args, **kwargs)
            except Exception as error:  # nothing of ours may reach the training
                watcher.error = error


def _call_hook(model: Any, layer: Any) -> Callable:
    original = layer.call

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        _tell(model, "saw_call", layer, args, kwargs, result)
        return result

    return call


def _compute_loss_hook(model: Any) -> Callable:
    original = model.compute_loss

    @functools.wraps(original)
    def compute_loss(*args: Any, **kwargs: Any) -> Any:
        loss = original(*args, **kwargs)
        _tell(model, "saw_compute_loss", loss, *args, **kwargs)
        return loss

    return compute_loss


def _apply_hook(original: Callable) -> Callable:
    @functools.wraps(original)
    def apply(self: Any, grads: Any, trainable_variables: Any = None) -> None:
        if trainable_variables is not None:
            trainable_variables = list(trainable_variables)
        watchers = [watcher for watcher in _watchers if watcher.replica == _replica()]
        if all(watcher.apply_depth == 0 for watcher in watchers):  # an optimizer may wrap another
            known = self._trainable_variables if trainable_variables is None else trainable_variables
            _tell(None, "saw_apply", self, grads, known)
        for watcher in watchers:
            watcher.apply_depth += 1
        try:
            original(self, grads, trainable_variables)
        finally:
            for watcher in watchers:
                watcher.apply_depth -= 1

    return apply


def _gradient_hook(original: Callable) -> Callable:
    @functools.wraps(original)
    def gradient(self: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
        _tell(None, "saw_gradient", target, sources)
        return original(self, target, sources, *args, **kwargs)

    return gradient


def _is_eager(value: Any) -> bool:
    return isinstance(value, tf.__internal__.EagerTensor)


def _replica() -> int:
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return 0
    return int(tf.get_static_value(context.replica_id_in_sync_group))


def _gradient_scale(optimizer: Any) -> Any:
    """By what the loss, and with it every gradient, was multiplied; None for nothing."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return tf.convert_to_tensor(optimizer.dynamic_scale) if optimizer.built else optimizer.initial_scale
    return getattr(optimizer, "loss_scale_factor", None)
