"""Which tensors are worth expanding? Those that hold what they declare; the others are told apart before they are.

A tensor of one number may declare any shape: whoever makes an array of it repeats the number, so 200 bytes fill memory.
TensorBoard's data providers make arrays of all records of a tag at once. So each provider is asked through a copy of
ours, in which a record that declares what it does not hold is a text that says so; TensorBoard itself is left as it is.
"""

from contextlib import suppress
from math import prod
from typing import Any

import numpy as np
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.compat.proto import tensor_pb2, types_pb2
from tensorboard.data.grpc_provider import GrpcDataProvider
from tensorboard.data.provider import DataProvider

REFUSED = b"\0refused: "  # how the text begins; no JSON does
# Bytes of an element, and where a tensor's elements lie when they do not lie in tensor_content.
_KINDS = {
    types_pb2.DT_FLOAT: (4, "float_val"),
    types_pb2.DT_DOUBLE: (8, "double_val"),
    types_pb2.DT_HALF: (2, "half_val"),
    types_pb2.DT_INT8: (1, "int_val"),
    types_pb2.DT_INT16: (2, "int_val"),
    types_pb2.DT_INT32: (4, "int_val"),
    types_pb2.DT_INT64: (8, "int64_val"),
    types_pb2.DT_UINT8: (1, "int_val"),
    types_pb2.DT_BOOL: (1, "bool_val"),
    types_pb2.DT_STRING: (0, "string_val"),
}


def bounded(provider: DataProvider) -> DataProvider:
    """The provider, with tensors that declare more than they hold refused; one that is built otherwise as it is."""
    with suppress(AttributeError):  # both names are TensorBoard's own; a version may have others
        if type(provider) is MultiplexerDataProvider:
            return MultiplexerDataProvider(_Multiplexer(provider._multiplexer), logdir="")
        if type(provider) is GrpcDataProvider:
            return GrpcDataProvider(addr="", stub=_Stub(provider._stub))
    return provider


def refusal(value: np.ndarray) -> str | None:
    """Why the record that was read as this value was refused; None when it was not."""
    text = value.item() if value.dtype == object and value.size == 1 else None
    return text.removeprefix(REFUSED).decode() if isinstance(text, bytes) and text.startswith(REFUSED) else None


def fault(tensor: tensor_pb2.TensorProto) -> str | None:
    """What is wrong with a tensor that must not be expanded or cannot be; None when nothing is."""
    if tensor.dtype not in _KINDS:
        return f"type {tensor.dtype}, which nobody here writes"
    sizes = [dim.size for dim in tensor.tensor_shape.dim]
    if any(size < 0 for size in sizes):
        return f"shape {sizes} with a negative size"
    element_bytes, field = _KINDS[tensor.dtype]
    if tensor.tensor_content:
        held = len(tensor.tensor_content) // element_bytes if element_bytes else 0
        held += bool(element_bytes and len(tensor.tensor_content) % element_bytes)
    else:
        held = len(getattr(tensor, field))
    if prod(sizes) != held:
        return f"shape {sizes} declared, {held} values held"
    return None


class _Multiplexer:
    """TensorBoard's multiplexer, but for the tensors that it hands out."""

    def __init__(self, multiplexer: Any) -> None:
        self._multiplexer = multiplexer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._multiplexer, name)

    def Tensors(self, run: str, tag: str) -> list:
        return [_checked_event(event) for event in self._multiplexer.Tensors(run, tag)]


class _Stub:
    """The data server's stub, but for the tensors that it reads."""

    def __init__(self, stub: Any) -> None:
        self._stub = stub

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stub, name)

    def ReadTensors(self, request: Any) -> Any:
        answer = self._stub.ReadTensors(request)
        for tensor in (value for run in answer.runs for tag in run.tags for value in tag.data.value):
            reason = fault(tensor)
            if reason is not None:
                tensor.CopyFrom(_text(reason))
        return answer


def _checked_event(event: Any) -> Any:
    reason = fault(event.tensor_proto)
    if reason is None:
        return event
    return type(event)(wall_time=event.wall_time, step=event.step, tensor_proto=_text(reason))


def _text(reason: str) -> tensor_pb2.TensorProto:
    return tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=[REFUSED + reason.encode()])
