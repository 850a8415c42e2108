"""How does the host tell a traced step to do more this time? By a variable that the step reads."""

import tensorflow as tf

from tb_lossdiag.recording.tensorflow_private import bare_variable


class Switch:
    """Off until it is set; to be set before the step is called."""

    def __init__(self) -> None:
        self._on = False
        self._variable: tf.Variable | None = None

    def set(self, on: bool) -> None:
        if on != self._on and self._variable is not None:
            self._variable.assign(float(on))
        self._on = on

    def is_on(self) -> tf.Tensor:
        """bool, read in the current graph."""
        if self._variable is None:
            with tf.init_scope():
                self._variable = bare_variable(tf.TensorShape([]), tf.float32)
                self._variable.assign(float(self._on))
        return self._variable.read_value() > 0.5
