"""The ways a kernel runs: eager, in a graph with an unknown batch size, and under XLA."""

import pytest
import tensorflow as tf

RUNNERS = {
    "eager": lambda function, x: function(tf.constant(x)),
    "unknown batch": lambda function, x: tf.function(
        function, input_signature=[tf.TensorSpec([None, *x.shape[1:]], x.dtype)]
    )(x),
    "XLA": lambda function, x: tf.function(function, jit_compile=True)(x),
}


def close(value, expected):
    return value == pytest.approx(expected, rel=2e-6, abs=1e-7, nan_ok=True)
