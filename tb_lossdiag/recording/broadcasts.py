"""Does a loss hold every example's target against every other example's output, because two ranks met?

A target (B,) minus an output (B, 1) is (B, B), whose mean hardly depends on which target belongs to which output.
NumPy's rules make it so without a word. It is looked for among the ops between the model's outputs and the loss: an
element-wise op of which one side comes from an output and the other from the step's data alone, whose ranks differ, and
whose result has the batch twice. What is meant to compare all with all gives both sides one rank, or takes both from
the same tensor.
"""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tb_lossdiag.recording.lineage import ancestors, is_entrance, key

MAX_FOUND = 5
ELEMENTWISE = frozenset(
    (
        *("Add", "AddV2", "Div", "DivNoNan", "Equal", "Greater", "GreaterEqual", "Less", "LessEqual", "LogicalAnd"),
        *("LogicalOr", "Maximum", "Minimum", "Mul", "MulNoNan", "NotEqual", "Pow", "RealDiv", "SelectV2"),
        *("SquaredDifference", "Sub", "Xdivy", "Xlog1py", "Xlogy"),
    )
)
_OURS = Path(__file__).resolve().parent.parent
_LIBRARIES = tuple(f"{path}{os.sep}" for path in (Path(tf.__file__).parent, Path(keras.__file__).parent, _OURS))
_OUTPUT, _DATA = 1, 2  # what a tensor comes from
Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Broadcast:
    """operation: "sub". left, right, result: shapes, None for a size that the trace does not know. where:
    "train.py:17", the user's own line; "" where there is none.
    """

    operation: str
    left: Shape
    right: Shape
    result: Shape
    where: str

    def to_dict(self) -> dict[str, Any]:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def broadcasts_between(loss: tf.Tensor, outputs: Sequence[tf.Tensor], data: Iterable[Any]) -> tuple[Broadcast, ...]:
    """Those in a traced step that the loss depends on. outputs: of the model. data: whose first axis is the batch."""
    batch = batch_sizes([*outputs, *data])
    from_output = {key(tensor) for tensor in outputs}
    comes_from: dict[tuple[int, int], int] = {}
    found: list[Broadcast] = []
    for op in ancestors([loss]):
        sides = [comes_from.get(key(x), 0) for x in op.inputs]
        origin = _DATA if is_entrance(op) or _holds_rows(op, batch) else 0
        for side in sides:
            origin |= side
        for output in op.outputs:
            comes_from[key(output)] = _OUTPUT if key(output) in from_output else origin
        if op.type in ELEMENTWISE and len(found) < MAX_FOUND:
            for left, right in _pairs(op, sides):
                result = meeting(_shape(left), _shape(right), batch)
                one = result and Broadcast(snake_case(op.type), _shape(left), _shape(right), result, _line(op))
                if one and one not in found:
                    found.append(one)
    return tuple(found)


def _holds_rows(op: tf.Operation, batch: frozenset[int]) -> bool:
    """Whether it is a constant with a row for each example: small tensors that a step reads are written into it."""
    shape = _shape(op.outputs[0]) if op.type == "Const" and op.outputs else None
    return bool(shape) and shape[0] in batch


def _pairs(op: tf.Operation, sides: list[int]) -> list[tuple[tf.Tensor, tf.Tensor]]:
    """The inputs of which one comes from an output and another from data alone."""
    inputs = list(op.inputs)
    places = [(i, j) for i in range(len(inputs)) for j in range(i + 1, len(inputs))]
    kinds = {i: "output" if side & _OUTPUT else "data" if side == _DATA else "" for i, side in enumerate(sides)}
    return [(inputs[i], inputs[j]) for i, j in places if {kinds[i], kinds[j]} == {"output", "data"}]


def meeting(left: Shape | None, right: Shape | None, batch: frozenset[int]) -> Shape | None:
    """The shape of the result where two ranks meet and each brings a batch that the other has not; None elsewhere."""
    if left is None or right is None or len(left) == len(right):
        return None
    rank = max(len(left), len(right))
    pairs = list(zip(*((1,) * (rank - len(shape)) + shape for shape in (left, right)), strict=True))
    only_left = any(one in batch or one is None for one, other in pairs if other == 1)
    only_right = any(other in batch or other is None for one, other in pairs if one == 1)
    return tuple(other if one == 1 else one for one, other in pairs) if only_left and only_right else None


def batch_sizes(tensors: Iterable[Any]) -> frozenset[int]:
    """The sizes of their first axes that are known; a batch of one example cannot be held against itself."""
    sizes = {shape[0] for tensor in tensors if (shape := _shape(tensor))}
    return frozenset(size for size in sizes if size is not None and size > 1)


def snake_case(operation: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation.removesuffix("V2")).lower()


def users_line(frames: Iterable[Any]) -> str:
    """file:line of the innermost of these stack frames that is neither TensorFlow's nor Keras's nor ours."""
    for frame in reversed(list(frames)):
        own = frame.filename.startswith(_LIBRARIES) or "__autograph_generated_file" in frame.filename
        if not own and not frame.filename.startswith("<"):
            return f"{Path(frame.filename).name}:{frame.lineno}"
    return ""


def _line(op: tf.Operation) -> str:
    return users_line(op.traceback)


def _shape(tensor: Any) -> Shape | None:
    shape = getattr(tensor, "shape", None)
    rank = getattr(shape, "rank", None)
    return None if rank is None else tuple(shape)
