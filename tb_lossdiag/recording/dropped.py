"""Which shares does a traced forward pass drop? Those of `tf.nn.dropout`, which no layer tells, and of Keras's layers.

A dropout keeps what random numbers from 0 to 1 say, those that are not below its rate, and scales it up by as much.
"""

from collections.abc import Iterable
from typing import Any

import tensorflow as tf

from tb_lossdiag.recording.lineage import ancestors

_DRAWING = ("RandomUniform", "StatelessRandomUniform", "StatelessRandomUniformV2")
_RANGING = ("Add", "AddV2", "Mul")
MAX_FOUND = 16
ROUNDING = 0.01  # of the factor, in half precision


def shares_dropped(outputs: Iterable[tf.Tensor], inputs: Iterable[Any]) -> list[float]:
    """Largest first; of rates that the graph holds as constants. outputs, inputs: of the model's calls."""
    read = ancestors(list(outputs), before=inputs)
    rates = {rate for op in read if op.type == "GreaterEqual" for rate in _rate(op)}
    return sorted(rates, reverse=True)[:MAX_FOUND]


def _rate(op: tf.Operation) -> list[float]:
    numbers, rate = op.inputs
    known = tf.get_static_value(rate) if _are_drawn(numbers.op) and rate.shape.rank == 0 else None
    if (
        known is None
        or not 0.0 < known < 1.0
        or not any(_drops(one, float(known)) for one in op.outputs[0].consumers())
    ):
        return []
    return [round(float(known), 6)]


def _drops(op: tf.Operation, rate: float) -> bool:
    """Whether it leaves 0 of what is not kept, and has scaled up what is: noise, masks and augmentations do not."""
    if op.type != "SelectV2":
        return False
    _, kept, dropped = op.inputs
    left = tf.get_static_value(dropped)
    scales = [tf.get_static_value(x) for x in kept.op.inputs] if kept.op.type == "Mul" else []
    return (
        left is not None
        and not left.any()
        and any(
            scale is not None and scale.size == 1 and abs(float(scale) * (1.0 - rate) - 1.0) < ROUNDING
            for scale in scales
        )
    )


def _are_drawn(op: tf.Operation) -> bool:
    """Random numbers, which may have been brought to another range."""
    while op.type in _RANGING:
        op = op.inputs[0].op
    return op.type in _DRAWING
