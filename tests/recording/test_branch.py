"""Branches that a step does not pay for until it enters them."""

import pytest
import tensorflow as tf

from tb_lossdiag.recording.branch import branch


def either(x):
    return branch(x > 0.0, lambda: x + 1.0, lambda: x * 2.0)


@pytest.mark.parametrize("run", [either, tf.function(either), tf.function(either, jit_compile=True)])
def test_the_condition_says_whose_tensor_it_is(run):
    assert [float(run(tf.constant(x))) for x in (3.0, -3.0)] == [4, -6]


def test_only_the_branch_that_is_entered_runs():
    def broken():
        with tf.control_dependencies([tf.debugging.Assert(False, ["entered"])]):
            return tf.constant(0.0)

    step = tf.function(lambda x: branch(x > 0.0, lambda: x, broken))
    assert float(step(tf.constant(1.0))) == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="entered"):
        step(tf.constant(-1.0))


def test_a_branch_is_not_spread_over_the_graph_of_the_step():
    step = tf.function(either).get_concrete_function(tf.constant(1.0))
    (made,) = [op for op in step.graph.get_operations() if op.type in ("If", "StatelessIf")]
    assert not made.node_def.attr["_lower_using_switch_merge"].b
