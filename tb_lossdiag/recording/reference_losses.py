"""What is the user's loss on other outputs than the model's, on TensorFlow? Outputs dealt to other examples, constant
ones, and the targets themselves, of the same batch in the same step.

In a graph the loss is traced once, as a function of its own that is called on each of them; at once where ops run so.
"""

from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from typing import Any
from weakref import WeakKeyDictionary

import keras
import tensorflow as tf

from tb_lossdiag.recording import statistics
from tb_lossdiag.recording.apart import Copies, apart
from tb_lossdiag.recording.draws import nodes_of
from tb_lossdiag.recording.effects import unmoved
from tb_lossdiag.recording.keras_private import carried_logits, give_logits, give_mask, losses_are_shares, mask_of
from tb_lossdiag.recording.loss_calls import LossCall, is_kerass
from tb_lossdiag.recording.patch import patched
from tb_lossdiag.recording.references import (
    CHANGES,
    DRAWS,
    FAILS,
    NO_BATCH,
    NO_TENSOR,
    PERMUTATIONS,
    PRINTS,
    SEED,
    NotCalledAgain,
    Unchanged,
    constants_of,
    dealing,
    has_least,
    measured_examples,
    shapes_of,
)
from tb_lossdiag.recording.tensorflow_private import definition_of

MAX_OPS = 30  # looked at on the way from what a loss was called on back to the model's output
# By these a step only reads, or enters a function whose own operators are looked at.
READS = frozenset(
    (
        *("ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VarHandleOp", "VarIsInitializedOp"),
        *("StatefulPartitionedCall", "PartitionedCall", "If", "While", "Case", "NoOp"),
    )
)
# Without a state, but raising, or asking Python: on outputs that a model never gives they might end the training.
_RAISES = frozenset(
    (
        *("CheckNumerics", "CheckNumericsV2", "Cholesky", "EagerPyFunc", "InvertPermutation", "MatrixInverse"),
        *("MatrixSolve", "MatrixTriangularSolve", "PyFuncStateless", "Qr", "SelfAdjointEigV2", "Svd"),
    )
)
_ACTIVATIONS = {"Softmax": tf.nn.softmax, "Sigmoid": tf.nn.sigmoid}
_may_be_called: "WeakKeyDictionary[Any, str]" = WeakKeyDictionary()  # of steps that run at once; "" for yes


def reference_losses(call: LossCall, copies: Copies, replicas: int = 1) -> statistics.Numbers:
    """The columns of schema.DATA_COLUMNS from "loss" to "loss_least". Raises NotCalledAgain with the reason.

    replicas: that take the step together, each with its part of the batch: then of this one's part.
    """
    target, prediction, weight = _tensor(call.target), _tensor(call.prediction), call.weight
    if target is None or prediction is None or not prediction.dtype.is_floating:
        raise NotCalledAgain(NO_TENSOR)
    if not prediction.shape.rank or not target.shape.rank:
        raise NotCalledAgain(NO_BATCH)
    weight = None if weight is None else copies.of(tf.convert_to_tensor(weight))
    again, count = _Again(call, replicas), measured_examples(prediction.shape)
    logits, activation = _before_activation(prediction, call)
    parts = [None if part is None else _first(copies.of(part), count) for part in (logits, mask_of(prediction))]
    target, prediction = (_first(copies.of(end), count) for end in (target, prediction))
    weight = None if weight is None else _first(weight, count)
    target, are_classes = _classes(call, target, prediction)
    with ExitStack() as stack:
        if call.value is not None and not tf.executing_eagerly():  # where the user's own call fails, it does so first
            known = tf.identity(copies.of(call.value))
            stack.enter_context(tf.control_dependencies([known]))
        of_outputs = again.prepared(target, prediction, *parts, weight, activation)
        batch = prediction.shape[0] if prediction.shape[0] is not None else tf.shape(prediction)[0]
        dealt = []
        for order in tf.unstack(orders(batch), num=PERMUTATIONS):
            others = [None if part is None else _gathered(part, order) for part in (prediction, *parts)]
            dealt.append(of_outputs(target, *others, weight))
        if call.value is None or count is not None:
            own = of_outputs(target, prediction, *parts, weight)
        else:
            own = own_loss(call, copies) * again.share
        of_constants = of_outputs
        if logits is not None:
            of_constants = again.prepared(target, prediction, None, parts[1], weight, None)
        made = [
            of_constants(target, constant, None, parts[1], weight) for constant in _constants(call, target, prediction)
        ]
        least = None
        if has_least(call.description, *shapes_of(call), target.dtype.is_floating):
            ideal = target[..., None] if target.shape.rank < prediction.shape.rank else target
            ideal = _formed(tf.cast(ideal, prediction.dtype), prediction)
            least = of_constants(target, ideal, None, parts[1], weight)
    numbers = {"loss": own, **_compared(own, tf.stack(dealt), batch), "loss_constant": _least(tf.stack(made))}
    numbers |= {} if least is None else {"loss_least": least}
    if are_classes is None:
        return numbers
    return {name: tf.where(are_classes, value, float("nan")) for name, value in numbers.items()}


def _classes(call: LossCall, target: tf.Tensor, prediction: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | None]:
    """(labels that are class numbers, whether all were); of other targets than labels as they are, and None.

    What XLA compiles takes a label beyond the last class without a word, where the kernel that we call would raise.
    """
    sparse = call.description.name.startswith("SparseCategorical")
    units = prediction.shape[-1] if prediction.shape.rank > 1 else None
    if not sparse or target.dtype.is_bool or units is None:
        return target, None
    least = target.dtype.min if call.description.ignores else 0  # a label that is left out may be below 0
    inside = tf.clip_by_value(target, least, units - 1)
    return inside, tf.reduce_all(tf.equal(inside, target))


def _first(x: tf.Tensor, count: int | None) -> tf.Tensor:
    """The first examples; of what has no batch axis, or one of size 1, all."""
    return x if count is None or not x.shape.rank or x.shape[0] == 1 else x[:count]


def _gathered(x: tf.Tensor, order: tf.Tensor) -> tf.Tensor:
    """A mask may be one for all examples."""
    return x if x.shape[0] == 1 else tf.gather(x, order)


def _formed(x: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Of the static shape of the other, which it has: a check in the step would end the training where it fails."""
    if not tf.executing_eagerly():
        x = tf.identity(x)
        x.set_shape(like.shape)
    return x


def own_loss(call: LossCall, copies: Copies) -> tf.Tensor:
    """What the loss answered in the step itself; the mean of what is one value for each example."""
    return statistics.as_float(tf.reduce_mean(copies.of(tf.convert_to_tensor(call.value))))


def _compared(own: tf.Tensor, dealt: tf.Tensor, batch: Any) -> statistics.Numbers:
    change = tf.math.divide_no_nan(tf.abs(dealt - own), tf.maximum(tf.abs(dealt), tf.abs(own)))
    numbers = tf.stack([tf.reduce_mean(dealt), tf.reduce_max(change)])
    shuffled, change = tf.unstack(tf.where(tf.convert_to_tensor(batch) > 1, numbers, float("nan")))
    return {"loss_shuffled": shuffled, "loss_shuffled_change": change}


def _least(losses: tf.Tensor) -> tf.Tensor:
    """Of those that are numbers."""
    missing = tf.math.is_nan(losses)
    least = tf.reduce_min(tf.where(missing, float("inf"), losses))
    return tf.where(tf.reduce_all(missing), float("nan"), least)


class _Again:
    """A loss as a function that answers one float32."""

    def __init__(self, call: LossCall, replicas: int) -> None:
        self._call = call
        self._replicas = replicas
        self._is_share = False

    @property
    def share(self) -> float:
        """By what a replica's loss is to be multiplied: Keras has divided what it took the mean of."""
        return float(self._replicas) if self._is_share else 1.0

    def prepared(
        self,
        target: tf.Tensor,
        prediction: tf.Tensor,
        logits: tf.Tensor | None,
        mask: tf.Tensor | None,
        weight: tf.Tensor | None,
        activation: str | None,
    ) -> Callable[..., tf.Tensor]:
        """The function of arguments of the kinds of these. Raises NotCalledAgain where it would do more than compute.

        activation: the operator that makes the prediction from the logits, where the loss looks for that.
        """
        given = (target, prediction, logits, mask, weight)

        def compute(*arguments: tf.Tensor | None) -> tf.Tensor:
            with apart():
                return self._computed(*arguments, activation)

        if tf.executing_eagerly():
            if not is_kerass(self._call.loss):
                self._check_once(compute, given)
            return compute
        if not is_kerass(self._call.loss):
            self._check_code()
        traced = self._traced(compute, given)
        if not is_kerass(self._call.loss):
            _check(traced.graph)
        return lambda *arguments: traced(*(argument for argument in arguments if argument is not None))

    def _computed(
        self,
        target: tf.Tensor,
        prediction: tf.Tensor,
        logits: tf.Tensor | None,
        mask: tf.Tensor | None,
        weight: tf.Tensor | None,
        activation: str | None,
    ) -> tf.Tensor:
        if activation is not None:
            prediction = _ACTIVATIONS[activation](logits)
        else:
            prediction = tf.identity(prediction)  # ours, to be given what the model's carries
            if logits is not None:
                give_logits(prediction, logits)
        if mask is not None:
            give_mask(prediction, mask)
        watch = nullcontext([False]) if is_kerass(self._call.loss) else unmoved()
        with watch as drew, self._noting_shares(), Unchanged():
            value = self._call.again(target, prediction, weight)
        if drew[0]:
            raise NotCalledAgain(DRAWS)
        return statistics.as_float(tf.reduce_mean(value)) * self.share

    def _noting_shares(self) -> ExitStack:
        """Keras divides the mean of a replica's values by the number of replicas, but no value that stands alone."""
        stack, loss = ExitStack(), self._call.loss
        averages = getattr(loss, "reduction", None) in ("sum_over_batch_size", "mean", "mean_with_sample_weight")
        if self._replicas > 1 and averages and isinstance(loss, keras.losses.Loss) and losses_are_shares():
            original = loss.call

            def call(*args: Any, **kwargs: Any) -> Any:
                values = original(*args, **kwargs)
                self._is_share = bool(values.shape.rank)
                return values

            stack.callback(patched(loss, "call", call))
        return stack

    def _traced(self, compute: Callable[..., tf.Tensor], given: tuple[tf.Tensor | None, ...]) -> Any:
        there = [place for place, tensor in enumerate(given) if tensor is not None]

        def of_given(*arguments: tf.Tensor) -> tf.Tensor:
            whole: list[tf.Tensor | None] = [None] * len(given)
            for place, argument in zip(there, arguments, strict=True):
                whole[place] = argument
            return compute(*whole)

        specs = [tf.TensorSpec(given[place].shape, given[place].dtype) for place in there]
        return tf.function(of_given, autograph=False).get_concrete_function(*specs)

    def _check_code(self) -> None:
        effect = self._call.effect()
        if effect is not None:
            raise NotCalledAgain(effect)

    def _check_once(self, compute: Callable[..., tf.Tensor], given: tuple[tf.Tensor | None, ...]) -> None:
        """Of a step that runs at once: its code, then a graph of it that is thrown away."""
        loss = self._call.loss
        if loss not in _may_be_called:
            _may_be_called[loss] = ""
            try:
                self._check_code()
                _check(self._traced(compute, given).graph)
            except NotCalledAgain as found:
                _may_be_called[loss] = str(found)
        if _may_be_called[loss]:
            raise NotCalledAgain(_may_be_called[loss])


def _check(graph: Any) -> None:
    """Raises NotCalledAgain where a loss's graph does more than to compute from what it is given and reads."""
    for node in nodes_of(graph):
        definition = definition_of(node.op)
        if node.op in _RAISES or node.op == "Assert":
            raise NotCalledAgain(f"{FAILS} ({node.op})")
        if definition is None or not definition.is_stateful or node.op in READS:
            continue
        if node.op.startswith(("Print", "StringFormat")):
            raise NotCalledAgain(PRINTS)
        if any(attribute.name.startswith("seed") for attribute in definition.attr) or node.op.startswith("Rng"):
            raise NotCalledAgain(DRAWS)
        if "Assign" in node.op or "Apply" in node.op or "Scatter" in node.op:
            raise NotCalledAgain(CHANGES)
        raise NotCalledAgain(f"the loss has an effect ({node.op})")


def is_made_of(tensor: Any, prediction: Any) -> bool:
    """Whether, in a graph, few operators lead from the model's output to what a loss was called on."""
    if tf.executing_eagerly() or not (tf.is_tensor(tensor) and tf.is_tensor(prediction)):
        return False
    if getattr(tensor, "graph", None) is None or tensor.graph is not getattr(prediction, "graph", None):
        return False
    left, looked_at = [tensor], 0
    while left and looked_at < MAX_OPS:
        one = left.pop(0)
        if one is prediction:
            return True
        looked_at += 1
        left += one.op.inputs
    return False


def _tensor(value: Any) -> Any:
    """A dense tensor of anything array-like; None of what is none."""
    if tf.is_tensor(value):
        return value if isinstance(value, tf.Tensor) else None
    return tf.convert_to_tensor(value) if hasattr(value, "__array__") else None


def _before_activation(prediction: tf.Tensor, call: LossCall) -> tuple[Any, str | None]:
    """The logits that a loss may read from the prediction; and the operator that made it, if it looks for that.

    From probabilities alone Keras's cross-entropies end at 16 where from logits they go on.
    """
    if is_kerass(call.loss) and "Crossentropy" not in call.description.name:
        return None, None
    logits = carried_logits(prediction)
    if logits is not None:
        return logits, None
    op = None if tf.executing_eagerly() else getattr(prediction, "op", None)
    return (op.inputs[0], op.type) if op is not None and op.type in _ACTIVATIONS else (None, None)


def orders(batch: int | tf.Tensor) -> tf.Tensor:
    """int32 [PERMUTATIONS, batch]: references.dealing, of a batch whose size a graph may not know."""
    if isinstance(batch, int):
        return tf.constant(dealing(batch), tf.int32)
    order = tf.argsort(tf.random.stateless_uniform([batch], (SEED, 1)))
    shifts = 1 + tf.range(PERMUTATIONS) % tf.maximum(batch - 1, 1)
    return tf.gather(order, (tf.math.invert_permutation(order) + shifts[:, None]) % batch)


def _constants(call: LossCall, target: tf.Tensor, prediction: tf.Tensor) -> list[tf.Tensor]:
    """Outputs in the form of the prediction, each the same for every example; the kinds of references.constants_of."""
    shapes = tuple(target.shape), tuple(prediction.shape)
    kinds = constants_of(call.description, not is_kerass(call.loss), *shapes, target.dtype.is_integer)
    made = []
    for kind in kinds:
        one = statistics.as_float(prediction) if kind == "prediction" else None
        vector = tf.reduce_mean(one, axis=0) if one is not None else _of_targets(kind, target, prediction)
        constant = tf.broadcast_to(tf.cast(vector, prediction.dtype), tf.shape(prediction))
        made.append(_formed(constant, prediction))
    return made


def _of_targets(kind: str, target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    units = prediction.shape[-1]
    if kind in ("mean", "median"):
        values = statistics.as_float(target)
        values = values[..., None] if values.shape.rank < prediction.shape.rank else values
        if kind == "mean":
            return tf.reduce_mean(values, axis=0)
        return tf.sort(values, axis=0)[tf.shape(values)[0] // 2]
    yes = kind in ("shares of yes", "log odds")
    if target.shape.rank == prediction.shape.rank and target.shape[-1] == units and units != 1:
        rows = tf.reshape(statistics.as_float(target), [-1, units])
        count, counted = tf.shape(rows)[0], tf.reduce_sum(rows, axis=0)
    elif yes:
        rows = tf.reshape(statistics.as_float(target), [-1, 1])
        count, counted = tf.shape(rows)[0], tf.reduce_sum(rows, axis=0)
    else:
        labels = tf.reshape(tf.cast(target, tf.int32), [-1])
        known = (labels >= 0) & (labels < units)
        ones = statistics.as_float(known)
        count = tf.size(labels)
        counted = tf.math.unsorted_segment_sum(ones, tf.where(known, labels, -1), units)
    shares = (counted + 1.0) / (statistics.as_float(count) + (2.0 if yes else float(units)))
    if kind == "log shares":
        return tf.math.log(shares)
    return tf.math.log(shares) - tf.math.log1p(-shares) if kind == "log odds" else shares
