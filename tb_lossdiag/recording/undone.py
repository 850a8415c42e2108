"""How is a step looked into without being taken? It runs, and all variables get back the values they had before.

What XLA compiles is fused as the results ask for it: a step that also returns what happened inside rounds in other
places than the user's own. So the observed step is undone, and the user's own compiled step is the one that is taken.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from tb_lossdiag.recording.tensorflow_private import variable_type


@contextmanager
def undone(function: Any) -> Iterator[None]:
    """At the end of the block, which calls the concrete function, each variable that it uses is as it was before.

    Nothing is copied: what a variable held stays alive beside what the function writes.
    """
    handles = [tensor for tensor in function.captured_inputs if tensor.dtype == tf.resource]
    values = [tf.raw_ops.ReadVariableOp(resource=handle, dtype=variable_type(handle)) for handle in handles]
    yield
    for handle, value in zip(handles, values, strict=True):
        tf.raw_ops.AssignVariableOp(resource=handle, value=value)
