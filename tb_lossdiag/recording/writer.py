"""How does a training's diagnostics get into event files? DiagnosticsWriter, for any framework, without TensorFlow."""

import operator
import os
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2

from tb_lossdiag import schema, storage
from tb_lossdiag.recording.event_files import event_files
from tb_lossdiag.run import ModelCard

_COLUMNS = {
    "steps": schema.STEP_COLUMNS,
    "layers": tuple(schema.LAYER_COLUMNS),
    "data": schema.DATA_COLUMNS,
    "targets": schema.TARGET_COLUMNS,
}
_METADATA = summary_pb2.SummaryMetadata(
    plugin_data=summary_pb2.SummaryMetadata.PluginData(
        plugin_name=schema.PLUGIN_NAME, content=schema.metadata_content()
    ),
    data_class=summary_pb2.DATA_CLASS_TENSOR,
)


class DiagnosticsWriter:
    """Writes one training's records into `<log_dir>/diagnostics`; log_dir: a path, or a URL such as gs://bucket/run1.

        card = ModelCard(rows=(Row("fc1/kernel", "variable", "fc1"), Row("fc1", "output", "fc1")))
        with DiagnosticsWriter("logs/run1", card=card) as writer:
            writer.write_step(1, loss=2.3, learning_rate=0.1)
            writer.write_layers(1, {"gradient_norm": [0.5, np.nan]})

    Steps are integers from 0 to 2^53 - 1 and increase strictly per kind of record. The card is written before the first
    record; its rows name the layer table's rows, its data_rows the data table's.
    A file on this machine has each record at once. Behind a URL they are uploaded together, ten seconds apart or more,
    when the writer is closed, and when the process ends.
    Raises TypeError or ValueError for wrong arguments and OSError where the directory cannot be written.
    """

    def __init__(self, log_dir: str | os.PathLike, card: ModelCard | None = None) -> None:
        if card is not None and not isinstance(card, ModelCard):
            raise TypeError(f"card={card!r}: expected a ModelCard or None, got {type(card).__name__}")
        self._card = card
        self._card_written = False
        self._last_steps: dict[str, int] = {}
        self._records = dict.fromkeys((*schema.TENSOR_TAGS, *schema.JSON_TAGS), 0)
        self._ended_with: dict[str, int] | None = None
        self._first_step = schema.MAX_STEP
        self._pending_step: tuple[int, dict[str, float]] | None = None
        self._files = event_files(storage.join(checked_directory(log_dir), schema.RUN_DIRECTORY))
        if self._files.beside:
            told = f"tb_lossdiag: another process is recording into {log_dir}; only this training is shown from now on"
            warnings.warn(f"{told}. Give each a directory of its own.", RuntimeWarning, stacklevel=2)

    def write_card(self, step: int, card: ModelCard) -> None:
        """Writes the card, for a training whose rows are known only now. Comes before any other record, once."""
        if self._card_written:
            raise ValueError("the card is already written: it comes before the first record")
        self._card = card
        self._begin(schema.CARD, step)

    def write_step(self, step: int, *, loss: float, **values: float) -> None:
        """The batch's loss and a number per further name of schema.STEP_COLUMNS; sequence numbers are the writer's own.

        The record reaches the file with the next record, flush() or close().
        """
        step = self._checked_step(schema.STEPS, step)
        self._check_names(values)
        for name, value in {"loss": loss, **values}.items():
            if np.ndim(value):
                raise ValueError(f"{name} has shape {np.shape(value)}, expected one number")
        self._begin(schema.STEPS, step)
        self._pending_step = (step, {"loss": float(loss), **{name: float(value) for name, value in values.items()}})

    def write_losses(self, losses: Sequence[tuple[int, float, float]], **values: Sequence[float | None]) -> None:
        """Steps of which hardly more than the loss is known: (step, loss, Unix seconds) each.

        values: under further names of schema.STEP_COLUMNS a number per step, None where it is not known. A step takes a
        tenth of what write_step costs.
        """
        self._check_names(values)
        for name, numbers in values.items():
            if len(numbers) != len(losses):
                raise ValueError(f"{name} has {len(numbers)} numbers, expected {len(losses)}: one per step")
        if not losses:
            return
        first, *others = (step for step, _, _ in losses)
        self._begin(schema.STEPS, self._checked_step(schema.STEPS, first))
        for step in others:
            self._last_steps[schema.STEPS] = self._checked_step(schema.STEPS, step)
        columns = self._columns("steps")
        rows = np.full((len(losses), len(columns)), np.nan, "<f4")
        with np.errstate(over="ignore"):  # beyond float32 is infinite, and that is what is recorded
            rows[:, columns.index("loss")] = [loss for _, loss, _ in losses]
            for name, numbers in values.items():
                rows[:, columns.index(name)] = np.array(numbers, float)
        rows[:, columns.index("sequence")] = self._records[schema.STEPS] + 1 + np.arange(len(losses))
        event = _tensor_event(schema.STEPS, rows[0])
        tensor = event.summary.value[0].tensor
        for row, (step, _, seconds) in zip(rows, losses, strict=True):
            event.step, event.wall_time, tensor.tensor_content = (
                step,
                seconds + self._files.seconds_ahead,
                row.tobytes(),
            )
            self._files.write(event.SerializeToString())
        self._files.flush()
        self._records[schema.STEPS] += len(losses)

    def write_layers(self, step: int, columns: Mapping[str, Sequence[float]]) -> None:
        """{column of schema.LAYER_COLUMNS: one number per row of the card}."""
        self._write_table(schema.LAYERS, step, columns, "layers", self._rows("rows"))

    def write_data(self, step: int, columns: Mapping[str, Sequence[float]]) -> None:
        """{column of schema.DATA_COLUMNS: one number per data row of the card}."""
        self._write_table(schema.DATA, step, columns, "data", self._rows("data_rows"))

    def write_targets(self, step: int, columns: Mapping[str, Sequence[float]]) -> None:
        """{column of schema.TARGET_COLUMNS: one number per class or output unit}."""
        rows = len(np.atleast_1d(next(iter(columns.values()), ())))
        self._write_table(schema.TARGETS, step, columns, "targets", rows)

    def write_histograms(self, step: int, histograms: Mapping[str, np.ndarray]) -> None:
        """{quantity of schema.HISTOGRAM_QUANTITIES: shares [rows of its kind in the card, schema.BUCKETS]}.

        A line has the shares of the values in the buckets of schema.histogram_edges, and is NaN where there are none.
        """
        self._rows("rows")
        step = self._checked_step(schema.HISTOGRAMS, step)
        lines = schema.encode_histograms(histograms, [row.kind for row in self._card.rows])
        self._begin(schema.HISTOGRAMS, step)
        self._records[schema.HISTOGRAMS] += 1
        self._put_tensor(schema.HISTOGRAMS, step, lines)

    def write_epoch(self, step: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """The metrics of a finished epoch under their Keras names: loss, val_loss, accuracy, …"""
        numbers = {str(name): float(value) for name, value in metrics.items()}
        self._write_json(schema.EPOCHS, step, {**numbers, "epoch": int(epoch)})

    def write_event(self, step: int, kind: str, **facts: Any) -> None:
        """A rare fact; `kind` is one of schema.EVENT_KINDS, `facts` are JSON values."""
        if kind not in schema.EVENT_KINDS:
            raise ValueError(f"unknown event kind {kind!r}; known: {', '.join(schema.EVENT_KINDS)}")
        step = self._checked_step(schema.EVENTS, step)
        # TensorBoard's data server keeps one record per step and tag, so a second event of a step is filed one later.
        filed = max(step, self._last_steps.get(schema.EVENTS, -1) + 1)
        self._write_json(schema.EVENTS, filed, {**facts, "kind": kind, "step": step})

    def flush(self) -> None:
        """Brings everything written so far into the file; behind a URL when the next upload is due."""
        self._write_pending_step()
        self._files.flush()

    def pause(self) -> None:
        """Writes what is left and how much there is of each kind; more may follow."""
        self._write_pending_step()
        if self._card_written and self._records != self._ended_with:
            self._ended_with = dict(self._records)
            self._write_end()
        self._files.upload()

    def is_there(self) -> bool:
        """Whether the file still is where it was made; behind a URL nobody asks."""
        return self._files is not None and self._files.is_there()

    def close(self) -> None:
        """As `pause`, for good; a second call does nothing."""
        if self._files is not None:
            self.pause()
            files, self._files = self._files, None
            files.close()

    def __enter__(self) -> "DiagnosticsWriter":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @staticmethod
    def _check_names(values: Mapping[str, Any]) -> None:
        allowed = [name for name in schema.STEP_COLUMNS if name not in schema.COUNTED_COLUMNS]
        for name in values:
            if name not in allowed:
                raise ValueError(f"unknown value {name!r}; known: {', '.join(allowed)}")

    def _rows(self, which: str) -> int:
        rows = getattr(self._card, which) if self._card else ()
        if not rows:
            raise ValueError(f"the card names no {which}: give DiagnosticsWriter a ModelCard({which}=(Row(...), ...))")
        return len(rows)

    def _write_table(self, tag: str, step: int, columns: Mapping[str, Sequence[float]], axis: str, rows: int) -> None:
        step = self._checked_step(tag, step)
        matrix = schema.encode_matrix(self._columns(axis), columns, rows)
        self._begin(tag, step)
        self._records[tag] += 1
        self._put_tensor(tag, step, matrix)

    def _write_json(self, tag: str, step: int, value: Mapping[str, Any]) -> None:
        step = self._checked_step(tag, step)
        text = schema.encode_json(value)
        self._begin(tag, step)
        self._records[tag] += 1
        self._put_text(tag, step, text)

    def _columns(self, axis: str) -> tuple[str, ...]:
        return tuple((self._card.columns if self._card else {}).get(axis) or _COLUMNS[axis])

    def _checked_step(self, tag: str, step: int) -> int:
        if self._files is None:
            raise ValueError("the writer is closed")
        try:
            number = operator.index(step)
        except TypeError:
            raise TypeError(f"step={step!r}: expected an int, got {type(step).__name__}") from None
        if not 0 <= number <= schema.MAX_STEP:
            raise ValueError(f"step={number}: expected 0 or more, and 2^53 - 1 at most")
        last = self._last_steps.get(tag, -1)
        if number <= last and tag != schema.EVENTS:
            raise ValueError(f"step={number}: expected a step after {last} for {tag}")
        return number

    def _begin(self, tag: str, step: int) -> None:
        """Whatever has to stand in the file before this record."""
        if self._pending_step is not None and self._pending_step[0] != step:
            self._write_pending_step()
        self._last_steps[tag] = step
        self._first_step = min(self._first_step, step)
        if self._card_written:
            return
        card = self._card or ModelCard()
        self._card = replace(card, columns={**_COLUMNS, **card.columns})
        self._card_written = True
        self._records[schema.CARD] += 1
        self._put_text(schema.CARD, step, schema.encode_json({**self._card.to_dict(), "version": schema.VERSION}))
        if self._files.continues:
            self._clear(step)
            self.write_event(step, "restart", cleared=True, **({"beside": True} if self._files.beside else {}))

    def _clear(self, step: int) -> None:
        """Takes every tag over from an earlier writer: what that had recorded at this step and later is overwritten."""
        for tag in schema.TENSOR_TAGS:
            self._put_tensor(tag, step, np.zeros(0))
        for tag in (schema.EPOCHS, schema.END):
            self._put_text(tag, step, schema.encode_json({}))

    def _write_end(self) -> None:
        """Says how much was written."""
        records = {tag: count for tag, count in self._records.items() if count}
        text = schema.encode_json({"first": self._first_step, "records": records})
        self._put_text(schema.END, max(self._last_steps.values()), text)

    def _write_pending_step(self) -> None:
        if self._pending_step is None:
            return
        step, values = self._pending_step
        self._pending_step = None
        self._records[schema.STEPS] += 1
        values["sequence"] = self._records[schema.STEPS]
        if self._last_steps.get(schema.LAYERS) == step:
            values["layer_sequence"] = self._records[schema.LAYERS]
        self._put_tensor(schema.STEPS, step, schema.encode_vector(self._columns("steps"), values))

    def _put_tensor(self, tag: str, step: int, array: np.ndarray) -> None:
        self._put_record(_tensor_event(tag, array), step)

    def _put_text(self, tag: str, step: int, text: str) -> None:
        tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=[text.encode()])
        self._put_record(_event(tag, tensor), step)

    def _put_record(self, event: event_pb2.Event, step: int) -> None:
        event.step, event.wall_time = step, time.time() + self._files.seconds_ahead
        self._files.write(event.SerializeToString())
        self._files.flush()


def _tensor_event(tag: str, array: np.ndarray) -> event_pb2.Event:
    shape = tensor_shape_pb2.TensorShapeProto(
        dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=size) for size in array.shape]
    )
    half = array.dtype == np.float16
    content = np.ascontiguousarray(array, "<f2" if half else "<f4").tobytes()
    kind = types_pb2.DT_HALF if half else types_pb2.DT_FLOAT
    return _event(tag, tensor_pb2.TensorProto(dtype=kind, tensor_shape=shape, tensor_content=content))


def _event(tag: str, tensor: tensor_pb2.TensorProto) -> event_pb2.Event:
    value = summary_pb2.Summary.Value(tag=tag, tensor=tensor, metadata=_METADATA)
    return event_pb2.Event(summary=summary_pb2.Summary(value=[value]))


def checked_directory(log_dir: str | os.PathLike) -> Path | str:
    """The absolute path, or the URL. Raises TypeError or ValueError when it is neither, or nobody can write there."""
    directory = storage.place(log_dir)
    if isinstance(directory, str):
        storage.check_scheme(directory)
    return directory
