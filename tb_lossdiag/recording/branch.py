"""How does a step leave out what it need not compute, and at what price? By a branch that is a function of its own.

`tf.cond` spreads both branches over the graph of the step: what is in them is optimised at the first call, and each
tensor that they read passes through a switch at every call. A function is prepared when it is first entered.
"""

from collections.abc import Callable

import tensorflow as tf

from tb_lossdiag.recording.tensorflow_private import fast_branch


def branch(condition: tf.Tensor, then: Callable[[], tf.Tensor], otherwise: Callable[[], tf.Tensor]) -> tf.Tensor:
    """The tensor of the one function or of the other; not to be differentiated."""
    if tf.executing_eagerly():
        return then() if condition else otherwise()
    return fast_branch(condition, then, otherwise)
