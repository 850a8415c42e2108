"""What did our own callback record? The tags of schema.py as a Run; what does not decode is named and left out."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tb_lossdiag import schema
from tb_lossdiag.logs.bounded import refusal
from tb_lossdiag.logs.card import decode_card
from tb_lossdiag.logs.damage import Damage
from tb_lossdiag.logs.json_limits import SHOWN_CHARACTERS, shown, within_limits
from tb_lossdiag.logs.measured import step_series, written
from tb_lossdiag.logs.missing import missing
from tb_lossdiag.logs.source import Log, Samples, newest_wall_time
from tb_lossdiag.logs.steps import possible
from tb_lossdiag.run import Event, Histograms, ModelCard, Row, Run, Series, Table

# What decoding a JSON text raises whose parts have the wrong type or are nested a thousand deep.
MALFORMED = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


@dataclass
class _Reading:
    """One run being read.

    skipped: what could not be, one sentence each. damage: of its files. starts: step and wall time at which a writer of
    an older version took over, which left what it overwrote where it was. left_out: {tag: {where: what}} of single
    values of readable records. arrived: {tag: all records that came}.
    """

    log: Log
    run: str
    tags: dict[str, Any]
    damage: Damage
    skipped: list[str] = field(default_factory=list)
    starts: list[tuple[int, float]] = field(default_factory=list)
    left_out: dict[str, dict[str, str]] = field(default_factory=dict)
    arrived: dict[str, Samples] = field(default_factory=dict)

    def samples(self, tag: str) -> Samples | None:
        """The tag's records, or None when there are none to be had."""
        if tag not in self.tags:
            return None
        try:
            samples = self.log.read_tensors(self.run, tag, self.damage.lost.get(tag, frozenset()))
        except Exception as error:  # TensorBoard gives up on the whole tag when one tensor is beyond it
            self.skipped.append(f"{tag}: not readable ({type(error).__name__}: {error})")
            return None
        kept = np.ones(len(samples), bool)
        for step, wall in self.starts:  # a restarted training overwrites all tags, also those it has not come to yet
            kept &= (samples.steps < step) | (samples.walls >= wall)
        kept &= np.array([not _holds_nothing(tag, value) for value in samples.values], bool)
        samples = samples.take(np.flatnonzero(kept))
        self.arrived[tag] = samples
        samples, others = possible(samples)
        self.skipped += [f"{tag}: {others}"] if others else []
        return samples

    def decoded(self, tag: str, decode) -> Samples:
        """The records that `decode` accepts, decoded; the others are counted and the first reason is kept."""
        samples = self.samples(tag)
        if samples is None:
            return Samples(np.zeros(0, np.int64), np.zeros(0), [])
        kept, values, reasons = [], [], []
        for index, value in enumerate(samples.values):
            try:
                refused = refusal(value)
                if refused is not None:
                    raise ValueError(refused)
                values.append(decode(value))
                kept.append(index)
            except schema.NewerFormat:
                raise
            except MALFORMED as error:
                reasons.append(str(error)[: 2 * SHOWN_CHARACTERS])
        if reasons:
            self.skipped.append(f"{tag}: {len(reasons)} of {len(samples)} records skipped ({reasons[0]})")
        left_out = self.left_out.get(tag)
        if left_out:
            where, what = next(iter(left_out.items()))
            others = f", and {len(left_out) - 1} more" if len(left_out) > 1 else ""
            self.skipped.append(f"{tag}: {where} left out ({what}){others}")
        return replace(samples.take(kept), values=values)


def read_recorded(log: Log, run: str, name: str) -> tuple[Run, Samples]:
    """The Run named `name` that TensorBoard run `run` holds, and its STEPS records as a clock.

    Raises schema.NewerFormat when a later tb_lossdiag wrote it. Nothing else a log can contain raises.
    """
    tags = log.recorded_tags([run]).get(run, {})
    damage = log.damage(run, one_writer=True)
    reading = _Reading(log, run, tags, damage, list(damage.notes))
    for tag in sorted(tags):
        _check_content(reading, tag, tags[tag].plugin_content)
    # First of all: a live run's other tags only grow meanwhile, so nothing is missing that was merely not there yet.
    ends = reading.decoded(schema.END, lambda value: schema.decode_json(_text(value)))
    events = reading.decoded(schema.EVENTS, lambda value: _event(reading, _text(value)))
    found = tuple(
        Event(int(facts.pop("step", filed)), kind, facts)
        for filed, (kind, facts) in zip(events.steps, events.values, strict=True)
    )
    cards = _cards(reading, found)
    card = cards.values[-1] if len(cards) else None
    known = card or ModelCard()
    columns = known.columns
    step_columns = columns.get("steps", schema.STEP_COLUMNS)
    layer_columns = columns.get("layers", tuple(schema.LAYER_COLUMNS))
    records = reading.decoded(schema.STEPS, lambda value: schema.decode_tensor(value, step_columns))
    cells = np.array(records.values, np.float64).reshape(len(records), len(step_columns))
    steps = {name: cells[:, index] for index, name in enumerate(step_columns)}
    epochs = reading.decoded(schema.EPOCHS, lambda value: _epoch(reading, _text(value)))
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
        restarts=_restarts(cards, found),
        wall_time=newest_wall_time(wall for samples in reading.arrived.values() for wall in samples.walls),
        ended=_is_over(ends, records),
    )
    reading.skipped += missing(reading.arrived, ends, written(steps.get("sequence", np.zeros(0))))
    return replace(run_read, skipped=tuple(reading.skipped)), records


def _is_over(ends: Samples, records: Samples) -> bool:
    """Whether the last thing written was that the writer was closed; one that took over has cleared that again."""
    last = int(records.steps[-1]) if len(records) else 0
    return len(ends) > 0 and bool(ends.values[-1].get("records")) and int(ends.steps[-1]) >= last


def _check_content(reading: _Reading, tag: str, content: bytes) -> None:
    try:
        version = int(content.decode("ascii"))
    except ValueError:
        reading.skipped.append(f"{tag}: format version {content[:20]!r} is no number; read as {schema.VERSION}")
        return
    schema.check_version(version)


def _cards(reading: _Reading, events: tuple[Event, ...]) -> Samples:
    """The cards, the newest last. One that took over without clearing what it overwrites is among the `starts` then."""
    cards = reading.decoded(schema.CARD, lambda value: _card(reading, _text(value)))
    if not len(cards):
        reading.skipped.append(f"{schema.CARD}: missing, so layers have no names and settings are unknown")
    left = {event.step for event in events if event.kind == "restart" and not event.facts.get("cleared")}
    starts = zip(cards.steps, cards.walls, strict=True)
    reading.starts += [(int(step), float(wall)) for step, wall in starts if step in left]
    return cards


def _card(reading: _Reading, text: bytes) -> ModelCard:
    card, dropped = decode_card(text)
    reading.left_out.setdefault(schema.CARD, {}).update(dropped)
    return card


def _holds_nothing(tag: str, value: np.ndarray) -> bool:
    """Whether it is one of the records with which a writer takes a tag over."""
    if tag in schema.TENSOR_TAGS:
        return value.shape == (0,)
    return tag in (schema.EPOCHS, schema.END) and value.size == 1 and value.item() in (b"{}", "{}")


def _text(value: np.ndarray) -> bytes:
    if value.size != 1 or value.dtype != object:
        raise ValueError(f"dtype {value.dtype} and shape {value.shape}, expected one string")
    return value.item()


def _event(reading: _Reading, text: bytes) -> tuple[str, dict[str, Any]]:
    facts, dropped = within_limits(schema.decode_json(text))
    kind = facts.pop("kind", None)
    if not isinstance(kind, str):
        raise ValueError(f"an event of kind {kind!r}")
    step = facts.get("step", 0)
    if "step" in dropped or not isinstance(step, int) or isinstance(step, bool) or step < 0:
        raise ValueError(f"an event at step {dropped.get('step', shown(step))}")
    reading.left_out.setdefault(schema.EVENTS, {}).update(dropped)
    return kind, facts


def _epoch(reading: _Reading, text: bytes) -> dict[str, Any]:
    numbers, dropped = within_limits(schema.decode_json(text))
    dropped |= {name: shown(value) for name, value in numbers.items() if not _is_number(value)}
    reading.left_out.setdefault(schema.EPOCHS, {}).update(dropped)
    return {name: value for name, value in numbers.items() if _is_number(value)}


def _restarts(cards: Samples, events: tuple[Event, ...]) -> tuple[int, ...]:
    """Steps at which another writer took over, by its card or its event.

    Not by the overwritten records: only TensorBoard's Python loader still shows those.
    """
    later_cards = {int(step) for step in cards.steps[1:]}
    return tuple(sorted(later_cards | {event.step for event in events if event.kind == "restart"}))


def _epoch_series(epochs: Samples) -> dict[str, Series]:
    series: dict[str, tuple[list[int], list[float]]] = {}
    for step, record in zip(epochs.steps.tolist(), epochs.values, strict=True):
        for name, value in record.items():
            steps, values = series.setdefault(name, ([], []))
            steps.append(step)
            values.append(float(value))
    return {
        name: Series(np.array(steps, np.int64), np.array(values), len(steps))
        for name, (steps, values) in sorted(series.items())
        if name != "epoch"
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


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
