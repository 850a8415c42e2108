"""A step that holds another number each time that it is traced is not sampled, and trains as without us."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.small_models import batches, mlp, same
from tb_lossdiag import LossDiagnostics, TrainingMonitor
from tb_lossdiag.recording.apart import apart
from tb_lossdiag.recording.constants import constants, refuse_other_constants
from tb_lossdiag.recording.draws import TracesDiffer

LOSS = keras.losses.SparseCategoricalCrossentropy()
X = tf.TensorSpec([4, 3])


def graph_of(function):
    return tf.function(function).get_concrete_function(X).graph


def test_two_traces_of_one_function_hold_the_same_numbers():
    def step(x):
        return tf.cond(x[0, 0] > 0.0, lambda: 3.0 * x, lambda: tf.while_loop(lambda y: y[0, 0] < 7.0, tf.exp, [x])[0])

    assert constants(graph_of(step)) == constants(graph_of(step))


def test_what_is_ours_does_not_count():
    def observed(x):
        with apart():
            tf.cond(x[0, 0] > 17.0, lambda: x * 18.0, lambda: x)
        return 3.0 * x

    refuse_other_constants(graph_of(observed), constants(graph_of(lambda x: 3.0 * x)))


@pytest.mark.parametrize("other", [lambda x: 4.0 * x, lambda x: 3.0 * x + 3.0, lambda x: tf.cast(3, tf.float32) * x])
def test_a_number_that_the_plain_step_lacks_is_refused(other):
    with pytest.raises(TracesDiffer, match="another number each time"):
        refuse_other_constants(graph_of(other), constants(graph_of(lambda x: 3.0 * x)))


def counted():
    """(model, its optimizer, a step whose loss is multiplied by how often the step was traced)"""
    model, optimizer, traces = mlp(seed=4), keras.optimizers.SGD(0.01), []
    optimizer.build(model.trainable_variables)

    def step(x, y):
        traces.append(1)
        with tf.GradientTape() as tape:
            loss = float(len(traces)) * LOSS(y, model(x, training=True))
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss

    return model, optimizer, tf.function(step, autograph=False)


def test_a_watched_step_that_counts_its_traces_keeps_its_bits(tmp_path):
    plain, _, step = counted()
    for _ in range(5):
        step(*batches(8))
    recorded, optimizer, step = counted()
    with TrainingMonitor(recorded, optimizer, tmp_path, every=2) as monitor:
        watched = monitor.watch(step)
        with pytest.warns(RuntimeWarning, match="another number each time"):
            watched(*batches(8))
        for _ in range(4):
            watched(*batches(8))
    assert same(plain.get_weights(), recorded.get_weights())


class Counting(keras.Model):
    def __init__(self):
        super().__init__()
        self.inside, self.traces = mlp(seed=4), 0

    def call(self, x):
        self.traces += 1
        return self.inside(x) ** (1.0 / self.traces)


@pytest.mark.parametrize("own_runs_first", [False, True])
def test_a_fit_whose_model_counts_its_calls_keeps_its_bits(tmp_path, own_runs_first):
    def fitted(*callbacks):
        model = Counting()
        model.compile(keras.optimizers.SGD(0.01), LOSS, jit_compile=False)
        x, y = (np.asarray(part) for part in batches(64))
        if own_runs_first:
            model.predict(x[:1], verbose=0)
        model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=[*callbacks])
        return model.get_weights()

    plain = fitted()
    with pytest.warns(RuntimeWarning, match="another number each time"):
        recorded = fitted(LossDiagnostics(tmp_path, every=2))
    assert same(plain, recorded)
