"""How do our ops leave the training's own arithmetic as it is, to the last bit?

TensorFlow's graph optimiser regroups chains such as (a * b) * rate, and fuses others such as matmul, bias and sigmoid
into one kernel, and does so only where nobody else reads what is in between. Reading a gradient or a layer's output
would stop it there and change the rounding of the update. So what is read is a copy of the end of such a chain, and all
our ops carry a mark by which the optimiser tells the copy from the original.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from tb_lossdiag.recording.tensorflow_private import marking

SCOPE = "lossdiag"
# Cheap element-wise ops that are regrouped, and those that the optimiser may see through.
CHAINED = frozenset(
    (
        *("Add", "AddN", "AddV2", "Mul", "Neg", "RealDiv", "Square", "Sub"),
        *("Cast", "ExpandDims", "Identity", "Reshape", "Squeeze"),
    )
)
# Dear ops, copied only where one of these follows: with it they are fused.
_ACTIVATIONS = frozenset(("Elu", "LeakyRelu", "Relu", "Relu6", "Sigmoid", "Tanh"))
_CONTRACTION = _ACTIVATIONS | {"BiasAdd"}
FUSED_WITH = {
    "BiasAdd": _ACTIVATIONS | {"Add", "AddV2", "Erf", "Mul", "Pow"},
    "Conv2D": _CONTRACTION,
    "Conv3D": _CONTRACTION,
    "DepthwiseConv2dNative": _CONTRACTION,
    "MatMul": _CONTRACTION,
}
# What a bias is added to by hand, or by Keras before 3.4, is fused as well.
_BIASED = frozenset(name for name, followers in FUSED_WITH.items() if "BiasAdd" in followers)
_ADDITIONS = frozenset(("Add", "AddV2"))


@contextmanager
def apart() -> Iterator[None]:
    """Ops made in the block carry our mark and our name scope."""
    if tf.executing_eagerly():
        yield
        return
    graph = tf.compat.v1.get_default_graph()
    with tf.name_scope(SCOPE), marking(graph, SCOPE):
        yield


class Copies:
    """Copies of tensors of one graph; each op is copied once. To be used inside `apart`.

    graph: whose tensors are copied, into the current graph, which is a branch inside of it; None for the current one.
    """

    def __init__(self, graph: Any = None) -> None:
        self._graph = graph
        self._copies: dict[int, tf.Operation] = {}

    def of(self, tensor: tf.Tensor | tf.IndexedSlices) -> tf.Tensor | tf.IndexedSlices:
        """A tensor of the same value whose reading disturbs nothing; the tensor itself where none is needed."""
        if isinstance(tensor, tf.IndexedSlices):
            return tf.IndexedSlices(self.of(tensor.values), tensor.indices, tensor.dense_shape)
        if tf.executing_eagerly():
            return tensor
        if getattr(tensor, "graph", None) is not (self._graph or tf.compat.v1.get_default_graph()):
            return tensor
        ends = [tensor.op]
        while ends:  # without recursion: a residual network is one chain of additions
            op = ends[-1]
            missing = [x.op for x in op.inputs if _is_copied(x.op) and id(x.op) not in self._copies]
            if id(op) in self._copies or not _is_copied(op):
                ends.pop()
            elif missing:
                ends += missing
            else:
                self._copies[id(op)] = self._copied(ends.pop())
        return self._read(tensor)

    def _copied(self, op: tf.Operation) -> tf.Operation:
        copy = tf.compat.v1.get_default_graph().create_op(
            op.type,
            [self._read(x) for x in op.inputs],
            [output.dtype for output in op.outputs],
            attrs=dict(op.node_def.attr),
            name=op.type,
        )
        for output, original in zip(copy.outputs, op.outputs, strict=True):
            output.set_shape(original.shape)
        return copy

    def _read(self, tensor: tf.Tensor) -> tf.Tensor:
        copy = self._copies.get(id(tensor.op))
        return tensor if copy is None else copy.outputs[tensor.value_index]


def _is_copied(op: tf.Operation) -> bool:
    if op.type in CHAINED:
        return True
    followers = FUSED_WITH.get(op.type, frozenset())
    if not followers:
        return False
    readers = op.outputs[0].consumers()
    return any(reader.type in followers or (op.type in _BIASED and _adds_bias(reader, op)) for reader in readers)


def _adds_bias(reader: tf.Operation, op: tf.Operation) -> bool:
    """Whether it adds to the op's output a tensor with one number for each unit, or one of unknown shape."""
    if reader.type not in _ADDITIONS:
        return False
    others = [x.shape for x in reader.inputs if x.op is not op]
    return any(shape.rank is None or all(size == 1 for size in shape[:-1]) for shape in others)
