"""Shares that a forward pass drops are read from its graph, whoever drops them."""

import keras
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.small_models import batches
from tb_lossdiag import LossDiagnostics, TrainingMonitor
from tb_lossdiag.recording.dropped import shares_dropped

DROPPING = keras.layers.Dropout(0.5, seed=2)
X = tf.TensorSpec([4, 3])


def told(function):
    graph = tf.function(function).get_concrete_function(X).graph
    return shares_dropped(graph.outputs, graph.inputs)


@pytest.mark.parametrize(
    ("function", "shares"),
    [
        (lambda x: tf.nn.dropout(tf.exp(x), 0.9), [0.9]),
        (lambda x: tf.nn.dropout(tf.nn.dropout(x, 0.25), 0.75, seed=3), [0.75, 0.25]),
        (lambda x: keras.random.dropout(x, 0.8, seed=1), [0.8]),
        (lambda x: DROPPING(x, training=True), [0.5]),
        (lambda x: tf.where(x >= 0.3, x, 0.0), []),
        (lambda x: x + tf.random.uniform([4, 3]), []),
        (lambda x: tf.where(tf.random.uniform([4, 3]) >= 0.9, tf.reverse(x, [1]), x), []),
        (lambda x: tf.where(tf.random.uniform([4, 3]) >= 0.75, x, 0.0), []),
    ],
    ids=["function", "two", "of keras", "layer", "no random number", "noise", "augmented", "masked"],
)
def test_a_share_is_what_random_numbers_are_compared_with(function, shares):
    assert told(function) == pytest.approx(shares)


class Drops(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden, self.head = keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3)

    def call(self, x, training=False):
        hidden = self.hidden(x)
        return self.head(tf.nn.dropout(hidden, 0.95) if training else hidden)


def test_a_fit_and_a_loop_tell_it_on_the_card(tmp_path):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model, (x, y) = Drops(), batches(16)
    model.compile("sgd", loss)
    model.fit(x, y, batch_size=8, verbose=0, callbacks=[LossDiagnostics(tmp_path / "fit")])
    assert Records(tmp_path / "fit").card.settings["dropouts"] == pytest.approx([0.95])

    model, optimizer = Drops(), keras.optimizers.SGD()
    with TrainingMonitor(model, optimizer, tmp_path / "loop") as monitor:

        @monitor.watch
        @tf.function
        def step(x, y):
            with tf.GradientTape() as tape:
                value = loss(y, model(x, training=True))
            optimizer.apply_gradients(
                zip(tape.gradient(value, model.trainable_variables), model.trainable_variables, strict=True)
            )
            return value

        step(x, y)
    assert Records(tmp_path / "loop").card.settings["dropouts"] == pytest.approx([0.95])
