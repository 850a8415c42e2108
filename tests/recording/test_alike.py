"""Functions that are traced once for tensors of one form."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from tb_lossdiag.recording.alike import each


@dataclass(frozen=True)
class Item:
    values: tf.Tensor
    factor: float = 1.0
    offset: tf.Tensor | None = None


def run(items_of, function=lambda item: item.values * item.factor):
    """What each answers in a graph, and how often it traced the function there."""
    traces = []

    def counted(item):
        traces.append(item)
        return function(item)

    step = tf.function(lambda x: each(counted, items_of(x)))
    answers = step(tf.constant([1.0, 2.0]))
    return answers, len(traces), step.get_concrete_function(tf.constant([1.0, 2.0])).graph.get_operations()


def test_tensors_of_one_form_share_a_trace_and_have_their_own_numbers():
    answers, traces, operations = run(lambda x: [Item(x), Item(x + 1), Item(x + 2)])
    np.testing.assert_array_equal(answers, [[1, 2], [2, 3], [3, 4]])
    assert traces == 1
    assert [op.type for op in operations].count("PartitionedCall") == 3


def test_another_shape_or_field_is_another_form():
    items = [lambda x: Item(x, 2.0), lambda x: Item(x[:1], 2.0), lambda x: Item(x, 3.0), lambda x: Item(x, 2.0, x)]
    answers, traces, operations = run(lambda x: [item(x) for item in items])
    assert [answer.numpy().tolist() for answer in answers] == [[2, 4], [2], [3, 6], [2, 4]]
    assert traces == 4
    assert "PartitionedCall" not in {op.type for op in operations}  # one that is like no other stays in place


def test_an_answer_may_have_parts_and_none():
    answers, traces, _ = run(lambda x: [Item(x), Item(2 * x)], lambda item: (item.values[0], [None, item.values]))
    assert [(float(first), none, rest.numpy().tolist()) for first, (none, rest) in answers] == [
        (1, None, [1, 2]),
        (2, None, [2, 4]),
    ]
    assert traces == 1


def test_xla_compiles_what_is_shared():
    step = tf.function(lambda x: each(lambda item: item.values * 3, [Item(x), Item(x + 1)]), jit_compile=True)
    np.testing.assert_array_equal(step(tf.constant([1.0])), [[3], [6]])


def test_at_once_nothing_is_traced():
    assert each(lambda item: item.values.numpy(), [Item(tf.constant(1.0)), Item(tf.constant(2.0))]) == [1, 2]
