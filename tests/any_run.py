"""Which runs can a log hold? Hypothesis strategies for any Run whatever, the ones no training would leave included.

Columns come from the schema, so that a new one is drawn without being named here.
"""

from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tb_lossdiag import schema
from tb_lossdiag.run import Event, LayerCard, ModelCard, Row, Run, Series, Table

# The same examples on every machine and without a deadline: a failure is a fact about the code, never about the day.
settings.register_profile(
    "tb_lossdiag",
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("tb_lossdiag")

USUAL = (0.0, 1e-3, 0.1, 0.5, 1.0, 2.3, 50.0)
EXTREME = (*USUAL, np.nan, np.inf, -np.inf, -0.0, 1e-40, 1e-30, -1e-30, -1.0, 1e30, 3e38, -3e38)
# An epoch is written as JSON, so its numbers are not bound to float32.
DOUBLE = (*EXTREME, 5e-324, 1e308, -1e308)
NAMES = (
    "dense", "block/dense_1", "dense/kernel", "dense/bias", "lstm/recurrent_kernel", "gamma", "kernel", "input:x",
    "", "/", "0", "{0!r}", "%s", "'); import os; ('", "</script>", "a\nb\x00", "層", "x" * 300,
)  # fmt: skip
KINDS = (
    "Dense",
    "Conv2D",
    "LSTM",
    "Embedding",
    "Dropout",
    "BatchNormalization",
    "Activation",
    "InputLayer",
    "Mine",
    "",
)
ACTIVATIONS = (None, "linear", "relu", "leaky_relu", "sigmoid", "tanh", "softmax", "mine", "")
LOSSES = (
    "sparse_categorical_crossentropy", "CategoricalCrossentropy", "BinaryCrossentropy", "MeanSquaredError", "mse",
    "mean_absolute_error", "mine", None, 3,
)  # fmt: skip
OPTIMIZERS = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Mine", "lambda", "", None, 3)
OPTIMIZER_KEYS = (
    "learning_rate", "momentum", "rho", "epsilon", "beta_1", "beta_2", "weight_decay", "clipnorm", "global_clipnorm",
    "clipvalue", "gradient_accumulation_steps", "loss_scale_factor", "initial_scale", "inner_optimizer",
)  # fmt: skip
LAYER_KEYS = (
    "rate", "kernel_size", "return_sequences", "kernel_mean", "kernel_std", "kernel_fan_in",
    "kernel_identical_columns", "bias_mean", "bias_min", "bias_max", "kernel_regularizer", "momentum",
)  # fmt: skip
CARD_KEYS = ("target_kind", "variable_dtype", "shuffle")
EPOCH_NAMES = ("loss", "val_loss", "accuracy", "val_accuracy", "acc", "binary_accuracy", "mae", "learning_rate", "mine")

names = st.sampled_from(NAMES)
numbers = st.sampled_from((*EXTREME, 0, 1, -3, 10, 2**70, 10**400))
json_values = st.one_of(
    st.none(),
    st.booleans(),
    numbers,
    st.sampled_from(("", "Adam", "float16")),
    st.lists(numbers, max_size=2),
    st.dictionaries(st.sampled_from(("class_name", "config", "name")), st.sampled_from(("Cosine", None, 0.1, {}))),
)


seeds = st.integers(0, 2**32 - 1)
counts = st.sampled_from((40, 0, 1, 2, 3, 7, 12, 130))


def mostly(usual, odd):
    """`usual` seven times of eight, so that odd parts come one at a time as well as all at once."""
    return st.integers(0, 7).flatmap(lambda drawn: odd if drawn == 7 else usual)


# Numbers come from a seed instead of draw by draw: a hundred times faster, and a run still shrinks part by part.
def steps(rng: np.random.Generator, count: int) -> np.ndarray:
    """int64 [count], strictly increasing: every step, or with gaps, from the first step or a later one."""
    return rng.choice((1, 0, 1001)) + rng.choice((1, 7)) * np.arange(count, dtype=np.int64)


def curve(rng: np.random.Generator, shape: tuple[int, ...], values: tuple[float, ...]) -> np.ndarray:
    """float64 [n] or [n, rows]: constant, a ramp, a decay, noise or a mixture; every other one turns on the way.

    Half of them are made of usual numbers, since a check asks no further after the first one that is not finite.
    """
    values = USUAL if rng.integers(2) else values
    first, last, other = rng.choice(values, 3)
    position = np.linspace(0, 1, shape[0]).reshape(-1, *[1] * (len(shape) - 1))
    with np.errstate(all="ignore"):
        drawn = (
            np.full(shape, first),
            first + (last - first) * position + np.zeros(shape),
            first * np.exp(-5 * position) * rng.uniform(0.9, 1.1, shape),
            first * rng.normal(size=shape),
            rng.choice(values, shape),
        )[rng.integers(5)]
    if rng.integers(2):
        at = rng.integers(shape[0] + 1)
        drawn[at : rng.choice((at + 1, shape[0]))] = other
    return drawn


def curves(known: tuple[str, ...], values: tuple[float, ...] = EXTREME):
    """{name: Series}: mostly all the names over the same steps, else any of them over any steps."""

    def together(seed: int, count: int) -> dict[str, Series]:
        rng = np.random.default_rng(seed)
        at = steps(rng, count)
        return {name: Series(at, curve(rng, (count,), values), count) for name in known}

    def alone(seed: int, count: int) -> Series:
        rng = np.random.default_rng(seed)
        return Series(steps(rng, count), curve(rng, (count,), values), count * int(rng.integers(3)))

    any_of_them = st.dictionaries(st.sampled_from(known), st.builds(alone, seeds, counts), max_size=4)
    return mostly(st.builds(together, seeds, counts), any_of_them)


def model_rows(layers: int) -> list[Row]:
    """The rows of a model with this many layers."""
    parts = (("/kernel", "variable"), ("/bias", "variable"), ("", "output"))
    return [Row(f"dense_{i}{part}", kind, f"dense_{i}") for i in range(layers) for part, kind in parts]


def tables(columns: tuple[str, ...], usual_rows, values: tuple[float, ...] = EXTREME):
    """The usual rows or any others; all columns, or some of them in any order, one nobody knows among them."""

    def build(seed: int, count: int, rows: list[Row], kept: tuple[str, ...]) -> Table:
        rng = np.random.default_rng(seed)
        cells = np.empty((count, len(rows), len(kept)), np.float32)
        for index in range(len(kept)):
            with np.errstate(over="ignore"):
                cells[:, :, index] = curve(rng, (count, len(rows)), values)
        return Table(steps(rng, count), tuple(rows), kept, cells, count)

    some = st.lists(st.sampled_from((*columns, "unknown")), unique=True).map(tuple)
    rows = st.lists(st.builds(Row, names, st.sampled_from((*schema.ROW_KINDS, "unknown")), names), max_size=4)
    return st.builds(build, seeds, counts, mostly(usual_rows, rows), mostly(st.just(columns), some))


layer_cards = st.builds(
    LayerCard,
    path=names,
    kind=st.sampled_from(KINDS),
    activation=st.sampled_from(ACTIVATIONS),
    initializers=st.dictionaries(st.sampled_from(("kernel", "bias")), json_values, max_size=2),
    inputs=st.lists(names, max_size=2).map(tuple),
    units=st.sampled_from((None, 0, 1, 2, 10, 64, -1)),
    parameters=st.sampled_from((0, 1, 650, -1)),
    trainable=st.booleans(),
    settings=mostly(
        st.fixed_dictionaries(dict.fromkeys(LAYER_KEYS, numbers)),
        st.dictionaries(st.sampled_from(LAYER_KEYS), json_values),
    ),
)
optimizers = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(OPTIMIZERS),
        "config": mostly(st.dictionaries(st.sampled_from(OPTIMIZER_KEYS), json_values), json_values),
        "loss_scale": st.sampled_from((None, True, 32768.0)),
    },
)
losses = st.fixed_dictionaries(
    {"name": st.sampled_from(LOSSES)}, optional={"from_logits": st.booleans(), "reads_logits": st.booleans()}
)
lengths = st.sampled_from((None, 10, 1, 0, -1))
cards = st.builds(
    ModelCard,
    layers=st.lists(layer_cards, max_size=6).map(tuple),
    optimizer=optimizers,
    loss=mostly(losses, st.just({})),
    metrics=st.lists(st.sampled_from(EPOCH_NAMES), max_size=2).map(tuple),
    precision=st.sampled_from(("float32", "mixed_float16", "")),
    batch_size=lengths,
    steps_per_epoch=lengths,
    epochs=lengths,
    parameters=st.sampled_from((0, 1, 1000, -1)),
    trainable_parameters=st.sampled_from((0, 1, 500, -1)),
    settings=st.dictionaries(
        st.sampled_from(CARD_KEYS), st.sampled_from((None, True, 3, "", "float16", "sparse_classes"))
    ),
)
FACTS = {
    "loss_shapes": ({"target": [None], "prediction": [None, 1]}, {"target": "?"}, {}),
    "not_measured": ("the loss is computed inside train_step", "", 3),
    "broadcasts": ([{"operation": "sub", "left": [3], "right": [3, 1], "result": [3, 3]}], [{}, 3], "?"),
    "untracked": ([{"name": "layers.0.weight", "shape": [4, 4]}], [{"name": ""}, 3], "?"),
    "optimizer_share": (1.0, 0.02, 0.0, "all", float("nan")),
    "optimizer_foreign": (0, 650, "many", 10**400),
    "callbacks": ([{"name": "ReduceLROnPlateau", "config": {"factor": 0.2}}], [{"name": "StepLR"}, 3], "?"),
    "calls_per_step": (2, "?"),
}
facts = st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in FACTS.items()})
cards = st.builds(lambda card, more: replace(card, settings={**card.settings, **more}), cards, facts)
events = st.builds(
    Event,
    step=st.integers(0, 400),
    kind=st.sampled_from((*schema.EVENT_KINDS, "unknown")),
    facts=st.fixed_dictionaries(
        {},
        optional={
            "rows": mostly(st.lists(names, max_size=3), json_values),
            "from": json_values,
            "to": json_values,
            "text": names,
        },
    ),
)


def runs(values: tuple[float, ...] = EXTREME, epoch_values: tuple[float, ...] = DOUBLE):
    """Any Run whatever. values, epoch_values: what the numbers of records and of epochs are made of."""
    inputs = [Row("input:x", "input"), Row("target:y", "target"), Row("prediction:output", "prediction")]
    more = [Row("target:b", "target"), Row("prediction:b", "prediction"), Row("loss:kl", "loss"), Row("loss:b", "loss")]
    classes = st.builds(lambda count: [Row(str(i), "target") for i in range(count)], st.integers(0, 3))
    layers = tables(tuple(schema.LAYER_COLUMNS), st.builds(model_rows, st.integers(0, 6)), values)
    data = tables(schema.DATA_COLUMNS, st.sampled_from((inputs, [*inputs, *more])), values)
    targets = tables(schema.TARGET_COLUMNS, classes, values)
    return st.builds(
        Run,
        name=names,
        card=mostly(cards, st.none()),
        steps=curves(schema.STEP_COLUMNS, values),
        epochs=curves(EPOCH_NAMES, epoch_values),
        layers=mostly(layers, st.none()),
        data=mostly(data, st.none()),
        targets=mostly(targets, st.none()),
        events=st.lists(events, max_size=2).map(tuple),
        step_unit=st.sampled_from(("step", "epoch")),
    )


def renamed(run: Run, name) -> Run:
    """The run with every row and layer called name(old)."""

    def table(old: Table | None) -> Table | None:
        return old and replace(old, rows=tuple(Row(name(row.name), row.kind, name(row.layer)) for row in old.rows))

    def event(old: Event) -> Event:
        rows = old.facts.get("rows")
        if not isinstance(rows, list):
            return old
        return replace(old, facts={**old.facts, "rows": [name(x) if isinstance(x, str) else x for x in rows]})

    card = run.card and replace(run.card, layers=tuple(replace(x, path=name(x.path)) for x in run.card.layers))
    tables = {part: table(getattr(run, part)) for part in ("layers", "data", "targets")}
    return replace(run, card=card, **tables, events=tuple(map(event, run.events)))


def reversed_rows(run: Run) -> Run:
    """The run with its rows and layers the other way round."""

    def table(old: Table | None) -> Table | None:
        return old and replace(old, rows=old.rows[::-1], values=old.values[:, ::-1])

    card = run.card and replace(run.card, layers=run.card.layers[::-1])
    return replace(run, card=card, **{part: table(getattr(run, part)) for part in ("layers", "data", "targets")})


def continued(run: Run, count: int = 50) -> Run:
    """The run with this many healthy records after each part that has any."""

    def steps_after(old: np.ndarray) -> np.ndarray:
        return np.append(old, old[-1] + 1 + np.arange(count))

    def longer(old: Series) -> Series:
        return Series(steps_after(old.steps), np.append(old.values, np.ones(count)), 0) if len(old) else old

    def table(old: Table | None) -> Table | None:
        if old is None or not len(old.steps):
            return old
        healthy = np.array(["nonfinite" not in column for column in old.columns], np.float32)
        cells = np.broadcast_to(healthy, (count, len(old.rows), len(old.columns)))
        return replace(old, steps=steps_after(old.steps), values=np.concatenate([old.values, cells]))

    curves = {part: {n: longer(x) for n, x in getattr(run, part).items()} for part in ("steps", "epochs")}
    return replace(run, **curves, **{part: table(getattr(run, part)) for part in ("layers", "data", "targets")})


def scaled(run: Run, factor: float) -> Run:
    """The run with a loss, and so with gradients, `factor` times as large."""

    def curves(old: dict[str, Series]) -> dict[str, Series]:
        grow = ("loss", "val_loss", "penalty", "gradient_norm")
        return {n: replace(x, values=x.values * factor) if n in grow else x for n, x in old.items()}

    layers = run.layers
    if layers is not None:
        grow = [column in ("gradient_norm", "gradient_mean_abs", "gradient_max_abs") for column in layers.columns]
        layers = replace(layers, values=layers.values * np.where(grow, factor, 1).astype(np.float32))
    return replace(run, steps=curves(run.steps), epochs=curves(run.epochs), layers=layers)
