"""What did our own callback record? The tags of schema.py as a Run; what does not decode is named and left out."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tb_lossdiag import schema
from tb_lossdiag.logs.measured import step_series, written
from tb_lossdiag.logs.source import Log, Samples
from tb_lossdiag.run import Event, Histograms, ModelCard, Row, Run, Series, Table

# What decoding a JSON text raises whose parts have the wrong type or are nested a thousand deep.
MALFORMED = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


@dataclass
class _Reading:
    """One run being read.

    skipped: what could not be, one sentence each. starts: step and wall time at which each writer began.
    """

    log: Log
    run: str
    tags: dict[str, Any]
    skipped: list[str] = field(default_factory=list)
    starts: list[tuple[int, float]] = field(default_factory=list)

    def samples(self, tag: str) -> Samples | None:
        """The tag's records, or None when there are none to be had."""
        if tag not in self.tags:
            return None
        try:
            samples = self.log.read_tensors(self.run, tag)
        except Exception as error:  # TensorBoard gives up on the whole tag when one tensor is beyond it
            self.skipped.append(f"{tag}: not readable ({type(error).__name__}: {error})")
            return None
        kept = np.ones(len(samples), bool)
        for step, wall in self.starts:  # a restarted training overwrites all tags, also those it has not come to yet
            kept &= (samples.steps < step) | (samples.walls >= wall)
        return samples.take(np.flatnonzero(kept))

    def decoded(self, tag: str, decode) -> Samples:
        """The records that `decode` accepts, decoded; the others are counted and the first reason is kept."""
        samples = self.samples(tag)
        if samples is None:
            return Samples(np.zeros(0, np.int64), np.zeros(0), [])
        kept, values, reasons = [], [], []
        for index, value in enumerate(samples.values):
            try:
                values.append(decode(value))
                kept.append(index)
            except schema.NewerFormat:
                raise
            except MALFORMED as error:
                reasons.append(str(error))
        if reasons:
            self.skipped.append(f"{tag}: {len(reasons)} of {len(samples)} records skipped ({reasons[0]})")
        return replace(samples.take(kept), values=values)


def read_recorded(log: Log, run: str, name: str) -> tuple[Run, Samples]:
    """The Run named `name` that TensorBoard run `run` holds, and its STEPS records as a clock.

    Raises schema.NewerFormat when a later tb_lossdiag wrote it. Nothing else a log can contain raises.
    """
    tags = log.recorded_tags([run]).get(run, {})
    reading = _Reading(log, run, tags)
    for tag in sorted(tags):
        _check_content(reading, tag, tags[tag].plugin_content)
    card = _card(reading)
    known = card or ModelCard()
    columns = known.columns
    step_columns = columns.get("steps", schema.STEP_COLUMNS)
    layer_columns = columns.get("layers", tuple(schema.LAYER_COLUMNS))
    records = reading.decoded(schema.STEPS, lambda value: schema.decode_tensor(value, step_columns))
    cells = np.array(records.values, np.float64).reshape(len(records), len(step_columns))
    steps = {name: cells[:, index] for index, name in enumerate(step_columns)}
    epochs = reading.decoded(schema.EPOCHS, lambda value: schema.decode_json(_text(value)))
    events = reading.decoded(schema.EVENTS, lambda value: _event(_text(value)))
    found = tuple(
        Event(int(facts.pop("step", filed)), kind, facts)
        for filed, (kind, facts) in zip(events.steps, events.values, strict=True)
    )
    walls = [series.max_wall_time for series in tags.values() if series.max_wall_time is not None]
    run_read = Run(
        name=name,
        card=card,
        steps=step_series(records.steps, steps),
        epochs=_epoch_series(epochs),
        layers=_table(reading, schema.LAYERS, known.rows, layer_columns, steps.get("layer_sequence")),
        data=_table(reading, schema.DATA, known.data_rows, columns.get("data", schema.DATA_COLUMNS)),
        targets=_targets(reading, columns.get("targets", schema.TARGET_COLUMNS)),
        histograms=_histograms(reading, known.rows),
        events=found,
        restarts=_restarts(reading, found),
        skipped=tuple(reading.skipped),
        wall_time=float(max(walls, default=0.0)),
    )
    return run_read, records


def _check_content(reading: _Reading, tag: str, content: bytes) -> None:
    try:
        version = int(content.decode("ascii"))
    except ValueError:
        reading.skipped.append(f"{tag}: format version {content[:20]!r} is no number; read as {schema.VERSION}")
        return
    schema.check_version(version)


def _card(reading: _Reading) -> ModelCard | None:
    cards = reading.decoded(schema.CARD, lambda value: _decode_card(_text(value)))
    if not len(cards):
        reading.skipped.append(f"{schema.CARD}: missing, so layers have no names and settings are unknown")
        return None
    reading.starts += [(int(step), float(wall)) for step, wall in zip(cards.steps, cards.walls, strict=True)]
    return cards.values[-1]


def _decode_card(text: bytes) -> ModelCard:
    value = schema.decode_json(text)
    if isinstance(value.get("version"), int):
        schema.check_version(value["version"])
    card = ModelCard.from_dict(value)
    names = [name for row in (*card.rows, *card.data_rows) for name in (row.name, row.kind, row.layer)]
    names += [name for columns in card.columns.values() for name in columns]
    names += [name for layer in card.layers for name in (layer.path, layer.kind, *layer.inputs)]
    for wrong in (name for name in names if not isinstance(name, str)):
        raise TypeError(f"the card has {wrong!r} where a name should be")
    return card


def _text(value: np.ndarray) -> bytes:
    if value.size != 1 or value.dtype != object:
        raise ValueError(f"dtype {value.dtype} and shape {value.shape}, expected one string")
    return value.item()


def _event(text: bytes) -> tuple[str, dict[str, Any]]:
    facts = schema.decode_json(text)
    kind = facts.pop("kind", None)
    if not isinstance(kind, str):
        raise ValueError(f"an event of kind {kind!r}")
    if not isinstance(facts.get("step", 0), int):
        raise ValueError(f"an event at step {facts['step']!r}")
    return kind, facts


def _restarts(reading: _Reading, events: tuple[Event, ...]) -> tuple[int, ...]:
    """Steps at which another writer took over, by its card or its event.

    Not by the overwritten records: only TensorBoard's Python loader still shows those.
    """
    later_cards = {step for step, _ in reading.starts[1:]}
    return tuple(sorted(later_cards | {event.step for event in events if event.kind == "restart"}))


def _epoch_series(epochs: Samples) -> dict[str, Series]:
    names = sorted({name for record in epochs.values for name in record} - {"epoch"})
    series = {}
    for name in names:
        kept = [index for index, record in enumerate(epochs.values) if _is_number(record.get(name))]
        if kept:
            values = [float(epochs.values[index][name]) for index in kept]
            series[name] = Series(epochs.steps[kept], np.array(values), len(kept))
    return series


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63)


def _table(
    reading: _Reading, tag: str, rows: tuple[Row, ...], columns: tuple[str, ...], sequence: np.ndarray | None = None
) -> Table | None:
    """The tag's matrices as one table. sequence: how many were written, as counted in the STEPS records."""
    records = reading.decoded(tag, lambda value: schema.decode_tensor(value, columns, len(rows)))
    if not len(records):
        return None
    count = len(records) if sequence is None else max(len(records), written(sequence))
    return Table.stacked(records.steps, rows, columns, records.values, count)


def _targets(reading: _Reading, columns: tuple[str, ...]) -> Table | None:
    """TARGETS has a row per class or output unit; the newest record says how many, as the card does not name them."""
    records = reading.decoded(schema.TARGETS, lambda value: schema.decode_tensor(value, columns, -1))
    if not len(records):
        return None
    rows = len(records.values[-1])
    kept = [index for index, value in enumerate(records.values) if len(value) == rows]
    if len(kept) < len(records):
        lost = len(records) - len(kept)
        reading.skipped.append(f"{schema.TARGETS}: {lost} of {len(records)} records skipped (not {rows} rows)")
    names = tuple(Row(str(index), "target") for index in range(rows))
    return Table.stacked(records.steps[kept], names, columns, [records.values[i] for i in kept], len(kept))


def _histograms(reading: _Reading, rows: tuple[Row, ...]) -> Histograms | None:
    lines = schema.histogram_lines([row.kind for row in rows])
    records = reading.decoded(schema.HISTOGRAMS, lambda value: schema.decode_histograms(value, len(lines)))
    if not len(records):
        return None
    names = tuple((rows[row].name, quantity) for row, quantity in lines)
    return Histograms(records.steps, names, np.stack(records.values), *schema.histogram_edges())
