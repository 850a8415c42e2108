"""Was a loss given the model's output where the target belongs? Its graph tells which of the two has a gradient."""

from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow as tf

from tb_lossdiag.recording.lineage import ancestors
from tb_lossdiag.recording.loss_calls import LossCall

# Losses that say another thing when their arguments change places, and whose second argument is never data.
ORDERED = {
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "MeanAbsolutePercentageError",
    "Poisson",
}


def swapped(calls: Iterable[LossCall], outputs: Sequence[tf.Tensor]) -> str | None:
    """The name of the first loss whose target comes from these outputs of the model, and whose prediction does not."""
    if not outputs:
        return None
    made = {id(output.op) for output in outputs}
    graph = outputs[0].graph
    named = ((call.description.name, call) for call in calls)
    found = (
        name
        for name, call in named
        if name in ORDERED and _is_made_by(made, graph, call.target) and not _is_made_by(made, graph, call.prediction)
    )
    return next(found, None)


def _is_made_by(made: set[int], graph: Any, value: Any) -> bool:
    """Whether a gradient flows from the value back into one of these ops."""
    if not isinstance(value, tf.Tensor) or getattr(value, "graph", None) is not graph:
        return False
    return any(id(op) in made for op in ancestors([value], differentiated=True))
