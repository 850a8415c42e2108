"""Which events does an honest writer leave? Hypothesis strategies: our own records of a run, or plain curves.

The runs are those of any_run.py, odd ones included, encoded as DiagnosticsWriter does but without its checks, and some
of synthetic.py, whose diagnosis goes deep.
"""

import json
from dataclasses import asdict, replace

import any_run
import event_files
import numpy as np
import synthetic
import written_logs
from hypothesis import strategies as st
from tensorboard.compat.proto import event_pb2
from tensorboard.util.tensor_util import make_tensor_proto

from tb_lossdiag import schema
from tb_lossdiag.run import Run, Series

SCALAR_TAGS = (
    "loss", "epoch_loss", "batch_loss", "epoch_accuracy", "epoch_learning_rate", "train/loss", "val_loss", "lr",
    "grad_norm", "test/accuracy", "loss/epoch", "batch_steps_per_second", "evaluation_loss_vs_iterations", "mine", "",
    "a\x1b[2J\nloss", "[red]loss",
)  # fmt: skip
SHARES = (np.nan, np.inf, -np.inf, 0.0, -1.0, 1.0, 6e4)  # of a histogram's bucket

Events = list[event_pb2.Event]


def thinned(run: Run) -> Run:
    """Every fourth step: reading an event takes longer than all that is asked about it."""
    return replace(run, steps={name: Series(s.steps[::4], s.values[::4]) for name, s in run.steps.items()})


RUNS = tuple(map(thinned, (written_logs.vanishing(), synthetic.stuck(), synthetic.healthy())))


def recorded(run: Run, seed: int) -> Events:
    """The run's events as the writer would have filed them, had it taken everything."""
    rng = np.random.default_rng(seed)
    tables = {"layers": run.layers, "data": run.data, "targets": run.targets}
    card = {**(asdict(run.card) if run.card else {}), "version": schema.VERSION}
    card["columns"] = {"steps": schema.STEP_COLUMNS, **{name: t.columns for name, t in tables.items() if t}}
    for key, table in (("rows", run.layers), ("data_rows", run.data)):
        card[key] = [asdict(row) for row in table.rows] if table else []
    events = [event_files.tensor(schema.CARD, 1, json.dumps(card).encode())] if run.card else []
    at = sorted({int(step) for series in run.steps.values() for step in series.steps})
    known = {name: dict(zip(s.steps.tolist(), s.values.tolist(), strict=True)) for name, s in run.steps.items()}
    for number, step in enumerate(at, 1):
        row = [known.get(name, {}).get(step, np.nan) for name in schema.STEP_COLUMNS]
        row[0] = number
        with np.errstate(over="ignore"):
            events.append(event_files.tensor(schema.STEPS, step, np.array(row, np.float32)))
    for name, table in tables.items():
        for step, values in zip(table.steps.tolist(), table.values, strict=True) if table else ():
            events.append(event_files.tensor(f"lossdiag/{name}", step, values))
    lines = len(schema.histogram_lines([row.kind for row in run.layers.rows])) if run.layers else 0
    for step in at[:: max(1, len(at) // 3)]:
        shares = rng.dirichlet(np.ones(schema.BUCKETS), lines).astype(np.float16)
        shares[rng.random(shares.shape) < 0.01] = rng.choice(SHARES)
        events.append(event_files.tensor(schema.HISTOGRAMS, step, shares))
    ends = sorted({int(step) for series in run.epochs.values() for step in series.steps})
    metrics = {name: dict(zip(s.steps.tolist(), s.values.tolist(), strict=True)) for name, s in run.epochs.items()}
    for epoch, step in enumerate(ends):
        told = {name: values[step] for name, values in metrics.items() if step in values}
        events.append(event_files.tensor(schema.EPOCHS, step, json.dumps({**told, "epoch": epoch}).encode()))
    for event in run.events:
        told = {**event.facts, "kind": event.kind, "step": event.step}
        events.append(event_files.tensor(schema.EVENTS, event.step, json.dumps(told).encode()))
    return events


def plain(tag: str, count: int, seed: int, wide: bool) -> Events:
    """One curve under a tag, as float32 or, in TensorFlow's way, as tensors of double precision."""
    rng = np.random.default_rng(seed)
    steps = any_run.steps(rng, count)
    values = any_run.curve(rng, (count,), any_run.DOUBLE)
    events = [event_files.scalar(tag, int(step), 0.0) for step in steps]
    for event, value in zip(events, values, strict=True):
        if wide:
            event.summary.value[0].tensor.CopyFrom(make_tensor_proto(value, np.float64))
            event.summary.value[0].metadata.plugin_data.plugin_name = "scalars"
        else:
            with np.errstate(over="ignore"):
                event.summary.value[0].simple_value = np.float32(value)
    return events


counts = st.sampled_from((20, 0, 1, 2, 5, 7, 12, 20, 40, 60, 2100))  # of so many points a curve is merged
curves = st.builds(plain, st.sampled_from(SCALAR_TAGS), counts, any_run.seeds, st.booleans())
keras = st.builds(lambda *found: [event for curve in found for event in curve], *(
    st.builds(plain, st.just(tag), st.just(40), any_run.seeds, st.booleans()) for tag in ("batch_loss", "epoch_loss")
))  # fmt: skip
event_lists = st.one_of(
    st.builds(recorded, any_run.runs(), any_run.seeds),
    st.builds(recorded, st.sampled_from(RUNS), any_run.seeds),
    st.builds(recorded, st.sampled_from(RUNS), any_run.seeds),
    st.lists(curves, max_size=4).map(lambda found: [event for curve in found for event in curve]),
    keras,
)
