"""What was seen of one training step? Its inputs, calls, loss, gradients and weights, as the hooks report them.

Only references are kept; statistics are computed when the step is over.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from tb_lossdiag.recording.apart import apart
from tb_lossdiag.recording.eager_facts import EagerFacts
from tb_lossdiag.recording.gate import Gate
from tb_lossdiag.recording.keras_private import backend_variable, losses_are_shares
from tb_lossdiag.recording.lineage import ancestors
from tb_lossdiag.recording.loss_calls import MAX_CALLS, LossCall
from tb_lossdiag.recording.loss_terms import MAX_TERMS, added_by_layers, is_term
from tb_lossdiag.recording.losses import given_losses
from tb_lossdiag.recording.rates import Rates
from tb_lossdiag.recording.rows import LayerCall, unique
from tb_lossdiag.recording.structure import structure_of
from tb_lossdiag.recording.training_mode import Modes, differs
from tb_lossdiag.recording.workers import in_lockstep


@dataclass(frozen=True)
class ModelCall:
    """One call of the model. x: its first argument. inputs: all, flat. outputs: its result, flat. in_tape: whether a
    gradient tape was recording.
    """

    x: Any
    inputs: tuple[Any, ...]
    result: Any
    outputs: tuple[Any, ...]
    in_tape: bool


class Observation:
    """What was seen in one training step of one model; tensors of the graph it was traced in, or eager ones.

    A loop's body, a branch and a function called inside the step have graphs of their own; `part` has what was seen
    there. finish: called with a part that has seen its update, for its tensors cannot be read from outside.
    gate: closed where the step is run without being sampled; None where each run of it is a sample.

    before, gradients: by variable path. A gradient is None where the tape found no way from the loss; a variable that
    no optimizer was given has no entry. loss_scale, gradient_scale: by what those were multiplied, for low precision or
    for several replicas; None for nothing. optimizers: one for each time that the model's gradients were applied.
    model_calls: in their order, where the step can read their outputs. modes: of all calls. tapes: that are recording
    now. differentiated: the first tensor of which the gradients for the model's variables were taken. watched: by that
    tape, variables of whatever model. updated: ids of all variables that an optimizer was given, the model's or not.
    looks_closely: whether what belongs on the card is looked for in an eager step; eager: what was found there.
    state: (variable, value before the step) of what is not trained. loss_arguments: that compute_loss was given, None
    where it was not seen.
    terms: of the loss, by name. losses: that were called. weighted: whether compute_loss was given sample weights;
    class weights come as such. is_loop: whether the step is one of the user's own loop.
    error: what went wrong in a hook, None mostly.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: Any = None,
        finish: Callable[["Observation", "Observation"], None] | None = None,
        clones: Any = None,
        gate: Gate | None = None,
        looks_closely: bool = True,
    ) -> None:
        self.model = model
        self.gate = gate
        self.finish = finish
        self.clones = clones
        self.numbers: Mapping[str, Any] | None = None  # kept from a part that was finished
        self.is_loop = optimizer is not None
        self.optimizer = optimizer if optimizer is not None else getattr(model, "optimizer", None)
        self.graph = current_graph()
        self.replica = replica()
        self.in_replica = _replicas() > 1
        self.asks_others = self.in_replica and not in_lockstep(model)  # what fails here must not leave them waiting
        self.thread = threading.get_ident()
        self._parts: dict[Any, Observation] = {}
        self.apply_depth = 0
        self.x = self.y = self.y_pred = None
        self.loss = self.penalty = None
        self.rates = Rates()
        self.loss_scale = self.gradient_scale = None
        self.before: dict[str, Any] = {}
        self.gradients: dict[str, Any] = {}
        self.optimizers: list[Any] = []
        self.terms: dict[str, tf.Tensor] = {}
        self.losses: list[LossCall] = []
        self.parts_of_losses: list[LossCall] = []
        self.derivatives: list[tf.Tensor] = []
        self.has_second_derivatives = False
        self.weighted = False
        self.loss_arguments: Mapping[str, Any] | None = None
        self.state: list[tuple[Any, tf.Tensor]] = []
        self.calls: list[LayerCall] = []
        self.model_calls: list[ModelCall] = []
        self.modes = Modes(model)
        self.tapes = 0
        self.differentiated: Any = None
        self.updated: set[int] = set()
        self.is_prediction_given = False
        self.watched: tuple[Any, ...] = ()
        self.error: Exception | None = None
        self.structure = structure_of(model)
        self.eager = EagerFacts(model, self.structure) if looks_closely and self.graph is None else None

    def part(self, graph: Any) -> "Observation":
        """What is seen in this graph, which is the current one when it is first asked for."""
        if graph is self.graph:
            return self
        if graph not in self._parts:
            self._parts[graph] = Observation(self.model, self.optimizer, gate=self.gate)
        return self._parts[graph]

    def remember_weights(self) -> None:
        """Reads the weights before the update; again at the update, for a model that gets them in its first call."""
        self.structure = structure_of(self.model)
        new = {path: variable for path, variable in self.structure.variables.items() if path not in self.before}

        def read() -> dict[str, tf.Tensor]:
            return {path: tf.convert_to_tensor(variable) for path, variable in new.items()}

        if self.gate is None:
            self.before |= read()
        elif new:
            for path, value in self.gate.passed(read).items():
                value.set_shape(new[path].shape)  # as it is where it is read
                self.before[path] = value

    def remember_state(self) -> None:
        """Reads what else the model has before the step changes it, where a pass of our own would need it."""
        is_wanted = self.graph is not None and self.gate is None and not self.in_replica
        has_several = len(getattr(self.model, "output_names", None) or given_losses(self.model)) > 1
        if is_wanted and (has_several or any(differs(layer) for layer in self.structure.layers.values())):
            self.state = [(one, tf.convert_to_tensor(one)) for one in self.model.non_trainable_variables]

    def holds(self, value: Any) -> bool:
        """Whether the step can read this tensor when it ends; one from a loop's or branch's own graph it cannot."""
        if isinstance(value, tf.IndexedSlices):
            return self.holds(value.values)
        return tf.is_tensor(value) and graph_of(value) in (None, self.graph)

    def saw_apply(self, optimizer: Any, gradients: Any, variables: Any) -> None:
        self.remember_weights()
        ours = False
        for gradient, variable in zip(gradients, variables, strict=True):
            path = self.structure.path_of_variable(variable)
            if path is None or not (gradient is None or self.holds(gradient)):
                continue
            self.gradients[path] = tf.convert_to_tensor(gradient) if isinstance(gradient, tf.Variable) else gradient
            ours = True
        for variable in variables:
            self.updated |= {id(variable), id(backend_variable(variable))}
        if ours:
            if not self.optimizers:
                self.gradient_scale = _gradient_scale(optimizer)
            with apart():  # a schedule is computed once more for us
                self.rates = self.rates.with_applied(optimizer, tf.convert_to_tensor, variables)
            self.optimizers.append(optimizer)
        if _replicas() > 1 and self.asks_others:  # Keras adds them up later, after clipping
            own = {path: gradient for path, gradient in self.gradients.items() if gradient is not None}
            replicas = tf.distribute.get_replica_context()
            self.gradients |= replicas.all_reduce(tf.distribute.ReduceOp.SUM, own)

    def saw_sum(self, gradients_and_variables: Any) -> None:
        """What Keras has added up over the replicas; of a step that is watched from outside of them, or in several
        processes.

        Only one replica is seen there, and what it alone would ask of the others they would not answer.
        """
        if not self.asks_others:
            for gradient, variable in gradients_and_variables:
                path = self.structure.path_of_variable(variable)
                if path in self.gradients and self.holds(gradient):
                    self.gradients[path] = gradient

    def saw_call(self, layer: Any, args: tuple, kwargs: dict[str, Any], result: Any) -> None:
        outputs = tuple(keras.tree.flatten(result))
        self.modes.saw(layer, kwargs)
        if layer is self.model:
            if all(self.holds(output) for output in outputs):
                inputs = tuple(keras.tree.flatten((args, kwargs)))
                given = args[0] if args else next(iter(kwargs.values()), None)
                self.model_calls.append(ModelCall(given, inputs, result, outputs, self.tapes > 0))
                if self.eager is not None:
                    self.eager.saw_model(outputs, inputs)
            if self.y_pred is None and all(self.holds(output) for output in outputs):
                self.x = args[0] if args else next(iter(kwargs.values()), None)
                self.y_pred = result
                self.penalty = _total(self.model.losses)
                for name, loss in added_by_layers(self.model, self.structure).items():
                    self.saw_term(name, _total([loss]))
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
            self.loss_scale = 1.0 / replicas if replicas > 1 and losses_are_shares() else None
            self.x = self.x if x is None else x
            self.y = y
            self.weighted = sample_weight is not None
            self.loss_arguments = {"x": x, "y": y, "sample_weight": sample_weight}
            if y_pred is not None:
                self.y_pred, self.is_prediction_given = y_pred, True

    def saw_loss(self, seen: Callable[[], LossCall]) -> None:
        call = seen()
        ends = call.prediction, call.value
        known = self.parts_of_losses if call.is_part else self.losses
        if all(self.holds(tensor) for tensor in ends) and len(known) < MAX_CALLS:
            known.append(call)

    def saw_mean(self, metric: Any, values: Any) -> None:
        """What a metric averages may be a term of the loss."""
        if is_term(self.model, metric):
            self.saw_term(metric.name, values)

    def saw_term(self, name: str, value: Any) -> None:
        if self.holds(value) and value.dtype.is_floating and len(self.terms) < MAX_TERMS:
            self.terms[unique(name, self.terms)] = value

    def saw_tape(self, opened: bool) -> None:
        self.tapes += 1 if opened else -1

    def saw_gradient(self, tape: Any, target: Any, sources: Any) -> None:
        """What is differentiated for the model's variables is the loss, where compute_loss was not used."""
        if _replicas() > 1 and not self.in_replica:
            return  # a replica's share; the step's result is the whole
        is_first, is_loss = self.differentiated is None, self.loss is None and target.shape.rank == 0
        if not (is_first or is_loss) or not self.holds(target):
            return
        self.structure = structure_of(self.model)
        if not any(self.structure.path_of_variable(source) for source in keras.tree.flatten(sources)):
            return
        if is_first:
            self.differentiated, self.watched = target, tuple(tape.watched_variables())
            if self.eager is not None:
                self.eager.saw_gradient(target)
        if is_loss:
            self.loss = target
            self.loss_scale = _gradient_scale(self.optimizer)

    def saw_derivative(self, target: tf.Tensor, sources: Any, results: Any) -> None:
        """By what is no weight, such as the inputs of a model that is to obey an equation."""
        if any(hasattr(source, "assign") for source in keras.tree.flatten(sources)):
            return
        made_by = {id(op) for op in ancestors([target])} if self.derivatives else set()
        self.has_second_derivatives |= any(id(one.op) in made_by for one in self.derivatives)
        new = [one for one in keras.tree.flatten(results) if isinstance(one, tf.Tensor) and self.holds(one)]
        self.derivatives = [*self.derivatives, *new][:MAX_CALLS]


def _total(losses: Sequence[Any]) -> tf.Tensor:
    with apart():
        return tf.add_n([tf.cast(loss, tf.float32) for loss in losses] or [tf.constant(0.0)])


def current_graph() -> Any:
    """None where ops run at once."""
    return None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()


def graph_of(value: Any) -> Any:
    """The graph a tensor belongs to; None for an eager one."""
    value = value.values if isinstance(value, tf.IndexedSlices) else value
    return getattr(value, "graph", None)


def replica() -> int:
    """Which of this process's replicas runs or is traced here; 0 outside of any."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return 0
    number = int(tf.get_static_value(context.replica_id_in_sync_group))
    return number % len(context.strategy.extended.worker_devices)  # they are counted on from worker to worker


def _replicas() -> int:
    """How many replicas take this very step together; 1 outside of any."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def _gradient_scale(optimizer: Any) -> Any:
    """By what the loss, and with it every gradient, was multiplied; None for nothing."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return tf.convert_to_tensor(optimizer.dynamic_scale) if optimizer.built else optimizer.initial_scale
    return getattr(optimizer, "loss_scale_factor", None)
