"""Apart: what is read is a copy, so the graph optimiser treats the training's arithmetic as if nobody read it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.small_models import LAYERS, same
from tb_lossdiag import LossDiagnostics
from tb_lossdiag.recording.apart import SCOPE, Copies, apart


def residual():
    """Chains of element-wise ops across layers: batch norm, additions, an activation of its own, a rescaled input."""
    x = keras.Input((6, 6, 3))
    h = LAYERS.Rescaling(2.0, offset=-1.0)(x)
    h = LAYERS.Conv2D(4, 3, padding="same", use_bias=False)(h)
    for _ in range(2):
        branch = LAYERS.BatchNormalization()(LAYERS.Conv2D(4, 3, padding="same")(h))
        h = LAYERS.Activation("relu")(LAYERS.Add()([branch, h]))
    h = LAYERS.Activation("sigmoid")(LAYERS.Dense(5)(LAYERS.Activation("gelu")(LAYERS.Dense(4)(h))))
    h = LAYERS.Multiply()([h, LAYERS.Activation("sigmoid")(LAYERS.LayerNormalization()(h))])
    h = LAYERS.Dropout(0.3)(LAYERS.GlobalAveragePooling2D()(h))
    return keras.Model(x, LAYERS.Activation("softmax")(LAYERS.Dense(3, kernel_regularizer="l2")(h)))


def trained(optimizer, callbacks):
    keras.utils.set_random_seed(0)
    model = residual()
    model.compile(optimizer(), "sparse_categorical_crossentropy")
    rng = np.random.default_rng(0)
    history = model.fit(
        rng.normal(size=(24, 6, 6, 3)), rng.integers(0, 3, 24), epochs=2, batch_size=8, verbose=0, callbacks=callbacks
    ).history
    return model.get_weights(), history


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: keras.optimizers.SGD(0.1),
        lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        lambda: keras.optimizers.RMSprop(0.01, global_clipnorm=0.1),
    ],
    ids=["sgd", "momentum", "clipped"],
)
def test_a_network_full_of_chains_trains_to_the_same_bits(tmp_path, optimizer):
    weights, history = trained(optimizer, [])
    recorded, recorded_history = trained(optimizer, [LossDiagnostics(tmp_path, every=1)])
    assert same(weights, recorded)
    assert history == recorded_history


def test_a_chain_is_copied_down_to_what_is_never_regrouped():
    with tf.Graph().as_default() as graph:
        x = tf.nn.relu(tf.zeros([3]))
        end = (x * 2.0 + 1.0) * 3.0
        before = len(graph.get_operations())
        with apart():
            copies = Copies()
            copy, again = copies.of(end), copies.of(end)
        assert copy is again
        assert copy is not end
        assert [op.type for op in graph.get_operations()[before:]] == ["Mul", "AddV2", "Mul"]
        assert all(op.name.startswith(SCOPE) for op in graph.get_operations()[before:])
        with apart():
            assert copies.of(x) is x


def test_a_copy_has_the_value_and_the_shape_of_its_original():
    @tf.function
    def pair(x):
        end = tf.reshape(x * 2.0 - 1.0, [-1])
        with apart():
            copy = Copies().of(end)
        assert copy.shape == end.shape
        return end, copy

    end, copy = pair(tf.constant([[1.0, 2.0]]))
    assert copy.numpy().tolist() == end.numpy().tolist() == [1.0, 3.0]


def test_eager_tensors_need_no_copy():
    x = tf.constant(1.0) * 2.0
    with apart():
        assert Copies().of(x) is x


class MatmulAndBias(LAYERS.Layer):
    """What Dense is, written by hand, and in Keras before 3.4."""

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 8), name="kernel")
        self.bias = self.add_weight(shape=(8,), name="bias")

    def call(self, x):
        return tf.matmul(x, self.kernel) + self.bias


@pytest.mark.parametrize("kind", [lambda: LAYERS.Dense(8), MatmulAndBias], ids=["Dense", "matmul and bias"])
@pytest.mark.parametrize("activation", ["sigmoid", "relu", "tanh", "elu", "gelu", "swish"])
def test_an_activation_in_a_layer_of_its_own_stays_fused_with_the_layer_before(tmp_path, activation, kind):
    def fit(callbacks):
        keras.utils.set_random_seed(1)
        dense = [layer for _ in range(2) for layer in (kind(), LAYERS.Activation(activation))]
        model = keras.Sequential([LAYERS.Input((8,)), *dense, LAYERS.Dense(1)])
        model.compile(keras.optimizers.SGD(0.1), "mse")
        x = np.random.default_rng(0).normal(size=(96, 8)).astype(np.float32)
        model.fit(x, x[:, :1], epochs=5, batch_size=24, verbose=0, callbacks=callbacks)
        return model.get_weights()

    assert same(fit([]), fit([LossDiagnostics(tmp_path, every=1)]))
