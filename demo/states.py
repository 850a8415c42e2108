"""Which logs put the tab into its rarer states? Many runs, curves only, a newer format, a run that has just begun."""

import math
from pathlib import Path
from unittest.mock import patch

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from tb_lossdiag import DiagnosticsWriter, ModelCard, schema

SWEEP = 46  # with the other states, fifty runs in one list
HOSTILE = "<img src=x onerror=alert(1)> & a name that goes on and on, so that it has to be broken somewhere"


def write(logs: Path) -> None:
    """All of them below `logs`, as a training would have written them."""
    for number in range(SWEEP):
        _losses(logs / f"sweep/rate_{number:02}", 30, lambda step, n=number: 2.3 * math.exp(-step * n / 900))
    _losses(logs / "just_begun", 1, lambda step: 2.3)
    _losses(logs / HOSTILE, 200, lambda step: 2.3 / step)
    with patch.object(schema, "VERSION", 99):
        _losses(logs / "of_a_newer_version", 3, lambda step: 1.0)
    _scalars(logs / "curves_only" / "train", [2.3 - 0.02 * epoch for epoch in range(40)])
    _scalars(logs / "curves_only" / "validation", [2.3 - 0.02 * epoch + 0.001 * epoch**2 for epoch in range(40)])


def _losses(log_dir: Path, steps: int, loss) -> None:
    with DiagnosticsWriter(log_dir, card=ModelCard()) as writer:
        for step in range(1, steps + 1):
            writer.write_step(step, loss=loss(step), learning_rate=0.01)


def _scalars(directory: Path, values: list[float]) -> None:
    """As Keras's own TensorBoard callback writes an epoch's loss."""
    writer = EventFileWriter(str(directory))
    for epoch, value in enumerate(values):
        summary = Summary(value=[Summary.Value(tag="epoch_loss", simple_value=value)])
        writer.add_event(Event(wall_time=1.79e9 + epoch, step=epoch, summary=summary))
    writer.close()
