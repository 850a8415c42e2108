"""A pass that does more than compute is not taken, and nothing of one that is taken stays with the training."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.small_models import batches, same
from tb_lossdiag import LossDiagnostics

LAYERS = keras.layers


class Traced(LAYERS.Layer):
    """Computes in a tf.function, which keeps its traces."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones")

    @tf.function
    def call(self, x, training=None):
        return (2.0 if training else 1.0) * x * self.scale


class Telling(LAYERS.Layer):
    """Prints whenever it runs."""

    def call(self, x, training=None):
        tf.print("it ran")
        return 2.0 * x if training else x


class Asking(LAYERS.Layer):
    """Has a part that is computed by numpy."""

    def call(self, x, training=None):
        doubled = tf.numpy_function(lambda x: 2.0 * x, [x], tf.float32, stateful=False)
        return x + 0.0 * tf.stop_gradient(tf.ensure_shape(doubled, x.shape))


class Refusing(LAYERS.Layer):
    """Fails in a mode that the training never asks for."""

    def call(self, x, training=None):
        if not training:
            raise ValueError("not now")
        return x


def trained(make, callbacks):
    keras.utils.set_random_seed(0)
    layers = [LAYERS.Input((4,)), LAYERS.Dense(6), make(), LAYERS.Dense(3, "softmax")]
    model = keras.Sequential(layers) if make is not Refusing else Through(layers[1:])
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    model.fit(*batches(), batch_size=8, shuffle=False, verbose=0, callbacks=callbacks)
    return model


class Through(keras.Model):
    """Its layers one after the other, without a trial of what they do."""

    def __init__(self, layers):
        super().__init__()
        self.parts = layers

    def build(self, shape):
        self.built = True

    def call(self, x, training=None):
        for part in self.parts:
            x = part(x, training=training) if isinstance(part, Refusing) else part(x)
        return x


@pytest.mark.parametrize("make", [Traced, Telling, Asking, Refusing])
def test_a_pass_that_would_be_noticed_is_not_taken_and_all_else_is_recorded(tmp_path, make, capfd):
    bare = trained(make, [])
    printed = capfd.readouterr().err.count("it ran")
    model = trained(make, [LossDiagnostics(tmp_path, every=1)])
    assert capfd.readouterr().err.count("it ran") == printed
    assert same(bare.get_weights(), model.get_weights())
    records = Records(tmp_path)
    assert records.events("recording_stopped") == []
    assert np.isfinite(list(records.column("gradient_norm").values())).all()
    assert np.isnan(list(records.column("evaluation_loss").values())).all()


def test_a_model_can_be_evaluated_after_its_tf_functions_were_left_alone(tmp_path):
    bare, model = trained(Traced, []), trained(Traced, [LossDiagnostics(tmp_path)])
    assert bare.evaluate(*batches(), batch_size=8, verbose=0) == model.evaluate(*batches(), batch_size=8, verbose=0)
