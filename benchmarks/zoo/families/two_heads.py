"""Two outputs of one trunk: which digit it is, and how much ink it has."""

from collections.abc import Callable, Mapping
from functools import partial

import keras
import numpy as np
from keras import layers
from keras.optimizers import Adam

from benchmarks.zoo.data import digits
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, fitted, outputs
from benchmarks.zoo.families.measures import explained
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome

OPTIMIZER = partial(Adam, 2e-3)


def train(
    log_dir: str,
    seed: int,
    weights: Mapping[str, float] | None = None,
    ink: float = 1.0,
    mixed_up: bool = False,
    ink_loss: str = "mse",
    named: bool = True,
    optimizer: Callable = OPTIMIZER,
) -> Outcome:
    """ink: the unit that the amount of ink is measured in. mixed_up: the digits' names were shuffled, the ink not.
    named: losses and targets by the outputs' names, or as lists. Its skill is that of the worse head."""
    begin(seed)
    x, digit, *_ = digits()
    amount = x.sum(1, keepdims=True)
    amount = (amount - amount.mean()) / amount.std() * np.float32(ink)
    labels = digit[np.random.default_rng(0).permutation(len(digit))] if mixed_up else digit
    source = keras.Input((64,), name="pixels")
    trunk = layers.Dense(32, "relu")(layers.Dense(64, "relu")(source))
    heads = (layers.Dense(10, "softmax", name="digit")(trunk), layers.Dense(1, name="ink")(trunk))
    if named:
        model = keras.Model(source, dict(zip(("digit", "ink"), heads, strict=True)))
        losses, y = {"digit": "sparse_categorical_crossentropy", "ink": ink_loss}, {"digit": labels, "ink": amount}
    else:
        model = keras.Model(source, list(heads))
        losses, y = ["sparse_categorical_crossentropy", ink_loss], (labels, amount)
    model.compile(optimizer(), losses, loss_weights=dict(weights) if weights else None)
    value = fitted(model, x, y, log_dir=log_dir, epochs=8, batch_size=32)
    made = outputs(model, x)
    made = made if named else dict(zip(("digit", "ink"), made, strict=True))
    return Outcome(value, value, min(skill("classes", labels, made["digit"]), explained(amount, made["ink"])))


FAMILY = Family(
    "two_heads",
    "keras",
    train,
    {
        "plain": {},
        "as_lists": {"named": False},
        "huber_and_weights": {"ink_loss": "huber", "weights": {"digit": 1.0, "ink": 3.0}},
    },
    (
        fault("unbalanced_loss_terms", "ink_in_thousandths", "unscaled_targets", ink=1000.0),
        fault("unbalanced_loss_terms", "digit_weighs_nothing", weights={"digit": 1e-8, "ink": 1.0}),
        fault("uninformative_labels", "digits_mixed_up", of="as_lists", mixed_up=True),
    ),
)
