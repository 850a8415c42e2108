"""Tensors that declare more than they hold are never expanded, by either loader."""

import resource
from pathlib import Path

import numpy as np
import pytest
from event_files import bfloat16, tensor, write
from tensorboard.compat.proto import tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.util.tensor_util import make_tensor_proto

from tb_lossdiag import schema
from tb_lossdiag.logs import list_experiments, read_run
from tb_lossdiag.logs.bounded import bounded, fault, refusal


def declared(*sizes, **fields) -> tensor_pb2.TensorProto:
    shape = tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=size) for size in sizes])
    return tensor_pb2.TensorProto(tensor_shape=shape, **fields)


FLOAT, HALF, TEXT = types_pb2.DT_FLOAT, types_pb2.DT_HALF, types_pb2.DT_STRING


@pytest.mark.parametrize(
    "value",
    [
        np.float32(1.0),
        np.zeros((3, 2), np.float32),
        np.zeros((0, 2), np.float32),
        np.zeros(0, np.float32),
        np.zeros((2, 2), np.float16),
        np.zeros(3, np.float64),
        np.zeros(3, np.int64),
        "text",
        ["two", "texts"],
    ],
    ids=str,
)
def test_what_holds_what_it_declares_has_no_fault(value):
    assert fault(make_tensor_proto(value)) is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (declared(10**7, 3, dtype=FLOAT, float_val=[1.0]), r"shape [10000000, 3] declared, 1 values held"),
        (declared(2**62, 2**62, dtype=FLOAT, float_val=[1.0]), "1 values held"),
        (declared(2**62, 2**62, 0, dtype=FLOAT, float_val=[1.0]), "1 values held"),
        (declared(-1, dtype=FLOAT, float_val=[1.0]), "shape [-1] with a negative size"),
        (declared(10**6, dtype=HALF, half_val=[1]), "1 values held"),
        (declared(10**6, dtype=TEXT, string_val=[b"{}"]), "1 values held"),
        (declared(2, dtype=FLOAT, tensor_content=b"1234"), "shape [2] declared, 1 values held"),
        (declared(1, dtype=FLOAT, tensor_content=b"123456"), "2 values held"),
        (declared(1, dtype=TEXT, tensor_content=b"1234"), "0 values held"),
        (declared(10**9, dtype=FLOAT), "0 values held"),
        (bfloat16(), "type 14"),
        (declared(10**7, dtype=types_pb2.DT_COMPLEX64, scomplex_val=[1.0, 0.0]), "type 8"),
    ],
)
def test_what_does_not_is_told_apart_with_the_reason(value, reason):
    assert reason in fault(value)


@pytest.fixture
def little_memory():
    """2 GiB more than the process has now: expanding one of these records takes 12 GB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (2 << 30), hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.mark.parametrize("tag", [schema.STEPS, schema.LAYERS, schema.TARGETS, schema.HISTOGRAMS, schema.EPOCHS])
def test_two_hundred_tensors_of_one_number_are_listed_and_the_rest_is_read(open_log, tmp_path, tag, little_memory):
    huge = declared(10**9, 3, dtype=FLOAT, float_val=[1.0])
    events = [tensor(tag, step, huge) for step in range(1, 201)]
    write(tmp_path / "logs" / "exp" / "diagnostics", [*events, tensor(schema.EVENTS, 1, '{"kind":"mark"}')])
    log = open_log(tmp_path / "logs")
    run = read_run(log, list_experiments(log)["exp"])
    assert f"{tag}: 200 of 200 records skipped (shape [1000000000, 3] declared, 1 values held)" in run.skipped
    assert len(run.events) == 1


def test_a_plain_scalar_of_a_huge_shape_is_listed_and_others_are_read(open_log, tmp_path, little_memory):
    bad = tensor("loss", 1, declared(10**9, 3, dtype=FLOAT, float_val=[1.0]))
    good = tensor("accuracy", 1, np.float32(0.5))
    for event in (bad, good):
        event.summary.value[0].metadata.plugin_data.plugin_name = "scalars"
        event.summary.value[0].metadata.data_class = 1
    write(tmp_path / "logs" / "exp", [bad, good])
    log = open_log(tmp_path / "logs")
    assert "loss" not in read_run(log, list_experiments(log)["exp"]).steps
    assert log.read_scalars("exp", "accuracy").values.tolist() == [0.5]


def test_the_provider_itself_is_left_as_it_is(open_log, tmp_path):
    write(tmp_path / "logs", [tensor(schema.TARGETS, 1, declared(7, 3, dtype=FLOAT, float_val=[1.0]))])
    log = open_log(tmp_path / "logs")
    asked = {"experiment_id": "", "plugin_name": schema.PLUGIN_NAME, "downsample": 10}
    [ours] = bounded(log.provider).read_tensors(log.context, **asked)["."][schema.TARGETS]
    [theirs] = log.provider.read_tensors(log.context, **asked)["."][schema.TARGETS]
    assert refusal(ours.numpy) == "shape [7, 3] declared, 1 values held"
    assert theirs.numpy.shape == (7, 3)


def test_a_provider_of_another_kind_is_asked_as_it_is():
    provider = object()
    assert bounded(provider) is provider
