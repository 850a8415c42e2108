"""Which private names of TensorFlow does the recording use? All of them stand here, each with what is done without it.

Looked at were TensorFlow 2.16 to 2.21. Where a name cannot be done without, Gone is raised inside a guard of the
recorder, which warns once and ends the recording.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import tensorflow as tf

from tb_lossdiag.recording.private import Private

_ALL = "2.16 to 2.21"
_EAGER = "tensorflow.python.eager.polymorphic_function"
_BRANCH = Private(
    "tensorflow", "tensorflow.python.ops.cond_v2.fast_cond_v2", "2.19 to 2.21", "tf.cond is taken: the same, slower"
)
_VARIABLE = Private(
    "tensorflow",
    "tensorflow.python.ops.resource_variable_ops.ResourceVariable",
    _ALL,
    "nothing is recorded where a step has to keep numbers or to be told something",
)
_HANDLE = Private(
    "tensorflow",
    "EagerTensor._handle_data",
    _ALL,
    "of what XLA compiles nothing is recorded: a sample could not be undone",
)
_COMPILED = Private("tensorflow", "Function._jit_compile", _ALL, "a watched tf.function is not recorded")
_CLONE = Private("tensorflow", "Function._clone", _ALL, "a step that is or calls a tf.function is not recorded")
_MARK = Private("tensorflow", "Graph._attr_scope", _ALL, "no step with a graph is recorded: its rounding might change")
_WHOLE = Private("tensorflow", f"{_EAGER}.attributes.NO_INLINE", _ALL, "functions are inlined: the same, slower")
_STOP = Private(
    "tensorflow",
    "tensorflow.python.distribute.mirrored_run._RequestedStop",
    _ALL,
    "of a step that several replicas take nothing is recorded: they might wait for each other for ever",
)
_TO_XLA = Private(
    "tensorflow", "FunctionDef.attr._XlaMustCompile", _ALL, "what XLA compiles is looked at like the rest"
)
_DEFINITIONS = Private(
    "tensorflow",
    "tensorflow.python.framework.op_def_registry.get",
    _ALL,
    "no step with a graph is sampled: it might draw from a random state of its own",
)
_OP_CALLBACKS = "tensorflow.python.framework.op_callbacks"
_LISTEN = Private("tensorflow", f"{_OP_CALLBACKS}.add_op_callback", _ALL, "no broadcast is told of an eager step")
_LISTEN_NO_MORE = Private(
    "tensorflow", f"{_OP_CALLBACKS}.remove_op_callback", _ALL, "no broadcast is told of an eager step"
)


def fast_branch(condition: tf.Tensor, then: Callable[[], tf.Tensor], otherwise: Callable[[], tf.Tensor]) -> tf.Tensor:
    """The tensor of the one function or of the other, each prepared when it is first entered."""
    return _BRANCH.imported(tf.cond)(condition, then, otherwise)


def bare_variable(shape: tf.TensorShape, dtype: tf.DType) -> tf.Variable:
    """A variable of zeros that no model knows. Made directly, it does not pass through the tf.function being traced,
    which would refuse it or lift it out.
    """
    return _VARIABLE.imported()(tf.zeros([size or 0 for size in shape], dtype), shape=shape, trainable=False)


def variable_type(handle: tf.Tensor) -> tf.DType:
    """Of what a variable holds, by its handle."""
    return tf.as_dtype(_HANDLE.of(handle).shape_and_type[0].dtype)


def is_compiled(function: Any) -> bool:
    """Whether a tf.function was made with jit_compile=True."""
    return bool(_COMPILED.of(function))


def clone(function: Any, python_function: Callable | None = None) -> Any:
    """A tf.function with the same options that has not been traced, of this Python function or of its own."""
    return _CLONE.of(function)(python_function)


def clone_not_compiled(function: Any, python_function: Callable) -> Any:
    made = clone(function, python_function)
    setattr(made, _COMPILED.attribute, None)
    return made


def marking(graph: tf.Graph, mark: str) -> AbstractContextManager:
    """Ops that are made in the block carry the attribute "_" + mark."""
    return _MARK.of(graph)({f"_{mark}": tf.compat.v1.AttrValue(b=True)})


def as_a_whole() -> dict[str, bool]:
    """experimental_attributes of a tf.function whose graph stays one at each of its calls."""
    name = _WHOLE.imported(None)
    return {} if name is None else {name: True}


def ends_replica(error: Exception) -> bool:
    """Whether TensorFlow raised this to end the trace of a replica."""
    return isinstance(error, _STOP.imported(()))


def check_replicas() -> None:
    """Raises Gone where `ends_replica` would not know."""
    _STOP.imported()


def definition_of(operator: str) -> Any:
    """The OpDef of an operator's type; None for an unknown one."""
    return _DEFINITIONS.imported()(operator)


def goes_to_xla(function: Any) -> bool:
    """Whether a FunctionDef is compiled as a whole."""
    return function.attr[_TO_XLA.attribute].b


def listening(heard: Callable[..., None]) -> Callable[[], None] | None:
    """From now on each op of this thread is told, (type, inputs, attributes, outputs, …), after it ran. Answers what
    ends it; None where that cannot be had.
    """
    listen, listen_no_more = _LISTEN.imported(None), _LISTEN_NO_MORE.imported(None)
    if listen is None or listen_no_more is None:
        return None
    listen(heard)
    return lambda: listen_no_more(heard)
