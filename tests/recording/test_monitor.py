"""TrainingMonitor: a watched step trains as the bare one, and its records are those of the same fit."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.small_models import batches, mlp, same
from tb_lossdiag import LossDiagnostics, TrainingMonitor, schema
from tb_lossdiag.recording.cadence import BURST_STEPS
from tb_lossdiag.recording.late import TIMED_STEPS

LOSS = keras.losses.SparseCategoricalCrossentropy()
WRAPPINGS = {
    "eager": lambda step: step,
    "function": tf.function,
    "signature": tf.function(
        input_signature=[tf.TensorSpec([None, 4]), tf.TensorSpec([None], tf.int64)], reduce_retracing=True
    ),
    "XLA": tf.function(jit_compile=True),
}


def new_training():
    """(model, optimizer, its bare train step)."""
    model, optimizer = mlp(), keras.optimizers.Adam(0.01)

    def train_step(x, y):
        with tf.GradientTape() as tape:
            loss = LOSS(y, model(x, training=True))
            if tf.reduce_sum(x) > 1e9:  # for autograph to convert
                loss = 2.0 * loss
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    return model, optimizer, train_step


def run(step, steps=6):
    x, y = batches()
    for i in range(steps):
        part = slice(i % 3 * 8, i % 3 * 8 + 8)
        step(tf.constant(x[part]), tf.constant(y[part]))


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_watched_step_trains_bit_for_bit_like_the_bare_one(tmp_path, wrapping):
    model, _, step = new_training()
    run(WRAPPINGS[wrapping](step))
    watched, optimizer, step = new_training()
    with TrainingMonitor(watched, optimizer, tmp_path, every=3) as monitor:
        run(monitor.watch(WRAPPINGS[wrapping](step)))
    assert same(model.get_weights(), watched.get_weights())
    records = Records(tmp_path)
    assert records.steps(schema.LAYERS) == [1, 3, 6]
    assert records.steps(schema.STEPS) == [1, 2, 3, 4, 5, 6]


def test_a_loop_records_what_the_same_fit_records(tmp_path_factory):
    loop, fit = (tmp_path_factory.mktemp(name) for name in ("loop", "fit"))
    model, optimizer, step = new_training()
    model.compile(loss=LOSS)  # not used by the loop: it says what the predictions are
    with TrainingMonitor(model, optimizer, loop) as monitor:
        run(monitor.watch(tf.function(step)), steps=3)
    model, optimizer, _ = new_training()
    model.compile(optimizer, LOSS)
    model.fit(*batches(), batch_size=8, shuffle=False, verbose=0, callbacks=[LossDiagnostics(fit)])
    loop, fit = Records(loop), Records(fit)
    assert loop.card.rows == fit.card.rows
    only_in_a_fit = schema.STEP_COLUMNS.index("evaluation_loss")
    for tag in (schema.STEPS, schema.LAYERS, schema.DATA, schema.TARGETS):
        for (_, mine), (_, theirs) in zip(loop.of(tag), fit.of(tag), strict=True):
            if tag == schema.STEPS:
                assert np.isnan(mine[only_in_a_fit])
                mine, theirs = (np.delete(values, only_in_a_fit) for values in (mine, theirs))
            np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)
    [(step, mine)], ((_, theirs), _) = (
        loop.of(schema.HISTOGRAMS),
        fit.of(schema.HISTOGRAMS),
    )  # the loop has no last step
    np.testing.assert_array_equal((step, mine.sum()), (1, theirs.sum()))
    assert np.abs(mine - theirs).sum(axis=1).max() <= 0.25  # of eight values one may pass an edge


def test_an_eager_body_can_stand_in_a_block(tmp_path):
    model, optimizer, step = new_training()
    with TrainingMonitor(model, optimizer, tmp_path) as monitor:
        losses = []

        def in_a_block(x, y):
            with monitor.step():
                losses.append(float(step(x, y)))

        run(in_a_block, steps=3)
    assert list(Records(tmp_path).column("loss").values()) == pytest.approx(losses)


@pytest.mark.parametrize("wrapping", ["eager", "function", "XLA"])
@pytest.mark.parametrize("scaled", [False, True])
def test_a_block_between_samples_keeps_its_loss_and_its_rate(tmp_path, monkeypatch, wrapping, scaled):
    monkeypatch.setattr("tb_lossdiag.recording.applied.READ_SHARE", np.inf)  # however quick the steps are

    def trained(recorded):
        model, optimizer, _ = new_training()
        if scaled:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=32.0, dynamic_growth_steps=2)

        @WRAPPINGS[wrapping]
        def step(x, y):
            with tf.GradientTape() as tape:
                loss = LOSS(y, model(x, training=True))
                target = optimizer.scale_loss(loss)
            optimizer.apply(tape.gradient(target, model.trainable_variables), model.trainable_variables)
            return loss

        losses = []
        with TrainingMonitor(model, optimizer, tmp_path / str(recorded), every=100) as monitor:

            def in_a_block(x, y):
                if not recorded:
                    losses.append(float(step(x, y)))
                    return
                with monitor.step():
                    losses.append(float(step(x, y)))

            run(in_a_block, steps=6)
        return model, losses

    bare, _ = trained(False)
    model, losses = trained(True)
    assert same(bare.get_weights(), model.get_weights())
    records = Records(tmp_path / "True")
    assert records.steps(schema.LAYERS) == [1]
    assert list(records.column("loss").values()) == pytest.approx(losses)
    assert list(records.column("learning_rate").values()) == pytest.approx([0.01] * 6)
    assert "gradient" in vars(tf.GradientTape)


def test_a_gradient_for_inputs_is_not_taken_for_the_loss(tmp_path):
    model, optimizer, _ = new_training()
    x, y = (tf.constant(part) for part in batches(8))
    losses = []
    with TrainingMonitor(model, optimizer, tmp_path, every=100) as monitor:
        for _ in range(4):
            with monitor.step():
                with tf.GradientTape() as tape:
                    with tf.GradientTape() as inner:
                        inner.watch(x)
                        total = tf.reduce_sum(model(x, training=True)[:, 0])
                    slope = inner.gradient(total, x)
                    loss = LOSS(y, model(x, training=True)) + tf.reduce_mean(tf.square(slope))
                optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            losses.append(float(loss))
    assert list(Records(tmp_path).column("loss").values()) == pytest.approx(losses)


def test_a_dict_with_a_loss_is_returned_as_it_is_and_its_loss_is_kept(tmp_path):
    model, optimizer, step = new_training()
    with TrainingMonitor(model, optimizer, tmp_path, every=100) as monitor:
        watched = monitor.watch(tf.function(lambda x, y: {"loss": step(x, y), "more": tf.constant(1)}))
        x, y = batches(8)
        results = [watched(tf.constant(x), tf.constant(y)) for _ in range(4)]
    assert [sorted(result) for result in results] == [["loss", "more"]] * 4
    assert list(Records(tmp_path).column("loss").values()) == pytest.approx([float(r["loss"]) for r in results])


def test_a_model_without_weights_until_its_first_call_is_recorded(tmp_path):
    model, optimizer = keras.Sequential([keras.layers.Dense(3, name="out")]), keras.optimizers.SGD(0.1)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x) - tf.one_hot(y, 3)))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    with TrainingMonitor(model, optimizer, tmp_path) as monitor:
        run(monitor.watch(step), steps=2)
    records = Records(tmp_path)
    ratio = records.cell("out/kernel", "update_norm") / records.cell("out/kernel", "gradient_norm")
    assert ratio == pytest.approx(0.1, rel=1e-5)


def test_weights_changed_without_an_optimizer_still_have_their_update(tmp_path):
    model, optimizer, _ = new_training()
    with TrainingMonitor(model, optimizer, tmp_path) as monitor, monitor.step():
        model.layers[0].kernel.assign_add(tf.ones_like(model.layers[0].kernel))
    records = Records(tmp_path)
    assert records.cell("hidden/kernel", "update_norm") == pytest.approx(32**0.5)
    assert np.isnan(records.cell("hidden/kernel", "gradient_norm")).all()
    assert records.events("no_gradient") == []


def test_a_users_own_mistake_surfaces_and_leaves_no_hooks(tmp_path):
    model, optimizer, _ = new_training()
    with TrainingMonitor(model, optimizer, tmp_path) as monitor:
        with pytest.raises(KeyError, match="the user's own"), monitor.step():
            raise KeyError("the user's own")
        assert "call" not in vars(model)


def test_a_closed_monitor_runs_the_bare_step(tmp_path):
    model, optimizer, step = new_training()
    monitor = TrainingMonitor(model, optimizer, tmp_path)
    watched = monitor.watch(step)
    monitor.close()
    run(watched, steps=1)
    with monitor.step():
        run(step, steps=1)
    assert Records(tmp_path).values == []


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"model": "model"}, TypeError, "model='model': expected a keras.Model"),
        ({"optimizer": "adam"}, TypeError, "optimizer='adam': expected a Keras optimizer"),
        ({"log_dir": 3}, TypeError, "log_dir=3"),
        ({"every": -1}, ValueError, "every=-1"),
    ],
)
def test_wrong_arguments_are_refused_at_construction(change, error, message):
    right = {"model": mlp(), "optimizer": keras.optimizers.SGD(), "log_dir": "x", "every": 5}
    with pytest.raises(error, match=message):
        TrainingMonitor(**{**right, **change})


class OnADevice:
    """A loss as TensorFlow returns it from a GPU, which these tests have none of. read: how often its value was."""

    device, ndim, shape, read = "/job:localhost/replica:0/task:0/device:GPU:0", 0, (), 0

    def __init__(self, value):
        self.value = float(value)

    def __float__(self):
        self.read += 1
        return self.value


@pytest.mark.parametrize(("every", "waited_for"), [(100, 0), ("auto", TIMED_STEPS)])
def test_a_step_is_not_waited_for_that_a_device_still_computes(tmp_path, monkeypatch, every, waited_for):
    monkeypatch.setattr("tb_lossdiag.recording.recorder.HELD_SECONDS", np.inf)  # they are read once a second else
    monkeypatch.setattr("tb_lossdiag.recording.cadence.MIN_INTERVAL", 1000)  # nor is one sampled that seems cheap
    model, optimizer, step = new_training()
    losses, watched_steps = [], BURST_STEPS + TIMED_STEPS + 11

    def returning(x, y):
        losses.append(OnADevice(step(x, y)))
        return losses[-1]

    with TrainingMonitor(model, optimizer, tmp_path, every=every) as monitor:
        watched = monitor.watch(returning)
        x, y = (tf.constant(part) for part in batches(8))
        read = []
        for _ in range(watched_steps):
            watched(x, y)
            read.append(losses[-1].read > 0)
    sampled = BURST_STEPS if every == "auto" else 1
    assert read == [True] * (sampled + waited_for) + [False] * (watched_steps - sampled - waited_for)
    recorded = list(Records(tmp_path).column("loss").values())
    assert recorded == pytest.approx([loss.value for loss in losses])


def test_the_second_of_two_inputs_is_no_target(tmp_path):
    first, second = keras.Input((4,)), keras.Input((3,))
    model = keras.Model([first, second], keras.layers.Dense(1)(keras.layers.Concatenate()([first, second])))
    optimizer = keras.optimizers.SGD(0.1)
    monitor = TrainingMonitor(model, optimizer, tmp_path)

    @monitor.watch
    @tf.function
    def train_step(x, z, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model([x, z]) - y) ** 2)
        optimizer.apply_gradients(
            zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables, strict=True)
        )
        return loss

    with monitor:
        train_step(tf.ones((8, 4)), tf.ones((8, 3)), tf.ones((8, 1)))
    assert {row.kind for row in Records(tmp_path).card.data_rows} == {"input", "prediction"}
