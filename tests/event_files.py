"""How does a test get an event file that no honest writer writes? Events by hand, through TensorBoard's own code."""

from pathlib import Path

import numpy as np
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_tensor_proto

from tb_lossdiag import schema

START = 1_790_000_000.0  # Unix seconds of the first event


def tensor(tag: str, step: int, value, content: bytes = b"1", wall: float | None = None) -> event_pb2.Event:
    """An event of ours: `value` is an array, a text, or a ready TensorProto."""
    if not isinstance(value, tensor_pb2.TensorProto):
        value = make_tensor_proto(value)
    metadata = summary_pb2.SummaryMetadata(data_class=summary_pb2.DATA_CLASS_TENSOR)
    metadata.plugin_data.plugin_name = schema.PLUGIN_NAME
    metadata.plugin_data.content = content
    return _event(step, wall, summary_pb2.Summary.Value(tag=tag, tensor=value, metadata=metadata))


def scalar(tag: str, step: int, value: float, wall: float | None = None) -> event_pb2.Event:
    """A plain scalar, as PyTorch's SummaryWriter writes it."""
    return _event(step, wall, summary_pb2.Summary.Value(tag=tag, simple_value=value))


def scalars(tag: str, values, first: int = 0, wall: float = START, seconds: float = 1.0) -> list[event_pb2.Event]:
    """One scalar per step from `first` on, `seconds` apart."""
    return [scalar(tag, first + i, value, wall + i * seconds) for i, value in enumerate(values)]


def bfloat16() -> tensor_pb2.TensorProto:
    """A tensor that TensorBoard itself cannot decode."""
    shape = tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=2)])
    return tensor_pb2.TensorProto(dtype=types_pb2.DT_BFLOAT16, tensor_shape=shape, tensor_content=b"\x80\x3f\x80\x3f")


def step_record(sequence: int, **values: float) -> np.ndarray:
    return schema.encode_vector(schema.STEP_COLUMNS, {"sequence": sequence, **values})


def write(directory: Path, events: list[event_pb2.Event], name: str = "events.out.tfevents.1.host") -> Path:
    """The events as an event file in `directory`; returns the file."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    with open(path, "wb") as file:
        records = RecordWriter(file)
        for event in [event_pb2.Event(wall_time=START, file_version="brain.Event:2"), *events]:
            records.write(event.SerializeToString())
        records.flush()
    return path


def _event(step: int, wall: float | None, value: summary_pb2.Summary.Value) -> event_pb2.Event:
    wall = START + step if wall is None else wall
    return event_pb2.Event(step=step, wall_time=wall, summary=summary_pb2.Summary(value=[value]))
