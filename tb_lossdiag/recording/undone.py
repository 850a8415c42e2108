"""How is a step looked into without being taken? It runs, and all variables get back the values they had before.

What XLA compiles is fused as the results ask for it: a step that also returns what happened inside rounds in other
places than the user's own. So the observed step is undone, and the user's own compiled step is the one that is taken.
"""

from typing import Any

import tensorflow as tf

from tb_lossdiag.recording.apart import apart
from tb_lossdiag.recording.tensorflow_private import variable_type

Values = list[tuple[tf.Tensor, tf.Tensor]]  # handle and value of each variable


def values_before(function: Any) -> Values:
    """Of all variables that a concrete function uses, which is to be called next.

    Nothing is copied: what a variable holds stays alive beside what the function writes.
    """
    handles = [tensor for tensor in function.captured_inputs if tensor.dtype == tf.resource]
    with apart():  # by their names a failure of these is known for ours
        return [(handle, tf.raw_ops.ReadVariableOp(resource=handle, dtype=variable_type(handle))) for handle in handles]


def put_back(values: Values) -> None:
    with apart():
        for handle, value in values:
            tf.raw_ops.AssignVariableOp(resource=handle, value=value)
