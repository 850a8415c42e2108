"""A table of numbers and words: columns are normalised, looked up and embedded inside the model."""

from collections.abc import Callable
from functools import cache, partial

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras.optimizers import SGD, Adam

from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, fitted
from benchmarks.zoo.families.measures import explained
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome

NUMBERS, WORDS = ("age", "income"), ("job", "city")
CITIES, JOBS = tuple(f"city {i}" for i in range(12)), ("baker", "clerk", "doctor", "pilot")


@cache
def table(rare: bool = False) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """2,000 customers, whether they buy, and what they spend. rare: one in forty buys."""
    rng = np.random.default_rng(66)
    age, income = rng.uniform(18, 80, 2000), rng.lognormal(10.4, 0.4, 2000)
    job, city = rng.integers(0, len(JOBS), 2000), rng.integers(0, len(CITIES), 2000)
    liking = 1.5 * (job - 1.5) + rng.normal(size=len(CITIES))[city] + (age - 49) / 12 + (np.log(income) - 10.4) * 2
    spent = 900 + 250 * liking + rng.normal(0, 60, 2000)
    noisy = liking + rng.normal(0, 2.0 if rare else 0.3, 2000)
    buys = noisy > (np.quantile(noisy, 0.975) if rare else 0)
    columns = {"age": age[:, None].astype("float32"), "income": income[:, None].astype("float32")}
    columns |= {"job": np.array(JOBS)[job][:, None], "city": np.array(CITIES)[city][:, None]}
    return columns, buys[:, None].astype("float32"), spent[:, None].astype("float32")


def table_model(columns: dict[str, np.ndarray], adapted: bool, head: str | None) -> keras.Model:
    sources, parts = {}, []
    for name in NUMBERS:
        sources[name] = keras.Input((1,), name=name)
        normal = layers.Normalization(axis=None, name=f"{name}_scaled")
        if adapted:
            normal.adapt(columns[name])
        parts.append(normal(sources[name]))
    for name in WORDS:
        sources[name] = keras.Input((1,), dtype="string", name=name)
        lookup = layers.StringLookup(vocabulary=sorted({str(word) for word in columns[name].ravel()}))
        embedded = layers.Embedding(lookup.vocabulary_size(), 4, name=f"{name}_embedding")(lookup(sources[name]))
        parts.append(layers.Flatten()(embedded))
    x = layers.Dense(32, "relu")(layers.Concatenate()(parts))
    return keras.Model(sources, layers.Dense(1, head, name="answer")(layers.Dense(16, "relu")(x)))


OPTIMIZER = partial(Adam, 5e-3)


def train(
    log_dir: str,
    seed: int,
    spending: bool = False,
    unit: float = 0.0,
    adapted: bool = True,
    rare: bool = False,
    weighted: bool = False,
    optimizer: Callable = OPTIMIZER,
) -> Outcome:
    """spending: predict what is spent, in standard units or, with a `unit`, in that many of a dollar."""
    begin(seed)
    columns, buys, spent = table(rare)
    y = buys
    if spending:
        y = spent * np.float32(unit) if unit else (spent - spent.mean()) / spent.std()
    model = table_model(columns, adapted, None if spending else "sigmoid")
    model.compile(optimizer(), "mse" if spending else "binary_crossentropy")
    parts = ({name: tf.constant(column) for name, column in columns.items()}, y)
    weights = {"class_weight": {0: 0.51, 1: 20.0}} if weighted else {}
    dataset = tf.data.Dataset.from_tensor_slices(parts).shuffle(2000, seed=seed).batch(32)
    value = fitted(model, dataset, log_dir=log_dir, epochs=8, **weights)
    made = np.asarray(model(parts[0], training=False))
    return Outcome(value, value, explained(y, made) if spending else skill("binary", y, made))


FAMILY = Family(
    "mixed_columns",
    "keras",
    train,
    {
        "plain": {},
        "spending": {"spending": True},
        "descent": {"optimizer": partial(SGD, 0.05)},
        "rare_and_weighted": {"rare": True, "weighted": True},
    },
    (
        # Ages and incomes as they come; adapt() was forgotten.
        fault("unnormalized_inputs", "never_adapted", of="descent", adapted=False),
        fault("unnormalized_inputs", "never_adapted_adam", of="spending", adapted=False),
        fault("unscaled_targets", "dollars", of="spending", unit=1000.0),
        fault("class_imbalance", "one_in_forty", of="rare_and_weighted", weighted=False),
    ),
)
