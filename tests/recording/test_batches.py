"""Layers whose outputs may stand side by side."""

import keras
import tensorflow as tf

from tb_lossdiag.recording.batches import batches_of
from tb_lossdiag.recording.rows import LayerCall


def chain(*layers, x=None):
    """Calls each layer on the output of the one before; the calls and the layers by path."""
    calls, x = [], tf.zeros([4, 6]) if x is None else x
    for layer in layers:
        y = layer(x)
        calls.append(LayerCall(layer.name, (x,), (y,), y))
        x = y
    return batches_of(calls, {layer.name: layer for layer in layers})


def test_kerass_own_layers_keep_the_batch():
    assert len(set(chain(keras.layers.Dense(3), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5)))) == 1


def test_what_another_layer_does_to_the_batch_is_not_known():
    class Halved(keras.layers.Layer):
        def call(self, x):
            return x[::2]

    before, halved, after = chain(keras.layers.Dense(3), Halved(), keras.layers.Dense(2))
    assert before != halved
    assert halved == after


def test_a_wrapper_folds_time_into_the_batch_of_the_layer_inside():
    inner = keras.layers.Dense(3)
    x, folded = tf.zeros([4, 5, 6]), tf.zeros([20, 6])
    outer = keras.layers.TimeDistributed(inner)
    calls = [LayerCall("inner", (folded,), (a := inner(folded),), a), LayerCall("outer", (x,), (b := outer(x),), b)]
    assert len(set(batches_of(calls, {"inner": inner, "outer": outer}))) == 2


def test_inputs_of_batches_not_known_to_be_alike_leave_it_open():
    a, b = tf.zeros([4, 3]), tf.ones([4, 3])
    layers = {name: keras.layers.Dense(2, name=name) for name in "ab"} | {"add": keras.layers.Add(name="add")}
    calls = [
        LayerCall("a", (a,), (p := layers["a"](a),), p),
        LayerCall("b", (b,), (q := layers["b"](b),), q),
        LayerCall("add", (p, q), (y := layers["add"]([p, q]),), y),
    ]
    assert len(set(batches_of(calls, layers))) == 3
