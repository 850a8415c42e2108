"""Plain steps run the model's very own function, and a call from elsewhere is never sampled."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.small_models import batches, mlp, same
from tb_lossdiag import LossDiagnostics, schema
from tb_lossdiag.recording.train_function import TrainFunction


def compiled(**settings):
    model = mlp()
    model.compile("sgd", "sparse_categorical_crossentropy", **settings)
    return model


def test_plain_steps_call_the_models_own_function(tmp_path):
    model = compiled()
    model.make_train_function()
    own, calls = model.train_function, []

    def counted(iterator):
        calls.append(1)
        return own(iterator)

    model.train_function = counted
    model.fit(*batches(), epochs=3, batch_size=8, verbose=0, callbacks=[LossDiagnostics(tmp_path, every=100)])
    assert len(calls) == 9 - len(Records(tmp_path).steps(schema.LAYERS)) == 7


def test_a_fit_after_one_that_failed_is_not_recorded(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    model = compiled()
    with pytest.raises(KeyboardInterrupt):
        model.fit(*batches(), batch_size=8, verbose=0, callbacks=[LossDiagnostics(tmp_path), Stop()])
    model.fit(*batches(), batch_size=8, verbose=0)
    assert Records(tmp_path).steps(schema.LAYERS) == [1]
    model.fit(*batches(), batch_size=8, verbose=0, callbacks=[LossDiagnostics(tmp_path)])
    assert not isinstance(model.train_function, TrainFunction)


def test_train_on_batch_inside_a_callback_is_not_taken_for_a_step(tmp_path):
    class Extra(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.train_on_batch(np.zeros((8, 4), np.float32), np.zeros(8))

    compiled().fit(*batches(), batch_size=8, verbose=0, callbacks=[LossDiagnostics(tmp_path), Extra()])
    assert Records(tmp_path).steps(schema.LAYERS) == [1, 2, 3]


@pytest.mark.parametrize(("every", "sampled"), [("auto", [1, 3, 4, 6]), (3, [1, 3, 6]), (100, [1, 6])])
def test_of_several_steps_a_call_the_first_is_sampled(tmp_path, every, sampled):
    compiled(steps_per_execution=2).fit(
        *batches(), batch_size=8, verbose=0, epochs=2, callbacks=[LossDiagnostics(tmp_path, every=every)]
    )
    assert Records(tmp_path).steps(schema.LAYERS) == sampled


@pytest.mark.parametrize("width", [1, 3])
def test_a_keras_that_runs_its_own_step_in_the_twins_place_ends_the_recording_only(tmp_path, monkeypatch, width):
    def train(callbacks):
        model = compiled(steps_per_execution=width)
        history = model.fit(*batches(), batch_size=8, epochs=2, verbose=0, callbacks=callbacks).history
        return model.get_weights(), history

    weights, history = train([])
    monkeypatch.setattr("tb_lossdiag.recording.twin.patched", lambda *_: lambda: None)
    with pytest.warns(RuntimeWarning, match="takes a train_step in another way") as told:
        recorded, recorded_history = train([LossDiagnostics(tmp_path)])
    assert sum("tb_lossdiag" in str(warning.message) for warning in told) == 1
    assert same(weights, recorded)
    assert history == recorded_history


def test_data_that_run_out_within_a_call_take_no_step(tmp_path):
    x, y = batches()

    def train(callbacks):
        data = tf.data.Dataset.from_tensor_slices((x, y)).batch(8).filter(lambda x, y: True)
        model = compiled(steps_per_execution=2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras warns of data that ran out, with and without us
            model.fit(data, epochs=2, verbose=0, callbacks=callbacks)
        return [*model.get_weights(), np.array(model.optimizer.iterations)]

    assert same(train([]), train([LossDiagnostics(tmp_path, every=1)]))
    assert Records(tmp_path).steps(schema.LAYERS) == [1, 3, 4, 6]


def test_a_twin_that_cannot_be_made_for_a_step_that_draws_leaves_the_step_to_the_model(tmp_path, monkeypatch):
    class Noise(keras.layers.Layer):
        def call(self, x):
            return x + tf.random.normal(tf.shape(x), seed=3)

    def train(callbacks):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([Noise(), *mlp().layers])
        model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
        model.fit(*batches(), batch_size=8, verbose=0, callbacks=callbacks)
        return model.get_weights()

    def refuse(*_):
        raise RuntimeError("no twin")

    weights = train([])
    monkeypatch.setattr("tb_lossdiag.recording.train_function.twin_train_function", refuse)
    with pytest.warns(RuntimeWarning, match="stopped recording, the training goes on: RuntimeError: no twin") as told:
        recorded = train([LossDiagnostics(tmp_path)])
    assert sum("tb_lossdiag" in str(warning.message) for warning in told) == 1
    assert same(weights, recorded)
