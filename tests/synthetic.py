"""Runs built in memory: a healthy one, and the ways to make it sick. The vocabulary of the diagnosis tests."""

from dataclasses import replace

import numpy as np

from tb_lossdiag.run import LayerCard, ModelCard, Row, Run, Series, Table

STEPS = np.arange(1, 401)
CLASSES = 10
UNITS = {"hidden_1": 64, "hidden_2": 32, "hidden_3": 16, "output": CLASSES}
VARIABLE_COLUMNS = (
    "gradient_norm",
    "gradient_zero_share",
    "gradient_nonfinite",
    "weight_norm",
    "update_norm",
    "update_ratio",
)
OUTPUT_COLUMNS = (
    "activation_mean",
    "activation_std",
    "activation_dead_share",
    "activation_saturated_share",
    "activation_nonfinite",
)
DATA_COLUMNS = (
    "min",
    "max",
    "mean",
    "std",
    "nonfinite",
    "feature_std_min",
    "feature_std_max",
    "diversity",
    "out_of_range",
)


def series(values, steps=STEPS) -> Series:
    return Series(np.asarray(steps[: len(values)], np.int64), np.asarray(values, np.float64), len(values))


def falling(first: float = 2.3, last: float = 0.8, noise: float = 0.05) -> np.ndarray:
    """A noisy exponential decay over 400 steps."""
    wave = np.random.default_rng(0).normal(0, noise, len(STEPS))
    return last + (first - last) * np.exp(-STEPS / 150) + wave


def flat(level: float = 2.3, noise: float = 0.02) -> np.ndarray:
    return level + np.random.default_rng(0).normal(0, noise, len(STEPS))


def card(**changes) -> ModelCard:
    inputs, layers = 64, []
    for name, units in UNITS.items():
        act = "softmax" if name == "output" else "relu"
        settings = {
            "kernel_mean": 0.0, "kernel_std": float(np.sqrt(2 / inputs)), "kernel_fan_in": inputs,
            "bias_mean": 0.0, "bias_min": 0.0, "bias_max": 0.0, "kernel_identical_columns": False,
        }  # fmt: skip
        layers.append(LayerCard(name, "Dense", act, {}, (), units, inputs * units + units, True, settings))
        inputs = units
    total = sum(layer.parameters for layer in layers)
    known = {
        "framework": "keras 3.15.0, tensorflow 2.21.0",
        "layers": tuple(layers),
        "optimizer": {"name": "Adam", "config": {"learning_rate": 1e-3}},
        "loss": {"name": "sparse_categorical_crossentropy", "from_logits": False, "reads_logits": True},
        "batch_size": 32,
        "steps_per_epoch": 40,
        "epochs": 10,
        "parameters": total,
        "trainable_parameters": total,
    }
    return ModelCard(**{**known, **changes})


def layer_table(steps=None) -> Table:
    """Healthy statistics for every variable and every output: 20 early steps, then every 20th."""
    steps = np.array([*range(1, 21), *range(40, 401, 20)]) if steps is None else np.asarray(steps)
    rows = []
    for name in UNITS:
        rows += [
            Row(f"{name}/kernel", "variable", name),
            Row(f"{name}/bias", "variable", name),
            Row(name, "output", name),
        ]
    columns = (*VARIABLE_COLUMNS, *OUTPUT_COLUMNS)
    healthy = {
        "gradient_norm": 0.1, "gradient_zero_share": 0.0, "gradient_nonfinite": 0.0, "weight_norm": 5.0,
        "update_norm": 5e-3, "update_ratio": 1e-3, "activation_mean": 0.3, "activation_std": 0.6,
        "activation_dead_share": 0.02, "activation_nonfinite": 0.0,
    }  # fmt: skip
    values = np.full((len(steps), len(rows), len(columns)), np.nan, np.float32)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            if column in healthy and (column in VARIABLE_COLUMNS) == (row.kind == "variable"):
                values[:, i, j] = healthy[column]
    last = next(i for i, row in enumerate(rows) if row.name == "output")
    for column, value in (("activation_mean", 0.1), ("activation_std", 0.2)):  # what data_table says of predictions
        values[:, last, columns.index(column)] = value
    return Table(steps, tuple(rows), columns, values, len(steps))


def data_table(**changes) -> Table:
    """changes: {"input": {"mean": 130.0}, ...} by kind of row."""
    rows = (Row("input:x", "input"), Row("target:y", "target"), Row("prediction:output", "prediction"))
    healthy = {
        "input": {
            "min": -2.0,
            "max": 2.0,
            "mean": 0.0,
            "std": 1.0,
            "feature_std_min": 0.9,
            "feature_std_max": 1.1,
            "diversity": 1.0,
        },
        "target": {"min": 0.0, "max": 9.0, "mean": 4.5, "std": 2.9, "diversity": 0.6, "out_of_range": 0.0},
        "prediction": {"min": 0.0, "max": 1.0, "mean": 0.1, "std": 0.2, "diversity": 1.2},
    }
    steps = layer_table().steps
    healthy["input"]["mean"] = other_rows(steps)
    values = np.full((len(steps), len(rows), len(DATA_COLUMNS)), np.nan, np.float32)
    for i, row in enumerate(rows):
        facts = {"nonfinite": 0.0, **healthy[row.kind], **changes.get(row.kind, {})}
        for name, value in facts.items():
            values[:, i, DATA_COLUMNS.index(name)] = value
        if row.kind == "target":
            values[:, i, DATA_COLUMNS.index("mean")] *= 1 + other_rows(steps)
    return Table(steps, rows, DATA_COLUMNS, values, len(steps))


def other_rows(steps: np.ndarray) -> np.ndarray:
    """float64 [samples]: what the mean of a batch misses that of all rows by, as each holds others."""
    return 1e-4 * np.sin(steps)


def target_table(mean=None, spread=None, deviation=None) -> Table:
    """Class shares, or per output the mean, standard deviation and mean absolute deviation of the targets."""
    mean = np.full(CLASSES, 1 / CLASSES) if mean is None else np.asarray(mean, float)
    spread = np.sqrt(np.abs(mean * (1 - mean))) if spread is None else np.asarray(spread, float)
    deviation = np.full(len(mean), np.nan) if deviation is None else np.asarray(deviation, float)
    steps = layer_table().steps
    values = np.stack([mean, spread, deviation], axis=1).astype(np.float32)
    rows = tuple(Row(str(i), "target") for i in range(len(mean)))
    return Table(
        steps, rows, ("mean", "std", "mean_abs_deviation"), np.repeat(values[None], len(steps), axis=0), len(steps)
    )


def healthy(**changes) -> Run:
    known = {
        "name": "healthy",
        "card": card(),
        "steps": {"loss": series(falling()), "learning_rate": series(np.full(len(STEPS), 1e-3))},
        "layers": layer_table(),
        "data": data_table(),
        "targets": target_table(),
    }
    return Run(**{**known, **changes})


def stuck(**changes) -> Run:
    """The healthy run with a loss that stays at chance."""
    return healthy(**{"steps": {"loss": series(flat()), "learning_rate": series(np.full(len(STEPS), 1e-3))}, **changes})


def with_column(table: Table, column: str, value, rows=None, from_step: int = 0) -> Table:
    """The table with one column set, for all rows it applies to or for `rows`, from a step on."""
    values = table.values.copy()
    j = table.columns.index(column)
    kind = "variable" if column in VARIABLE_COLUMNS else "output"
    for i, row in enumerate(table.rows):
        if (row.name in rows) if rows is not None else row.kind == kind:
            values[table.steps >= from_step, i, j] = value
    return replace(table, values=values)


def with_layer(model: ModelCard, path: str, settings=None, **changes) -> ModelCard:
    layers = tuple(
        replace(layer, settings={**layer.settings, **(settings or {})}, **changes) if layer.path == path else layer
        for layer in model.layers
    )
    return replace(model, layers=layers)


def without_column(table: Table, column: str) -> Table:
    kept = [i for i, name in enumerate(table.columns) if name != column]
    return replace(table, columns=tuple(table.columns[i] for i in kept), values=table.values[:, :, kept])


def first_steps(table: Table, count: int) -> Table:
    return replace(table, steps=table.steps[:count], values=table.values[:count])


def filled(table: Table, value: float) -> Table:
    """The table with the same value in every cell."""
    return replace(table, values=np.full_like(table.values, value))


def epochs(**curves) -> dict[str, Series]:
    """Epoch curves by name; an epoch is 20 steps long."""
    return {name: series(values, (np.arange(len(values)) + 1) * 20) for name, values in curves.items()}


def loss(values) -> dict[str, Series]:
    """The per-step series of a run with this loss and a usual learning rate."""
    return {"loss": series(values), "learning_rate": series(np.full(len(values), 1e-3))}


def healthy_runs(count: int, first_seed: int = 0):
    """Trainings that learn well, of every make: batch noise of any weight, plans, schedules, hard batches, one batch.

    Decays of 0.4 to 3 decades over 60 to 2000 steps; the noise is that of batches, so it belongs to the loss's size.
    """
    for seed in range(first_seed, first_seed + count):
        yield _healthy_run(np.random.default_rng(seed))


def _healthy_run(rng: np.random.Generator) -> Run:
    steps_per_epoch = int(rng.choice([1, 2, 3, 5, 20, 100, 400]))
    epochs = max(2, int(rng.integers(60, 2000)) // steps_per_epoch)
    total = steps_per_epoch * epochs
    progress = np.arange(1, total + 1) / total
    start = float(rng.choice([0.7, 2.3, 9.0, 4e4]))
    left = 10 ** -rng.uniform(0.4, 3)
    mean = start * (left + (1 - left) * np.exp(-progress / rng.uniform(0.02, 0.5)))
    rates = _healthy_rates(rng, progress)
    values = mean * _batch_noise(rng, steps_per_epoch, epochs)
    ended = int(total * rng.choice([1, 1, 0.5, 0.9]))  # some are still in progress
    sampled = np.unique(np.r_[np.arange(min(20, ended)), np.arange(0, ended, max(1, ended // 100)), ended - 1])
    steps = np.arange(1, ended + 1)
    agreement = rng.uniform(0.05, 0.15) + rng.normal(0, 0.05, len(sampled))
    return healthy(
        card=card(steps_per_epoch=steps_per_epoch, epochs=epochs),
        layers=None,
        data=None,
        steps={
            "loss": series(values[:ended], steps),
            "learning_rate": series(rates[sampled], steps[sampled]),
            "gradient_agreement": series(agreement, steps[sampled]),
        },
    )


def _batch_noise(rng: np.random.Generator, steps_per_epoch: int, epochs: int) -> np.ndarray:
    """float64 [steps] around 1: factors on the mean loss."""
    sigma = float(rng.choice([0.01, 0.1, 0.3, 0.5]))
    shape = (epochs, steps_per_epoch)
    noise = np.exp(rng.normal(0, sigma, shape))
    kind = rng.choice(["plain", "growing", "fixed order", "complementary", "hard batches", "none"])
    if kind == "growing":  # all batches are alike to an untrained model, and tell apart what a trained one knows
        noise = noise ** np.linspace(0.1, 1, epochs)[:, None]
    if kind == "fixed order":
        noise = noise[:1] ** np.linspace(0.2, 1, epochs)[:, None] * np.exp(rng.normal(0, 0.02, shape))
    if kind == "complementary":  # the batches of an epoch share out its hard examples
        noise = noise / noise.mean(axis=1, keepdims=True)
    if kind == "hard batches":
        noise = noise * np.where(rng.random(shape) < rng.choice([0.01, 0.05, 0.15]), 5.0, 1.0)
    if kind == "none":
        noise = np.ones(shape)
    return noise.ravel()


def _healthy_rates(rng: np.random.Generator, progress: np.ndarray) -> np.ndarray:
    kind = rng.choice(["constant", "cosine", "linear", "steps", "exponential", "warm-up and cosine", "restarts"])
    rates = {
        "constant": np.ones_like(progress),
        "cosine": (1 + np.cos(np.pi * progress)) / 2,
        "linear": 1 - progress,
        "steps": 0.1 ** np.searchsorted([0.4, 0.6, 0.805], progress),
        "exponential": 0.01 ** (progress / 0.9),
        "warm-up and cosine": np.minimum(progress / 0.1, (1 + np.cos(np.pi * progress)) / 2),
        "restarts": (1 + np.cos(np.pi * (progress * 4 % 1))) / 2,
    }[str(kind)]
    return rates * float(rng.choice([1e-4, 1e-3, 0.1]))


def added(table: Table, column: str, values, kind: str) -> Table:
    """The table with one column more for its rows of a kind. values: a number, or one per record."""
    more = np.full((*table.values.shape[:2], 1), np.nan, np.float32)
    for i, row in enumerate(table.rows):
        if row.kind == kind:
            more[:, i, 0] = values
    return replace(table, columns=(*table.columns, column), values=np.concatenate([table.values, more], axis=2))


def with_steps(run: Run, **columns) -> Run:
    """The run with step series set: 400 equal values, or one a step from step 1 on; None takes a series out."""
    known = {name: series(np.broadcast_to(values, len(STEPS)) if np.ndim(values) == 0 else values)
             for name, values in columns.items() if values is not None}  # fmt: skip
    kept = {name: values for name, values in run.steps.items() if name not in columns}
    return replace(run, steps={**kept, **known})


def hostile(run: Run):
    """The run with each value of each of its parts in turn replaced by one that no arithmetic likes."""
    for value in (np.nan, np.inf, -np.inf, 0.0, -1.0, 1e-40, 3e38, -3e38):
        for name, part in run.steps.items():
            yield replace(run, steps={**run.steps, name: replace(part, values=np.full(len(part), value))})
            mixed = np.where(np.arange(len(part)) % 3 == 1, value, part.values)
            yield replace(run, steps={**run.steps, name: replace(part, values=mixed)})
            yield replace(run, steps={**run.steps, name: part.between(1, 1)})
        for name, part in run.epochs.items():
            yield replace(run, epochs={**run.epochs, name: replace(part, values=np.full(len(part), value))})
        for name in ("layers", "data", "targets"):
            table = getattr(run, name)
            for column in range(len(table.columns) if table is not None else 0):
                for records in (slice(None), slice(1, None, 3)):
                    values = table.values.copy()
                    values[records, :, column] = value
                    yield replace(run, **{name: replace(table, values=values)})
            if table is not None:
                yield replace(run, **{name: first_steps(table, 1)})
                yield replace(run, **{name: first_steps(table, 0)})


def with_rows(table: Table, rows: tuple[Row, ...]) -> Table:
    """The table with more rows at its end, in which nothing was recorded but a mean of 0.5."""
    more = np.full((len(table.steps), len(rows), len(table.columns)), np.nan, np.float32)
    more[:, :, table.columns.index("mean")] = 0.5
    return replace(table, rows=(*table.rows, *rows), values=np.concatenate([table.values, more], axis=1))
