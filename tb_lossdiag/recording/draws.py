"""Which operators of a traced step draw random numbers from a state of their own, which no other trace shares?

`tf.random.normal` and its like keep the state of their generator in the kernel that runs them. A trace of the same step
has kernels of its own, which begin anew: a training that takes turns between two traces draws other numbers than one
that stays with one of them. Keras's seed generators and `tf.random.Generator` keep theirs in a variable, which all
traces read.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tb_lossdiag.recording.tensorflow_private import definition_of, goes_to_xla

# What is told of them where a training cannot be sampled.
OWN_STATE = (
    "keeps its random state in the trace of the step, which has run before it was recorded: a step taken by another "
    "trace would draw other numbers"
)


class KeepsRandomState(Exception):
    """A traced step, not run yet, draws random numbers from a state that other traces of it do not share."""


def refuse_own_state(graph: Any) -> None:
    """Raises KeepsRandomState, with the operators' types, where `draws` finds any."""
    found = draws(graph)
    if found:
        raise KeepsRandomState(", ".join(found))


def draws(graph: Any) -> tuple[str, ...]:
    """Types of the seeded operators in the graph, and in the functions it calls, whose state is in their kernel.

    Without any seed the numbers are others in each run of the program, and what XLA compiles ignores the seeds (TF 2.21
    on CPU: two equally seeded functions differ): there is nothing to keep the same.
    """
    return tuple(sorted({node.op for node in _nodes_of(graph) if _keeps_state(node)}))


def changes_variables(graph: Any) -> bool:
    """Whether an update may be among the graph's operators, or those of the functions it calls."""
    return any("Assign" in node.op or "Apply" in node.op for node in _nodes_of(graph))


def _nodes_of(graph: Any) -> Iterator[Any]:
    definition = graph.as_graph_def()
    functions = {function.signature.name: function for function in definition.library.function}
    return _nodes(definition.node, functions, set())


def _nodes(nodes: Any, functions: Mapping[str, Any], entered: set[str]) -> Iterator[Any]:
    for node in nodes:
        yield node
        for value in node.attr.values():
            for name in [value.func.name, *(one.name for one in value.list.func)]:
                function = functions.get(name)
                if function is not None and name not in entered and not goes_to_xla(function):
                    entered.add(name)
                    yield from _nodes(function.node_def, functions, entered)


def _keeps_state(node: Any) -> bool:
    """By its definition: stateful, with a seed among its attributes, and a seed that is given."""
    definition = definition_of(node.op)
    if definition is None or not definition.is_stateful:
        return False
    seeds = [attr.name for attr in definition.attr if attr.type == "int" and attr.name.startswith("seed")]
    return any(node.attr[name].i for name in seeds)
