"""Which offer for which guest? A policy learns from what its own choices earn, in a TensorFlow loop."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras.optimizers import SGD, Adam

from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.fitting import begin, outputs
from benchmarks.zoo.training import Outcome
from tb_lossdiag import TrainingMonitor

GUEST, OFFERS = 6, 4


def worth(guests: np.ndarray) -> np.ndarray:
    """What each offer earns from each guest, on average."""
    rng = np.random.default_rng(108)
    return np.tanh(guests @ rng.normal(size=(GUEST, OFFERS))) + 0.3 * guests[:, :OFFERS] * guests[:, 1 : OFFERS + 1]


def likely(logits: np.ndarray) -> np.ndarray:
    chances = np.exp(logits - logits.max(1, keepdims=True))
    return chances / chances.sum(1, keepdims=True)


def earned(guests: np.ndarray, chances: np.ndarray) -> float:
    """0 for choices at random, 1 for the best."""
    values = worth(guests)
    mine = (values * chances).sum(1).mean()
    return float((mine - values.mean()) / (values.max(1).mean() - values.mean()))


def drawn(rng: np.random.Generator, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Offers drawn by the policy, and how likely each was."""
    chances = likely(logits)
    chosen = (rng.random((len(logits), 1)) > chances.cumsum(1)[:, :-1]).sum(1)
    return chosen.astype("int32"), chances[np.arange(len(logits)), chosen].astype("float32")


OPTIMIZER = partial(Adam, 5e-3)


def train(
    log_dir: str,
    seed: int,
    spread: float = 0.0,
    logged: bool = False,
    mixed_up: bool = False,
    column: bool = False,
    optimizer: Callable = OPTIMIZER,
    steps: int = 400,
) -> Outcome:
    """spread: the weight of the policy's entropy. logged: choices are drawn evenly, and weighed afterwards. mixed_up:
    what is earned is another guest's. column: what is earned is [n, 1], its chances are [n]."""
    begin(seed)
    rng = np.random.default_rng(seed)
    model = keras.Sequential([keras.Input((GUEST,)), layers.Dense(32, "relu"), layers.Dense(OFFERS, name="offer")])
    made = optimizer()
    monitor = TrainingMonitor(model, made, log_dir)

    @monitor.watch
    @tf.function
    def step(guests: Any, chosen: Any, gain: Any, chance: Any) -> Any:
        with tf.GradientTape() as tape:
            logs = tf.nn.log_softmax(model(guests, training=True))
            log_chance = tf.gather(logs, chosen, batch_dims=1)
            kept = tf.exp(log_chance) / chance if logged else log_chance
            policy_loss = -tf.reduce_mean(kept * gain)
            spread_loss = tf.reduce_mean(tf.reduce_sum(tf.exp(logs) * logs, 1))
            loss = policy_loss + spread * spread_loss
        gradients = tape.gradient(loss, model.trainable_variables)
        made.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return {"loss": loss, "policy_loss": policy_loss, "spread_loss": spread_loss}

    losses = []
    with monitor:
        for _ in range(steps):
            guests = rng.normal(size=(64, GUEST)).astype("float32")
            logits = np.zeros((64, OFFERS)) if logged else np.asarray(model(guests), np.float64)
            chosen, chance = drawn(rng, logits)
            gain = worth(guests)[np.arange(64), chosen] + rng.normal(0, 0.2, 64)
            gain = gain[rng.permutation(64)] if mixed_up else gain
            told = (gain - gain.mean()).astype("float32")
            losses.append(float(step(guests, chosen, told[:, None] if column else told, chance)["loss"]))
    value = float(np.mean(losses[-40:]))
    guests = np.random.default_rng(109).normal(size=(2000, GUEST)).astype("float32")
    found = outputs(model, guests)
    return Outcome(value, value, earned(guests, likely(found)) if np.isfinite(found).all() else 0.0)


FAMILY = Family(
    "bandit",
    "loop",
    train,
    {
        "plain": {},
        "spread": {"spread": 0.02},
        "logged": {"logged": True},
    },
    (
        # [n] by [n, 1]: the chance of each for the gain of every other.
        fault("shape_broadcast", "gains_in_a_column", column=True),
        fault("unbalanced_loss_terms", "spread_alone", "penalty_dominates", of="spread", spread=100.0),
        fault("uninformative_labels", "gains_of_others", of="logged", mixed_up=True),
        fault("learning_rate_too_low", "sgd_1e-5", "unsuitable_optimizer", optimizer=partial(SGD, 1e-5)),
    ),
    kept_out=True,
)
