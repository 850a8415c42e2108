"""How are a compiled step's statistics kept out of what XLA compiles? They are a function of their own, run after it.

XLA takes about 25 ms of CPU to compile one reduction, and each row has several: in the step, they took longer to
compile than the step itself. So the step returns what they read, and TensorFlow's own kernels read it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from tb_lossdiag.recording.observation import current_graph, graph_of

Tensors = dict[str, tf.Tensor]


class Afterwards:
    """Of each trace of a step, the function to be run after it."""

    def __init__(self) -> None:
        self._functions: list[tuple[Any, list[int]]] = []

    def read(self, compute: Callable[[], Tensors]) -> dict[str, list[tf.Tensor]]:
        """In the step, at its end: under the name of this trace, the tensors of the step that `compute` reads."""
        step = current_graph()
        function = tf.function(compute, autograph=False).get_concrete_function()
        captured = function.captured_inputs
        places = [place for place, tensor in enumerate(captured) if graph_of(tensor) is step]
        self._functions.append((function, places))
        return {str(len(self._functions) - 1): [captured[place] for place in places]}

    def computed(self, returned: Mapping[str, list[tf.Tensor]]) -> Tensors:
        """After the step: what `compute` makes of the tensors that the step returned."""
        ((name, given),) = returned.items()
        function, places = self._functions[int(name)]
        captured = list(function.captured_inputs)
        for place, tensor in zip(places, given, strict=True):
            captured[place] = tensor
        function.set_external_captures(captured)
        return function()
