"""A train_step of one's own may call its loss what it likes: the first sampled step tells which entry it is."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from tb_lossdiag import LossDiagnostics
from tb_lossdiag.recording.loss_entry import LossEntry

LAYERS = keras.layers


@pytest.mark.parametrize(("logs", "name"), [
    ({"d_loss": 0.5, "g_loss": 0.7}, "g_loss"), ({"loss": 0.7, "g_loss": 0.7}, "loss"), ({"gain": 0.7}, None),
    ({"g_loss": 0.8}, None), ({"loss_g": 0.7000001}, "loss_g"), ([0.7], "loss"),
])  # fmt: skip
def test_the_entry_with_the_measured_value_is_the_loss(logs, name):
    entry = LossEntry()
    assert entry.learn(logs, 0.7) is (name not in ("loss", None))
    assert entry.name == name


def test_what_was_learned_once_stays():
    entry = LossEntry()
    entry.learn({"d_loss": 0.5, "g_loss": 0.7}, 0.5)
    assert not entry.learn({"d_loss": 0.9, "g_loss": 0.1}, 0.1)
    assert entry.of({"d_loss": 0.9, "g_loss": 0.1}) == 0.9 and math.isnan(entry.of({"g_loss": 0.1}))


def test_a_loss_that_is_not_finite_names_nothing():
    entry = LossEntry()
    assert not entry.learn({"d_loss": math.nan}, math.nan) and entry.name == "loss"


class Rivals(keras.Model):
    """Two parts with an optimizer each, as in a GAN; compile is told of none, and Keras makes an RMSprop."""

    def __init__(self):
        super().__init__()
        self.maker = keras.Sequential([keras.Input((4,)), LAYERS.Dense(4, name="make")], name="maker")
        self.judge = keras.Sequential([keras.Input((4,)), LAYERS.Dense(8, name="see"), LAYERS.Dense(1)], name="judge")

    def compile(self, **options):
        super().compile(**options)
        self.d_optimizer = keras.optimizers.Adam(1e-2, name="of_judge")
        self.g_optimizer = keras.optimizers.SGD(3e-2, name="of_maker")

    def train_step(self, x):
        losses = {}
        for name, part, optimizer, wanted in (
            ("d_loss", self.judge, self.d_optimizer, 0.0), ("g_loss", self.maker, self.g_optimizer, 1.0),
        ):  # fmt: skip
            with tf.GradientTape() as tape:
                losses[name] = tf.reduce_mean((self.judge(self.maker(x)) - wanted) ** 2)
            weights = part.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(losses[name], weights), weights, strict=True))
        return losses


class Remembered(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.logs = []

    def on_train_batch_end(self, batch, logs=None):
        self.logs.append({name: float(value) for name, value in logs.items()})


@pytest.fixture(params=[False, True], ids=["plain", "xla"])
def rivals(request, tmp_path):
    """The records of a fit whose first and last steps only are sampled, and what the steps reported."""
    keras.utils.set_random_seed(0)
    model, told = Rivals(), Remembered()
    model.compile(jit_compile=request.param)
    x = np.random.default_rng(0).normal(size=(80, 4)).astype("float32")
    model.fit(
        x, batch_size=8, epochs=1, shuffle=False, verbose=0, callbacks=[told, LossDiagnostics(tmp_path, every=10)]
    )
    return Records(tmp_path), told.logs


def test_every_step_of_two_rivals_has_its_loss(rivals):
    records, told = rivals
    losses = records.column("loss")
    assert len(losses) == 10
    assert [losses[step] for step in sorted(losses)] == pytest.approx([logs["d_loss"] for logs in told], rel=1e-5)


def test_what_a_step_returns_is_a_term_without_a_metric_of_its_own(rivals):
    records, told = rivals
    terms = records.terms()
    assert set(terms) == {"d_loss", "g_loss"}
    assert terms["g_loss"][0] == pytest.approx(told[0]["g_loss"], rel=1e-5)


def test_the_card_has_the_optimizers_that_step_and_not_the_one_that_nothing_uses(rivals):
    records, _ = rivals
    optimizer = records.card.optimizer
    assert (optimizer["name"], [one["name"] for one in optimizer["others"]]) == ("Adam", ["SGD"])
    assert optimizer["config"]["learning_rate"] == pytest.approx(1e-2)


def test_the_batch_of_a_model_that_is_called_in_parts_is_what_the_step_was_given(rivals):
    records, _ = rivals
    assert records.card.batch_size == 8
    assert [row.name for row in records.card.data_rows if row.kind == "input"] == ["input:input"]
