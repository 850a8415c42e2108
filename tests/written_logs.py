"""What do the browser tests look at? Synthetic runs, written to a log directory as a training would write them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import synthetic

from tb_lossdiag import schema
from tb_lossdiag.recording.writer import DiagnosticsWriter
from tb_lossdiag.run import ModelCard, Row, Run

HOSTILE_RUN = "<img src=x onerror=alert(1)>"
HOSTILE_ROW = '<script>alert("row")</script>"&amp;'


def vanishing() -> Run:
    """Sigmoid layers stuck at chance under SGD, the gradients shrinking 10,000-fold per layer towards the input.

    Under Adam the steps would arrive all the same, and the activation would be named before the gradient.
    """
    table, card = synthetic.layer_table(), synthetic.card(optimizer={"name": "SGD", "config": {"learning_rate": 0.1}})
    for depth, layer in enumerate(synthetic.UNITS):
        rows = (f"{layer}/kernel", f"{layer}/bias")
        for column, healthy in (("gradient_norm", 0.1), ("update_ratio", 1e-3)):
            table = synthetic.with_column(table, column, healthy * 10.0 ** (-4 * (3 - depth)), rows=rows)
        if layer != "output":
            card = synthetic.with_layer(card, layer, activation="sigmoid")
    return synthetic.stuck(layers=table, card=card)


def hostile() -> Run:
    """A healthy run whose first row is named like markup."""
    table = synthetic.layer_table()
    first, *rest = table.rows
    return synthetic.healthy(layers=replace(table, rows=(Row(HOSTILE_ROW, first.kind, first.layer), *rest)))


def full_card(run: Run) -> ModelCard:
    """The run's card with the rows of its tables, which a writer needs."""
    return replace(run.card, rows=run.layers.rows, data_rows=run.data.rows)


def write(log_dir: Path, run: Run) -> None:
    """The whole run as event files below `log_dir`."""
    with DiagnosticsWriter(log_dir, card=full_card(run)) as writer:
        write_steps(writer, run, 1, int(synthetic.STEPS[-1]))
        write_histograms(writer, run)


def write_steps(writer: DiagnosticsWriter, run: Run, first: int, last: int) -> None:
    """The records of first <= step <= last."""
    for step in range(first, last + 1):
        writer.write_step(step, **{name: part.between(step, step).values[0] for name, part in run.steps.items()})
        for write_table, table in (
            (writer.write_layers, run.layers),
            (writer.write_data, run.data),
            (writer.write_targets, run.targets),
        ):
            (at,) = np.nonzero(table.steps == step)
            if len(at):
                write_table(step, {column: table.column(column)[at[0]] for column in table.columns})


HISTOGRAM_STEPS = range(40, int(synthetic.STEPS[-1]) + 1, 40)


def write_histograms(writer: DiagnosticsWriter, run: Run, steps: range = HISTOGRAM_STEPS) -> None:
    """Gradients that shrink, updates a tenth of them NaN at the end, half of the outputs zero."""
    count = {kind: sum(row.kind == kind for row in run.layers.rows) for kind in ("variable", "output")}
    for step in steps:
        update = bell(-10.0) * (0.9 if step == steps[-1] else 1)
        output = np.where(np.arange(schema.BUCKETS) > schema.ZERO_BUCKET, bell(-1.0), 0)
        output[schema.ZERO_BUCKET] = 0.5
        lines = {
            "gradient": np.tile(bell(-3 - step / 60), (count["variable"], 1)),
            "update": np.tile(update, (count["variable"], 1)),
            "activation": np.tile(output, (count["output"], 1)),
        }
        writer.write_histograms(step, lines)


def bell(octave: float) -> np.ndarray:
    """Shares [schema.BUCKETS] of values of either sign whose magnitudes lie around 2 ** octave."""
    octaves = np.arange(schema.SMALLEST_OCTAVE, schema.LARGEST_OCTAVE + 1)
    side = np.exp(-(((octaves - octave) / 2) ** 2)) * (np.abs(octaves - octave) < 6)
    side /= 2 * side.sum()
    return np.concatenate([side[::-1], [0], side])


def write_nested(log_dir: Path) -> None:
    """60 layers in 3 stages of 4 blocks; 5,000 steps of loss with a NaN and a hole, layers at every 50th."""
    paths = [f"stage_{i // 20}/block_{i // 5 % 4}/dense_{i % 5}" for i in range(60)]
    rows = tuple(Row(f"{path}/kernel", "variable", path) for path in paths)
    rng = np.random.default_rng(0)
    with DiagnosticsWriter(log_dir, card=ModelCard(rows=rows)) as writer:
        for step in [*range(1, 2001), *range(3001, 6001)]:
            if step % 50 == 0:
                norms = np.linspace(0.1, 1, len(rows)) * rng.uniform(0.9, 1.1, len(rows))
                writer.write_layers(step, {"gradient_norm": norms, "weight_norm": np.full(len(rows), 2.0)})
            loss = np.nan if step == 4000 else 2.3 - step / 6000 + rng.normal(0, 0.05)
            writer.write_step(step, loss=loss, learning_rate=0.1, gradient_nonfinite=step == 4000)
