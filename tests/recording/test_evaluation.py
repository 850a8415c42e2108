"""The loss in evaluation mode is what the model itself says at the weights before the step; it changes nothing."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.small_models import batches, mlp, same
from tb_lossdiag import LossDiagnostics

LAYERS = keras.layers


class Before(keras.callbacks.Callback):
    """Keeps all weights before each step."""

    def __init__(self):
        super().__init__()
        self.weights = []

    def on_train_batch_begin(self, batch, logs=None):
        self.weights.append(self.model.get_weights())


class Whims(LAYERS.Layer):
    """A layer of the user's own that is another one in training."""

    def call(self, x, training=None):
        return 2.0 * x if training else x


class Counting(Whims):
    """Counts its calls in a variable that Keras does not know."""

    def __init__(self):
        super().__init__()
        self.calls = tf.Variable(0.0, trainable=False)

    def call(self, x, training=None):
        self.calls.assign_add(1.0)
        return super().call(x, training)


def with_layer(make):
    def build():
        keras.utils.set_random_seed(0)
        return keras.Sequential(
            [
                LAYERS.Input((4,)),
                LAYERS.Dense(6, kernel_regularizer="l2", activity_regularizer="l1"),
                make(),
                LAYERS.Dense(3, "softmax"),
            ]
        )

    return build


def trained(build, callbacks, fit=None, **options):
    model, before = build(), Before()
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", **options)
    fitted = {"batch_size": 8, "epochs": 4, "shuffle": False, "verbose": 0, **(fit or {})}
    model.fit(*batches(), **fitted, callbacks=[before, *callbacks])
    return model, before.weights


MODELS = {"dropout and batch norm": mlp, "a layer of the users own": with_layer(Whims)}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("options", [{"jit_compile": False}, {"jit_compile": True}, {"metrics": ["accuracy"]}], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_what_an_evaluation_of_the_same_batch_gives(tmp_path, name, options, weighted):
    fit = {"sample_weight": np.linspace(0.5, 2.0, 24)} if weighted else {}
    bare, _ = trained(MODELS[name], [], fit, **options)
    model, weights = trained(MODELS[name], [LossDiagnostics(tmp_path, every=1)], fit, **options)
    assert same(bare.get_weights(), model.get_weights())
    assert same([v.numpy() for v in bare.optimizer.variables], [v.numpy() for v in model.optimizer.variables])
    records = Records(tmp_path)
    assert records.events("recording_stopped") == []
    found = {step: loss for step, loss in records.column("evaluation_loss").items() if np.isfinite(loss)}
    assert sorted(found) == [1, 11, 12]
    x, y = batches()
    for step, loss in found.items():
        part = slice((step - 1) % 3 * 8, (step - 1) % 3 * 8 + 8)
        model.set_weights(weights[step - 1])
        own = fit["sample_weight"][part] if weighted else None
        expected = model.compute_loss(x[part], y[part], model(x[part], training=False), own, training=False)
        assert loss == pytest.approx(float(expected), rel=1e-4)


def test_where_nothing_differs_in_training_there_is_none(tmp_path):
    trained(with_layer(lambda: LAYERS.Dense(3)), [LossDiagnostics(tmp_path)])
    assert np.isnan(list(Records(tmp_path).column("evaluation_loss").values())).all()


def test_a_pass_that_would_change_a_variable_is_not_taken(tmp_path):
    built = []

    def build():
        model = with_layer(Counting)()
        built.append(model)
        return model

    trained(build, [])
    trained(build, [LossDiagnostics(tmp_path, every=1)])
    records = Records(tmp_path)
    assert records.events("recording_stopped") == []
    assert np.isnan(list(records.column("evaluation_loss").values())).all()
    assert float(built[0].layers[1].calls) == float(built[1].layers[1].calls)
