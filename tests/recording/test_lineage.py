"""What a tensor comes from: its graph, read backwards, in the order in which it was made."""

import tensorflow as tf

from tb_lossdiag.recording.lineage import ancestors


def types(ops):
    return [op.type for op in ops if op.type not in ("Const", "Placeholder")]


def test_ops_come_in_the_order_they_were_made_and_others_are_left_out():
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [2])
        y = tf.exp(x)
        tf.sin(y)
        z = tf.abs(y) * tf.tanh(x)
        assert types(ancestors([z])) == ["Exp", "Abs", "Tanh", "Mul"]
        assert types(ancestors([z], before=[y])) == ["Abs", "Tanh", "Mul"]
        assert ancestors([y], before=[y]) == []


def test_a_gradient_flows_neither_through_stop_gradient_nor_through_integers():
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [2])
        stopped = tf.stop_gradient(tf.exp(x))
        counted = tf.cast(tf.cast(tf.sin(x), tf.int32), tf.float32)
        z = tf.abs(stopped) + tf.tanh(counted)
        assert types(ancestors([z], differentiated=True)) == ["Cast", "Abs", "Tanh", "AddV2"]
