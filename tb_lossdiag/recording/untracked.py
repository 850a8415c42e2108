"""How does a traced step read or write a variable of ours, without the model or the trace taking it for its own?"""

import tensorflow as tf


def untracked(shape: tf.TensorShape, dtype: tf.DType) -> tf.Variable:
    """A variable that no model knows. Made directly, it does not pass through the tf.function being traced, which would
    refuse it or lift it out.
    """
    from tensorflow.python.ops.resource_variable_ops import ResourceVariable

    return ResourceVariable(tf.zeros([size or 0 for size in shape], dtype), shape=shape, trainable=False)
