"""Does another trace of a step hold other numbers? A Python value that changes while a step is traced, such as a
counter of its calls, becomes a constant, and another one in each trace.
"""

from collections import Counter
from typing import Any

from tb_lossdiag.recording.apart import SCOPE
from tb_lossdiag.recording.draws import TracesDiffer, nodes_of

# Numbers alone: texts name tensors, whose names differ between two traces.
_TEXT = 7  # tf.string in a NodeDef


def constants(graph: Any) -> Counter[bytes]:
    """How often each number or array stands in the graph and in the functions it calls; what is ours is left out."""
    return Counter(
        node.attr["value"].tensor.SerializeToString(deterministic=True)
        for node in nodes_of(graph, but=f"_{SCOPE}")
        if node.op == "Const" and node.attr["dtype"].type != _TEXT
    )


def refuse_other_constants(graph: Any, expected: Counter[bytes] | None) -> None:
    """Raises TracesDiffer where the graph of a traced step, or of a part of it, has numbers that the plain one lacks.

    expected: `constants` of the plain step, None where unknown.
    """
    if expected is not None and not constants(graph) <= expected:
        raise TracesDiffer("the step holds another number each time that it is traced, such as a counter in Python")
