"""A gate lets a traced function compute something where the host has opened it, and nothing elsewhere."""

import pytest
import tensorflow as tf

from tb_lossdiag.recording.gate import Gate


def passing(gate, entered):
    def compute():
        tf.py_function(lambda: entered.append(1), [], [])
        return {"row": tf.ones([2]), "scalar": tf.constant(3.0), "table": tf.zeros([2, 2], tf.int32)}

    return lambda: gate.passed(compute)


@pytest.mark.parametrize("wrapped", [tf.function, lambda function: function], ids=["traced", "eager"])
def test_only_an_open_gate_is_passed(wrapped):
    gate, entered = Gate(), []
    step = wrapped(passing(gate, entered))
    gate.set(False)
    closed = step()
    assert entered == [] and all(tf.size(tensor) <= 1 for tensor in closed.values())
    gate.set(True)
    assert {name: tensor.shape.as_list() for name, tensor in step().items()} == {
        "row": [2],
        "scalar": [],
        "table": [2, 2],
    }
    assert entered == [1]


def test_where_others_have_to_be_met_it_is_always_passed():
    gate, entered = Gate(closes=False), []
    tf.function(passing(gate, entered))()
    assert entered == [1] and not gate.is_open
