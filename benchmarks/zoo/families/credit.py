"""Who will not pay back? Applicants in a table, a small dense net, and a judgement on those it never saw."""

from collections.abc import Callable
from functools import cache, partial

import keras
import numpy as np
from keras import layers
from keras.optimizers import SGD, Adam

from benchmarks.zoo.data import Data, parted, standardised
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, fitted, outputs
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome

OTHERS = 45


@cache
def as_they_come(rare: bool = False) -> Data:
    """2,500 applicants with five columns that tell and OTHERS that do not, and whether they failed, as [n, 1].

    rare: one in forty fails, two in five else.
    """
    rng = np.random.default_rng(101)
    income, loan = rng.lognormal(10.3, 0.5, 2500), rng.lognormal(9.3, 0.7, 2500)
    age, years, late = rng.uniform(20, 70, 2500), rng.exponential(6, 2500), rng.poisson(1.2, 2500)
    risk = 1.8 * (np.log(loan / income) + 1) + 0.9 * (late - 1.2) - 0.12 * (years - 6) - 0.03 * (age - 45)
    risk += rng.normal(0, 1.0 if rare else 0.4, 2500)
    failed = risk > np.quantile(risk, 0.975 if rare else 0.6)
    others = rng.normal(0, 1, (2500, OTHERS))
    x = np.concatenate([np.stack([income, loan, age, years, late], 1), others], 1)
    return parted(x, failed[:, None].astype("float32"))


def applicants(rare: bool = False) -> Data:
    """The same on one scale."""
    x, y, x_val, y_val = as_they_come(rare)
    both = standardised(np.concatenate([x, x_val])).astype("float32")
    return Data(both[: len(x)], y, both[len(x) :], y_val)


def with_gaps() -> Data:
    """One income in fifty was not given."""
    x, y, x_val, y_val = applicants()
    x = x.copy()
    x[np.random.default_rng(102).random(len(x)) < 0.02, 0] = np.nan
    return Data(x, y, x_val, y_val)


OPTIMIZER = partial(Adam, 3e-3)


def train(
    log_dir: str,
    seed: int,
    data: Callable[[], Data] = applicants,
    rows: int | None = None,
    normalised: bool = False,
    weights: tuple[float, float] | None = None,
    head: str | None = "sigmoid",
    optimizer: Callable = OPTIMIZER,
    epochs: int = 8,
) -> Outcome:
    """rows: how many applicants are trained on. normalised: batch normalisation and dropout. weights: of those who pay
    and those who fail. Its skill is that on the applicants kept for validation."""
    begin(seed)
    x, y, x_val, y_val = data()
    x, y = x[:rows], y[:rows]
    stack = [keras.Input((x.shape[1],))]
    for width in (48, 24):
        stack += [layers.Dense(width, "relu")]
        stack += [layers.BatchNormalization(momentum=0.9), layers.Dropout(0.2)] if normalised else []
    model = keras.Sequential([*stack, layers.Dense(1, head, name="fails")])
    model.compile(optimizer(), keras.losses.BinaryCrossentropy(from_logits=head is None), metrics=["accuracy"])
    value = fitted(
        model,
        x,
        y,
        log_dir=log_dir,
        epochs=epochs,
        validation_data=(x_val, y_val),
        class_weight=dict(enumerate(weights)) if weights else None,
    )
    threshold = 0.5 if head else 0.0
    return Outcome(value, value, skill("binary", y_val, outputs(model, x_val), threshold))


FAMILY = Family(
    "credit",
    "keras",
    train,
    {
        "plain": {},
        "logits": {"head": None, "optimizer": partial(SGD, 0.05, momentum=0.9)},
        "normalised": {"normalised": True, "optimizer": partial(SGD, 0.05, momentum=0.9)},
        "rare_and_weighted": {"data": partial(applicants, True), "weights": (0.51, 20.0), "epochs": 3},
    },
    (
        fault("nonfinite_inputs", "incomes_not_given", data=with_gaps),
        # A softmax over one unit says 1 of everybody.
        fault("output_activation_mismatch", "softmax_of_one", "loss_mismatch", head="softmax"),
        fault("overfitting", "forty_applicants", rows=40, epochs=60),
        fault("class_imbalance", "one_in_forty", of="rare_and_weighted", weights=None),
    ),
    kept_out=True,
)
