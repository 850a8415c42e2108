"""What does one report cost on a large log? 500 layers, 2,000 layer records and 20,000 steps, on one thread.

.venv/bin/python -m benchmarks.report

The log itself is made up in memory, with the statistics of a training that goes well, so reading files is left out.
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import time
from collections.abc import Callable

import numpy as np

from tb_lossdiag import schema
from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.symptoms import SYMPTOMS
from tb_lossdiag.diagnosis.window import EARLY_STEPS
from tb_lossdiag.run import LayerCard, ModelCard, Row, Run, Series, Table

LAYERS = 500
RECORDS = 2000
STEPS = 20_000
CLASSES = 10
PER_EPOCH = 1000
WARM_UP = 2
REPEATS = 9
# The sizes of a healthy training; a column that is not named here is a share, a count or a cosine near 0.
TYPICAL = {"gradient_norm": 0.1, "weight_norm": 5.0, "update_norm": 5e-3, "update_ratio": 1e-3, "activation_std": 0.6}


def large_run() -> Run:
    rng = np.random.default_rng(0)
    burst = np.arange(1, EARLY_STEPS + 1)
    sampled = np.append(burst, np.linspace(EARLY_STEPS + 1, STEPS, RECORDS - EARLY_STEPS).astype(np.int64))
    card = model_card()
    layers = filled(rng, sampled, card.rows, tuple(schema.LAYER_COLUMNS))
    data = filled(rng, sampled, card.data_rows, schema.DATA_COLUMNS)
    targets = filled(rng, sampled, tuple(Row(str(i), "target") for i in range(CLASSES)), schema.TARGET_COLUMNS)
    targets.values[:, :, 0] = 1 / CLASSES
    steps = np.arange(1, STEPS + 1)
    decay = np.log(CLASSES) * np.exp(-steps / (STEPS / 3))
    curves = {name: np.abs(rng.normal(TYPICAL.get(name, 0.01), 1e-3, STEPS)) for name in schema.STEP_COLUMNS}
    curves |= {"loss": decay + rng.normal(0.5, 0.02, STEPS), "gradient_nonfinite": np.zeros(STEPS)}
    ends = steps[PER_EPOCH - 1 :: PER_EPOCH]
    epochs = {name: decay[ends - 1] + rest for name, rest in (("loss", 0.5), ("val_loss", 0.6))}
    epochs["accuracy"] = 0.1 + 0.7 * np.arange(len(ends)) / len(ends)
    return Run(
        "large",
        card,
        {name: Series(steps, values, STEPS) for name, values in curves.items()},
        {name: Series(ends, values, len(ends)) for name, values in epochs.items()},
        layers,
        data,
        targets,
    )


def model_card() -> ModelCard:
    scale = {"kernel_mean": 0.0, "kernel_std": (2 / 64) ** 0.5, "kernel_fan_in": 64, "bias_max": 0.0, "bias_mean": 0.0}
    names = [f"dense_{i}" for i in range(LAYERS)]
    hidden = [LayerCard(name, "Dense", "relu", {}, (), 64, 64 * 65, True, scale) for name in names[:-1]]
    output = LayerCard(names[-1], "Dense", "softmax", {}, (), CLASSES, 65 * CLASSES, True, scale)
    rows = [Row(f"{name}/{variable}", "variable", name) for name in names for variable in ("kernel", "bias")]
    total = sum(layer.parameters for layer in (*hidden, output))
    return ModelCard(
        layers=(*hidden, output),
        rows=(*rows, *(Row(name, "output", name) for name in names)),
        data_rows=(Row("input:x", "input"), Row("target:y", "target"), Row("prediction:output", "prediction")),
        optimizer={"name": "Adam", "config": {"learning_rate": 1e-3}},
        loss={"name": "sparse_categorical_crossentropy", "from_logits": False, "reads_logits": True},
        batch_size=32,
        steps_per_epoch=PER_EPOCH,
        epochs=STEPS // PER_EPOCH,
        parameters=total,
        trainable_parameters=total,
    )


def filled(rng, steps: np.ndarray, rows: tuple[Row, ...], columns: tuple[str, ...]) -> Table:
    """A table as the reader makes it: one matrix per record, stacked; noise of a tenth, NaN where nothing applies."""
    typical = np.full((len(rows), len(columns)), np.nan, np.float32)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            if schema.LAYER_COLUMNS.get(column, row.kind) == row.kind:
                typical[i, j] = 0 if "nonfinite" in column or column == "out_of_range" else TYPICAL.get(column, 0.01)
    values = [typical * rng.uniform(0.9, 1.1, typical.shape).astype(np.float32) for _ in steps]
    return Table.stacked(steps, rows, columns, values, len(steps))


def milliseconds(work: Callable) -> np.ndarray:
    """Every repeat's wall time, after the warm-ups."""
    taken = []
    for _ in range(WARM_UP + REPEATS):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1e3)
    return np.array(taken[WARM_UP:])


def main() -> None:
    run = large_run()
    size = run.layers.values
    print(f"layers table {' x '.join(map(str, size.shape))}, {size.nbytes / 1e6:.0f} MB; {STEPS:,} steps; 1 thread")
    whole = milliseconds(lambda: diagnose_run(run).to_json())
    print(f"report  median {np.median(whole):.0f} ms   {whole.min():.0f} … {whole.max():.0f} ms of {REPEATS}")
    parts = {symptom.ID: np.median(milliseconds(lambda symptom=symptom: symptom.check(run))) for symptom in SYMPTOMS}
    for name, taken in sorted(parts.items(), key=lambda part: -part[1]):
        print(f"{name:22s} {taken:7.1f} ms  {taken / np.median(whole):5.1%}")


if __name__ == "__main__":
    main()
