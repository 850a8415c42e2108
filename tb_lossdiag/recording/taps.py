"""How is a training step watched while it is traced or run? By temporary hooks.

They stand on the model, its layers, the optimizers, the gradient tape and tf.functions, hand on arguments and results
untouched, and tell an Observation. They are installed by the first watcher of a model, removed by the last, and ignore
what is not the model's.
"""

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import keras
import tensorflow as tf

from tb_lossdiag.recording.apart import apart
from tb_lossdiag.recording.keras_private import summing_method, variables_of
from tb_lossdiag.recording.loss_calls import LossCall, function_hook, function_hooks, kind_hook, loss_kinds
from tb_lossdiag.recording.losses import Loss
from tb_lossdiag.recording.observation import Observation, current_graph, graph_of, replica
from tb_lossdiag.recording.patch import patched
from tb_lossdiag.recording.tensorflow_private import check_replicas
from tb_lossdiag.recording.workers import replicas_of, stops_replica

_lock = threading.RLock()
_watchers: list[Observation] = []
# Id of a model, 0 for the classes and functions, or a class of losses, to what undoes its hooks.
_installed: dict[Any, list[Callable[[], None]]] = {}
_FUNCTION = type(tf.function(lambda: None))
# TensorFlow's own losses, which a step may call without Keras.
_LOSS_FUNCTIONS = {
    "sigmoid_cross_entropy_with_logits": Loss("BinaryCrossentropy", from_logits=True, ignores=False),
    "softmax_cross_entropy_with_logits": Loss("CategoricalCrossentropy", from_logits=True, ignores=False),
    "sparse_softmax_cross_entropy_with_logits": Loss("SparseCategoricalCrossentropy", from_logits=True, ignores=False),
}
_APPLYING = next(kind for kind in keras.optimizers.Optimizer.__mro__ if "apply" in vars(kind))


@contextmanager
def watching(observation: Observation) -> Iterator[None]:
    """The hooks report to this observation while the block runs; whatever happens in it, they go again."""
    model = observation.model
    with _lock:
        if 0 not in _installed:
            hooks = [*_of_classes(several=replicas_of(model) > 1), *_of_losses()]
            _installed[0] = [patched(*hook) for hook in hooks]
        for kind in loss_kinds(model):
            if kind not in _installed:
                _installed[kind] = [patched(*kind_hook(kind, _tell_loss))]
        if id(model) not in _installed:
            layers = [model, *observation.structure.layers.values()]
            hooks = [(layer, "call", _call_hook(model, layer)) for layer in layers]
            hooks.append((model, "compute_loss", _compute_loss_hook(model)))
            _installed[id(model)] = [patched(*hook) for hook in hooks]
        _watchers.append(observation)
    with apart():
        observation.remember_weights()
        observation.remember_state()
    try:
        yield
    finally:
        if observation.eager is not None:
            observation.eager.stop()
        with _lock:
            _watchers.remove(observation)
            done = [] if _watchers else [key for key in _installed if key == 0 or isinstance(key, type)]
            if all(watcher.model is not model for watcher in _watchers):
                done.append(id(model))
            for key in done:
                for undo in _installed.pop(key):
                    undo()


@contextmanager
def _unwatched() -> Iterator[None]:
    """Nothing is reported of what is traced in the block."""
    with _lock:
        held = _watchers.copy()
        _watchers.clear()
        try:
            yield
        finally:
            _watchers.extend(held)


def _of_classes(several: bool) -> list[tuple[type, str, Callable]]:
    """(class, name, hook): whatever cannot be had is told before one of them stands. several: replicas."""
    if several:
        check_replicas()
    summing = summing_method(several)
    makers = [
        (_APPLYING, "apply", _apply_hook),
        (keras.optimizers.LossScaleOptimizer, "apply", _apply_hook),
        *([] if summing is None else [(*summing, _sum_hook)]),
        (keras.metrics.Mean, "update_state", _mean_hook),
        (tf.GradientTape, "gradient", _gradient_hook),
        (tf.GradientTape, "__enter__", _enter_hook),
        (tf.GradientTape, "__exit__", _exit_hook),
        (_FUNCTION, "__call__", _function_hook),
    ]
    return [(kind, name, hook(getattr(kind, name))) for kind, name, hook in makers]


def _of_losses() -> list[tuple[Any, str, Callable]]:
    """(module, name, hook)"""
    of_tensorflow = [
        (tf.nn, name, function_hook(getattr(tf.nn, name), _tell_loss, "labels", "logits", known))
        for name, known in _LOSS_FUNCTIONS.items()
    ]
    return [*function_hooks(_tell_loss), *of_tensorflow]


def _tell_loss(seen: Callable[[], LossCall]) -> None:
    _tell(None, current_graph(), "saw_loss", seen)


def _tell(model: Any, graph: Any, what: str, *args: Any, **kwargs: Any) -> None:
    """Reports what was seen in this graph to each watcher of this replica, and of this model where one is named."""
    for watcher in list(_watchers):
        if (model is None or watcher.model is model) and watcher.error is None and watcher.replica == replica():
            try:
                part = watcher.part(graph)
                # A branch is built inside the step's graph, but what it is told of may belong to the step.
                with nullcontext() if graph is current_graph() else graph.as_default(), apart():
                    getattr(part, what)(*args, **kwargs)
            except Exception as error:  # nothing of ours may reach the training
                watcher.error = error
                if stops_replica(error):
                    raise


def _call_hook(model: Any, layer: Any) -> Callable:
    original = layer.call

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        _tell(model, current_graph(), "saw_call", layer, args, kwargs, result)
        return result

    return call


def _compute_loss_hook(model: Any) -> Callable:
    original = model.compute_loss

    @functools.wraps(original)
    def compute_loss(*args: Any, **kwargs: Any) -> Any:
        loss = original(*args, **kwargs)
        _tell(model, current_graph(), "saw_compute_loss", loss, *args, **kwargs)
        return loss

    return compute_loss


def _apply_hook(original: Callable) -> Callable:
    @functools.wraps(original)
    def apply(self: Any, grads: Any, trainable_variables: Any = None) -> None:
        grads = list(grads)
        if trainable_variables is not None:
            trainable_variables = list(trainable_variables)
        watchers = [watcher for watcher in _watchers if watcher.replica == replica()]
        outermost = all(watcher.apply_depth == 0 for watcher in watchers)  # an optimizer may wrap another
        # A gradient that was added up in a variable belongs to no graph.
        graph = next((graph_of(gradient) for gradient in grads if gradient is not None), None) or current_graph()
        if outermost:
            known = variables_of(self) if trainable_variables is None else trainable_variables
            _tell(None, graph, "saw_apply", self, grads, known)
        for watcher in watchers:
            watcher.apply_depth += 1
        try:
            original(self, grads, trainable_variables)
        finally:
            for watcher in watchers:
                watcher.apply_depth -= 1
        if outermost and graph is current_graph():
            _finish_parts(graph)

    return apply


def _finish_parts(graph: Any) -> None:
    """What was seen in a graph that ends before the step does is packed there."""
    for watcher in list(_watchers):
        part = watcher.part(graph) if watcher.error is None and watcher.replica == replica() else watcher
        if part is not watcher and part.optimizers and watcher.finish is not None:
            try:
                watcher.finish(watcher, part)
            except Exception as error:  # nothing of ours may reach the training
                watcher.error = error
                if stops_replica(error):
                    raise


def _sum_hook(original: Callable) -> Callable:
    @functools.wraps(original)
    def all_reduce_sum_gradients(self: Any, grads_and_vars: Any) -> Any:
        summed = original(self, grads_and_vars)
        context = tf.distribute.get_replica_context()
        if context is not None and context.num_replicas_in_sync > 1:
            summed = list(summed)
            _tell(None, current_graph(), "saw_sum", summed)
        return summed

    return all_reduce_sum_gradients


def _gradient_hook(original: Callable) -> Callable:
    @functools.wraps(original)
    def gradient(self: Any, target: Any, sources: Any, *args: Any, **kwargs: Any) -> Any:
        if tf.is_tensor(target):
            _tell(None, graph_of(target), "saw_gradient", self, target, sources)
        result = original(self, target, sources, *args, **kwargs)
        if tf.is_tensor(target) and graph_of(target) is not None:
            _tell(None, graph_of(target), "saw_derivative", target, sources, result)
        return result

    return gradient


def _enter_hook(original: Callable) -> Callable:
    @functools.wraps(original)
    def enter(self: Any) -> Any:
        _tell(None, current_graph(), "saw_tape", True)
        return original(self)

    return enter


def _exit_hook(original: Callable) -> Callable:
    @functools.wraps(original)
    def leave(self: Any, *exception: Any) -> Any:
        _tell(None, current_graph(), "saw_tape", False)
        return original(self, *exception)

    return leave


def _mean_hook(original: Callable) -> Callable:
    @functools.wraps(original)
    def update_state(self: Any, values: Any, *args: Any, **kwargs: Any) -> Any:
        _tell(None, current_graph(), "saw_mean", self, values)
        return original(self, values, *args, **kwargs)

    return update_state


def _function_hook(original: Callable) -> Callable:
    """Inside a watched step a tf.function runs as a clone, whose trace may hold our ops: its own stays as it is."""

    @functools.wraps(original)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        watcher = next((w for w in _watchers if w.thread == threading.get_ident() and w.error is None), None)
        known = type(self) is _FUNCTION  # one restored from a SavedModel only calls what was traced long ago
        if watcher is None or watcher.clones is None or not known or watcher.clones.is_clone(self):
            return original(self, *args, **kwargs)
        if current_graph() is None:
            with _unwatched():
                watcher.clones.look_at(self, watcher, args, kwargs)
        with watcher.clones.running(self, watcher) as clone:
            return original(clone, *args, **kwargs)

    return call
