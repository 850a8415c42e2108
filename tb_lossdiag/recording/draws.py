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


def refuse_own_state(graph: Any, twin_takes_all: bool, expected: frozenset | None) -> None:
    """Raises KeepsRandomState where a traced step must not be taken in the place of the plain one.

    twin_takes_all: whether no other trace takes a step. expected: `seeds` of the plain step, None where unknown.
    """
    found = draws(graph)
    if found and not twin_takes_all:
        raise KeepsRandomState(f"{', '.join(found)} {OWN_STATE}")
    if found and expected is not None and seeds(graph) != expected:
        raise KeepsRandomState(f"{', '.join(found)} has another seed each time that the step is traced")


def seeds(graph: Any) -> frozenset[tuple]:
    """(operator, seeds) of each operator that `draws` finds."""
    return frozenset((node.op, *_given_seeds(node)) for node in nodes_of(graph) if _keeps_state(node))


def draws(graph: Any) -> tuple[str, ...]:
    """Types of the seeded operators in the graph, and in the functions it calls, whose state is in their kernel.

    Without any seed the numbers are others in each run of the program, and what XLA compiles ignores the seeds (TF 2.21
    on CPU: two equally seeded functions differ): there is nothing to keep the same.
    """
    return tuple(sorted({node.op for node in nodes_of(graph) if _keeps_state(node)}))


def changes_variables(graph: Any) -> bool:
    """Whether an update may be among the graph's operators, or those of the functions it calls."""
    return any("Assign" in node.op or "Apply" in node.op for node in nodes_of(graph))


def nodes_of(graph: Any) -> Iterator[Any]:
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
    return definition is not None and definition.is_stateful and any(_given_seeds(node))


def _given_seeds(node: Any) -> list[int]:
    attributes = [attr.name for attr in definition_of(node.op).attr if attr.type == "int"]
    return [node.attr[name].i for name in attributes if name.startswith("seed")]
