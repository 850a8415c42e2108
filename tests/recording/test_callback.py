"""LossDiagnostics: a fit with it is, bit for bit, the fit without it; what fails in it leaves the training alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.small_models import LAYERS, batches, mlp, same
from tb_lossdiag import LossDiagnostics, schema


def fit(callbacks, optimizer="sgd", epochs=2, batch_size=8, loss="sparse_categorical_crossentropy", **compiled):
    """(weights, history) of the small model after a fit."""
    model = mlp()
    model.compile(optimizer() if callable(optimizer) else optimizer, loss, **compiled)
    x, y = batches()
    history = model.fit(x, y, epochs=epochs, batch_size=batch_size, verbose=0, callbacks=callbacks).history
    return [*model.get_weights(), *(np.array(variable) for variable in model.optimizer.variables)], history


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.1, clipnorm=0.5, use_ema=True)},
        {"optimizer": "adam", "steps_per_execution": 2},
    ],
    ids=["clip, decay, ema", "two steps a call"],
)
def test_several_settings_at_once_leave_the_same_weights_state_and_history(tmp_path, settings):
    weights, history = fit([], **settings)
    recorded, recorded_history = fit([LossDiagnostics(tmp_path, every=2)], **settings)
    assert same(weights, recorded)
    assert history == recorded_history
    assert Records(tmp_path).steps(schema.LAYERS)[-1] == 6


def test_mixed_precision_gives_the_same_weights_and_records_unscaled_gradients(tmp_path):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        weights, _ = fit([], "sgd")
        recorded, _ = fit([LossDiagnostics(tmp_path, every=1)], "sgd")
    finally:
        keras.config.set_dtype_policy("float32")
    assert same(weights, recorded)
    records = Records(tmp_path)
    assert records.card.optimizer["name"] == "SGD"
    assert records.card.optimizer["loss_scale"] is True
    updates, gradients = (np.array(list(records.column(name).values())) for name in ("update_norm", "gradient_norm"))
    assert (updates > 0).sum() > 1  # the first steps are skipped until the scale fits
    assert updates[updates > 0] == pytest.approx(0.01 * gradients[updates > 0], rel=1e-3)  # plain SGD on true gradients
    assert max(records.column("loss").values()) < 10


@pytest.mark.parametrize("compiled", [False, True], ids=["graph", "XLA"])
def test_the_unchanged_share_is_that_of_weights_that_stayed_the_same_in_bfloat16(tmp_path, compiled):
    kernels = []

    def train(callbacks):
        keras.utils.set_random_seed(0)
        net = keras.Sequential([LAYERS.Input((4,)), LAYERS.Dense(8, "tanh", name="h"), LAYERS.Dense(1)])
        net.compile(keras.optimizers.SGD(0.03), "mse", jit_compile=compiled)
        keep = keras.callbacks.LambdaCallback(
            on_train_begin=lambda logs: kernels.append([np.array(net.layers[0].kernel)]),
            on_train_batch_end=lambda batch, logs: kernels[-1].append(np.array(net.layers[0].kernel)),
        )
        x, y = batches()
        net.fit(x, y.astype(np.float32), batch_size=8, epochs=2, verbose=0, callbacks=[keep, *callbacks])

    keras.config.set_dtype_policy("bfloat16")
    try:
        train([])
        train([LossDiagnostics(tmp_path, every=1)])
    finally:
        keras.config.set_dtype_policy("float32")
    assert same(*kernels)
    records = Records(tmp_path)
    assert records.cell("h/kernel", "gradient_zero_share").tolist() == [0.0] * 6
    expected = [np.mean(before == after) for before, after in zip(kernels[0], kernels[0][1:], strict=False)]
    assert records.cell("h/kernel", "unchanged_share") == pytest.approx(expected, abs=1e-6)
    assert 0.0 < min(expected) < max(expected) < 1.0
    assert records.card.settings["variable_dtype"] == "bfloat16"


def test_a_step_that_loss_scaling_skips_updates_nothing(tmp_path):
    model = mlp()
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1)), "sparse_categorical_crossentropy")
    x, y = batches()
    x[0, 0] = np.nan
    model.fit(x, y, batch_size=24, verbose=0, callbacks=[LossDiagnostics(tmp_path)])
    records = Records(tmp_path)
    assert records.column("update_norm")[1] == 0.0
    assert records.column("gradient_nonfinite")[1] > 0
    assert np.isnan(records.cell("hidden/kernel", "unchanged_share")).all()
    assert records.column("loss_scale")[1] == 2.0**15


def test_plain_steps_keep_the_loss_of_their_own_batch(tmp_path_factory):
    every, few = (tmp_path_factory.mktemp(name) for name in ("every", "few"))
    fit([LossDiagnostics(every, every=1)], epochs=3, batch_size=4)
    fit([LossDiagnostics(few, every=100)], epochs=3, batch_size=4)
    truth, recovered = Records(every).column("loss"), Records(few).column("loss")
    assert Records(few).steps(schema.LAYERS) == [1, 18]
    assert set(recovered) == set(range(1, 19)) - {6, 12}  # an epoch's last batch may be smaller
    assert [recovered[step] for step in recovered] == pytest.approx([truth[step] for step in recovered], rel=1e-4)


def test_epochs_carry_keras_own_metrics_at_their_last_step(tmp_path):
    _, history = fit([LossDiagnostics(tmp_path)], metrics=["accuracy"])
    records = Records(tmp_path)
    assert records.steps(schema.EPOCHS) == [3, 6]
    assert [epoch["accuracy"] for _, epoch in records.of(schema.EPOCHS)] == history["accuracy"]


def test_the_models_own_train_function_is_back_after_fit(tmp_path):
    model = mlp()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.make_train_function()
    plain = model.train_function
    model.fit(*batches(), verbose=0, callbacks=[LossDiagnostics(tmp_path)])
    assert model.train_function is plain
    assert not {"train_step", "compute_loss", "call"} & set(vars(model))
    assert all("call" not in vars(layer) for layer in model.layers)


@pytest.mark.parametrize("same_callback", [True, False])
def test_a_second_fit_goes_on_with_the_steps_and_the_file_of_the_first(tmp_path, same_callback):
    model = mlp()
    model.compile("sgd", "sparse_categorical_crossentropy")
    callbacks = [LossDiagnostics(tmp_path)] * 2 if same_callback else [LossDiagnostics(tmp_path) for _ in range(2)]
    for callback in callbacks:
        model.fit(*batches(), batch_size=8, verbose=0, callbacks=[callback])
    records = Records(tmp_path)
    assert records.steps(schema.STEPS) == records.steps(schema.LAYERS) == [1, 2, 3, 4, 5, 6]
    assert len(records.files) == 1 and records.events("restart") == []


def test_a_fit_after_another_compilation_says_that_it_begins_anew(tmp_path):
    model, callback = mlp(), LossDiagnostics(tmp_path)
    for _ in range(2):
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(*batches(), batch_size=8, verbose=0, callbacks=[callback])
    records = Records(tmp_path)
    assert records.steps(schema.STEPS) == [1, 2, 3, 4, 5, 6]
    assert [event["step"] for event in records.events("restart")] == [4]


def test_a_learning_rate_set_by_a_callback_is_an_event_and_a_schedule_is_not(tmp_path_factory):
    by_hand, scheduled = (tmp_path_factory.mktemp(name) for name in ("by_hand", "scheduled"))
    lower = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate if epoch == 0 else 0.5 * rate)
    fit([LossDiagnostics(by_hand), lower], lambda: keras.optimizers.SGD(0.5))
    [event] = Records(by_hand).events("learning_rate")
    assert (event["step"], event["from"], event["to"]) == (4, 0.5, 0.25)
    assert list(Records(by_hand).column("learning_rate").values()) == [0.5] * 3 + [0.25] * 3
    decay = keras.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)
    fit([LossDiagnostics(scheduled)], lambda: keras.optimizers.SGD(decay))
    assert Records(scheduled).events("learning_rate") == []
    assert list(Records(scheduled).column("learning_rate").values()) == [0.5**n for n in range(1, 7)]


def test_the_end_of_the_log_tells_what_recording_cost(tmp_path):
    fit([LossDiagnostics(tmp_path, every=5)], epochs=10)
    [cost] = Records(tmp_path).events("cost")
    assert (cost["step"], cost["samples"]) == (30, 7)
    assert 0 <= cost["share"] < 100


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_a_dataset_of_unknown_length_is_recorded(tmp_path):
    x, y = batches()
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(8).filter(lambda x, y: True)
    model = mlp()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(data, epochs=2, shuffle=False, verbose=0, callbacks=[LossDiagnostics(tmp_path)])
    assert Records(tmp_path).steps(schema.LAYERS) == [1, 2, 3, 4, 5, 6]


def test_an_unwritable_directory_is_one_warning_and_the_training_goes_on(tmp_path):
    (tmp_path / "file").write_text("in the way")
    weights, _ = fit([])
    with pytest.warns(RuntimeWarning, match="the training goes on") as warned:
        recorded, _ = fit([LossDiagnostics(tmp_path / "file" / "log")])
    assert len([warning for warning in warned if "tb_lossdiag" in str(warning.message)]) == 1
    assert same(weights, recorded)


class Odd(LAYERS.Layer):
    """A layer that returns its input and something that is no tensor."""

    def call(self, x):
        return x, object()


def test_a_layer_with_an_odd_output_is_recorded_around(tmp_path):
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.odd, self.out = Odd(), LAYERS.Dense(3, activation="softmax")

        def call(self, x):
            return self.out(self.odd(x)[0])

    model = Model()
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    model.fit(*batches(), verbose=0, callbacks=[LossDiagnostics(tmp_path)])
    assert Records(tmp_path).steps(schema.LAYERS) == [1]


def test_a_failure_of_ours_is_one_warning_one_event_and_no_difference(tmp_path, monkeypatch):
    def broken(*_):
        raise ArithmeticError("a mistake in a kernel")

    weights, _ = fit([])
    monkeypatch.setattr("tb_lossdiag.recording.packing.output_statistics", broken)
    with pytest.warns(RuntimeWarning, match="stopped recording.*a mistake in a kernel") as warned:
        recorded, _ = fit([LossDiagnostics(tmp_path)])
    assert len([warning for warning in warned if "tb_lossdiag" in str(warning.message)]) == 1
    assert same(weights, recorded)
    [event] = Records(tmp_path).events("recording_stopped")
    assert "a mistake in a kernel" in event["reason"]


def test_a_users_own_mistake_surfaces_and_the_next_fit_is_untouched(tmp_path):
    class Broken(keras.Model):
        healthy = False

        def __init__(self):
            super().__init__()
            self.out = LAYERS.Dense(3, activation="softmax")

        def train_step(self, data):
            if not self.healthy:
                raise KeyError("the user's own")
            return super().train_step(data)

        def call(self, x):
            return self.out(x)

    model = Broken()
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    with pytest.raises(KeyError, match="the user's own"):
        model.fit(*batches(), verbose=0, callbacks=[LossDiagnostics(tmp_path)])
    assert not {"call", "compute_loss", "train_step"} & set(vars(model))
    model.healthy = True
    model.fit(*batches(), verbose=0)
    assert Records(tmp_path).steps(schema.LAYERS) == []


def test_a_custom_train_step_is_recorded(tmp_path):
    class Custom(keras.Model):
        def __init__(self):
            super().__init__()
            self.out = LAYERS.Dense(3)

        def call(self, x):
            return self.out(x)

        def train_step(self, data):
            x, y = data
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(self(x, training=True) - tf.one_hot(y, 3)))
            self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            return {"loss": loss}

    model = Custom()
    model.compile("sgd")
    logged = []
    keep = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: logged.append(logs["loss"]))
    model.fit(*batches(), batch_size=8, epochs=10, verbose=0, callbacks=[LossDiagnostics(tmp_path), keep])
    records = Records(tmp_path)
    losses = records.column("loss")
    assert len(losses) > 20
    assert list(losses.values()) == pytest.approx([logged[step - 1] for step in losses])
    assert records.cell(records.card.rows[0].name, "gradient_norm").min() > 0
    assert [row.kind for row in records.card.data_rows] == ["input", "target", "prediction"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"log_dir": None}, TypeError, "log_dir=None: expected the path of a directory"),
        ({"log_dir": ""}, ValueError, "log_dir=''"),
        ({"log_dir": "x", "every": 0}, ValueError, 'every=0: expected "auto" or a positive int'),
        ({"log_dir": "x", "every": "often"}, ValueError, "every='often'"),
        ({"log_dir": "x", "every": 1.5}, TypeError, "every=1.5"),
    ],
)
def test_wrong_arguments_are_refused_at_construction(arguments, error, message):
    with pytest.raises(error, match=message):
        LossDiagnostics(**arguments)
