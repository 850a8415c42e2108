"""A step that draws from a random state of its own trace takes the training to the same bits, recorded or not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.small_models import batches, mlp, same
from tb_lossdiag import LossDiagnostics, TrainingMonitor, schema

LOSS = keras.losses.SparseCategoricalCrossentropy()
STEPS = 9


def training(draw=lambda x: tf.random.normal(tf.shape(x))):
    """(model, optimizer, its step), which draws."""
    model, optimizer = mlp(seed=4), keras.optimizers.Adam(0.01)
    optimizer.build(model.trainable_variables)

    def step(x, y):
        with tf.GradientTape() as tape:
            loss = LOSS(y, model(x + 0.1 * draw(x), training=True))
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss

    return model, optimizer, step


def trained(loop, log_dir=None, every=2, **options):
    """The weights after `loop(step, monitor, model)`; without a directory it gets no monitor."""
    model, optimizer, step = training(**options)
    monitor = TrainingMonitor(model, optimizer, log_dir, every=every) if log_dir else None
    loop(step, monitor, model)
    if monitor:
        monitor.close()
    return model.get_weights()


def steps(function, count=STEPS):
    for _ in range(count):
        function(*batches(8))


def watched(step, monitor, model):
    function = tf.function(step)
    steps(monitor.watch(function) if monitor else function)


def watched_around_a_function(step, monitor, model):
    inner = tf.function(step)

    def outer(x, y):
        return inner(x, y)

    steps(monitor.watch(outer) if monitor else outer)


def in_a_block(step, monitor, model):
    function = tf.function(step)

    def outer(x, y):
        if monitor is None:
            return function(x, y)
        with monitor.step():
            return function(x, y)

    steps(outer)


def in_a_block_with_noise_from_a_function(step, monitor, model):
    noise = tf.function(lambda: tf.random.normal([8, 4]))
    train = tf.function(step)

    def outer(x, y):
        if monitor is None:
            return train(x + noise(), y)
        with monitor.step():
            return train(x + noise(), y)

    steps(outer)


def watched_and_then_closed(step, monitor, model):
    function = tf.function(step)
    whole = monitor.watch(function) if monitor else function
    steps(whole)
    if monitor:
        monitor.close()
    steps(whole)


def watched_beside_one_that_draws_nothing(step, monitor, model):
    noisy, other = tf.function(step), tf.function(lambda x, y: tf.reduce_sum(model(x)))
    if monitor:
        noisy, other = monitor.watch(noisy), monitor.watch(other)
    for _ in range(STEPS):
        noisy(*batches(8))
        other(*batches(8))


LOOPS = (
    *(watched, watched_around_a_function, in_a_block, in_a_block_with_noise_from_a_function),
    *(watched_and_then_closed, watched_beside_one_that_draws_nothing),
)


@pytest.mark.parametrize("every", ["auto", 1, 2])
@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.__name__)
def test_a_loop_ends_with_the_same_bits(tmp_path, loop, every):
    assert same(trained(loop), trained(loop, tmp_path, every))
    records = Records(tmp_path)
    assert not records.events("recording_stopped") and not records.events("not_sampled")
    norms = records.cell("hidden/kernel", "gradient_norm")
    assert len(norms) >= 3 and np.nanmin(norms) > 0.0


DRAWS = {
    "uniform": lambda x: tf.random.uniform(tf.shape(x)),
    "truncated": lambda x: tf.random.truncated_normal(tf.shape(x)),
    "gamma": lambda x: tf.random.gamma(tf.shape(x), 1.0),
    "poisson": lambda x: tf.random.poisson(tf.shape(x), 1.0),
    "shuffle": tf.random.shuffle,
    "categorical": lambda x: tf.cast(tf.random.categorical(x, 4), tf.float32),
    "dropout": lambda x: tf.nn.dropout(x, 0.5),
    "own seed": lambda x: tf.random.normal(tf.shape(x), seed=7),
    "in a loop": lambda x: tf.map_fn(lambda row: row + tf.random.normal([4]), x, parallel_iterations=1),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_whatever_it_draws(tmp_path, draw):
    assert same(trained(watched, draw=draw), trained(watched, tmp_path, draw=draw))
    assert Records(tmp_path).steps(schema.LAYERS) == [1, 2, 4, 6, 8]


def test_a_step_that_has_run_before_is_not_sampled_and_says_so(tmp_path):
    def warmed_up(step, monitor, model):
        function = tf.function(step)
        function(*batches(8))
        steps(monitor.watch(function) if monitor else function)

    with pytest.warns(RuntimeWarning, match="records only the losses of this training: RandomStandardNormal") as warned:
        recorded = trained(warmed_up, tmp_path)
    assert len([one for one in warned if "tb_lossdiag" in str(one.message)]) == 1
    assert same(trained(warmed_up), recorded)
    records = Records(tmp_path)
    assert records.steps(schema.LAYERS) == [] and len(records.column("loss")) == STEPS
    assert len(records.events("not_sampled")) == 1


def test_a_fit_after_one_that_was_not_recorded_is_not_sampled_either(tmp_path):
    def fitted(callbacks):
        keras.utils.set_random_seed(2)
        noise = keras.layers.Lambda(lambda x: x + tf.random.normal(tf.shape(x)))
        model = keras.Sequential([keras.Input((4,)), noise, keras.layers.Dense(3, "softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        for each in ([], callbacks):
            model.fit(*batches(), batch_size=8, epochs=2, verbose=0, callbacks=each)
        return model.get_weights()

    with pytest.warns(RuntimeWarning, match="compile the model again"):
        recorded = fitted([LossDiagnostics(tmp_path, every=2)])
    assert same(fitted([]), recorded)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])  # the second has variables, for which Keras traces twice
def test_numbers_that_python_draws_while_the_step_is_traced_are_the_same(tmp_path, optimizer):
    def fitted(callbacks):
        keras.utils.set_random_seed(2)
        noise = keras.layers.Lambda(lambda x: x + np.random.normal(size=4).astype("float32"))
        model = keras.Sequential([keras.Input((4,)), noise, keras.layers.Dense(3, "softmax")])
        model.compile(optimizer, "sparse_categorical_crossentropy")
        model.fit(*batches(), batch_size=8, epochs=2, verbose=0, callbacks=callbacks)
        return [*model.get_weights(), np.random.normal()]

    assert same(fitted([]), fitted([LossDiagnostics(tmp_path, every=2)]))


@pytest.mark.parametrize("every", ["auto", 1])
def test_a_step_whose_update_stands_in_a_branch_is_sampled_where_it_is_entered(tmp_path, every):
    def accumulated(log_dir):
        model, optimizer = mlp(seed=4), keras.optimizers.SGD(0.1)
        optimizer.build(model.trainable_variables)
        sums, count = [tf.Variable(tf.zeros_like(w)) for w in model.trainable_weights], tf.Variable(0)

        def step(x, y):
            with tf.GradientTape() as tape:
                loss = LOSS(y, model(x + tf.random.normal(tf.shape(x)), training=True))
            for total, gradient in zip(sums, tape.gradient(loss, model.trainable_weights), strict=True):
                total.assign_add(gradient)
            count.assign_add(1)
            if count % 3 == 0:
                optimizer.apply_gradients(zip(sums, model.trainable_weights, strict=True))
            return loss

        function = tf.function(step)
        monitor = TrainingMonitor(model, optimizer, log_dir, every=every) if log_dir else None
        steps(monitor.watch(function) if monitor else function)
        if monitor:
            monitor.close()
        return model.get_weights()

    assert same(accumulated(None), accumulated(tmp_path))
    records = Records(tmp_path)
    assert not records.events("recording_stopped") and len(records.column("loss")) == STEPS


class Counting(keras.layers.Layer):
    """Draws with another seed each time that it is called, which in a graph is each time that it is traced."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def call(self, x):
        self.calls += 1
        return x + tf.random.normal(tf.shape(x), seed=self.calls)


def test_a_step_that_is_seeded_anew_at_each_trace_is_not_sampled_and_says_so(tmp_path):
    def fitted(callbacks):
        keras.utils.set_random_seed(2)
        model = keras.Sequential([keras.Input((4,)), Counting(), keras.layers.Dense(3, "softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(*batches(), batch_size=8, epochs=2, verbose=0, callbacks=callbacks)
        return model.get_weights()

    with pytest.warns(RuntimeWarning, match="another seed each time"):
        recorded = fitted([LossDiagnostics(tmp_path, every=2)])
    assert same(fitted([]), recorded)
