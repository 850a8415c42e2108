"""At which learning rate does an optimizer step? One for all variables, or one of each optimizer that it is made of."""

from typing import Any

import keras

from tb_lossdiag.recording.keras_private import has_rate_of_its_own


def members(optimizer: Any) -> list[Any]:
    """The optimizers that take the steps: those that a MultiOptimizer divides the variables among, else the one."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # of one that scales the loss
    return list(getattr(optimizer, "optimizers", None) or [optimizer])


def rate_set_by_hand(optimizer: Any) -> float | None:
    """The learning rate when there is one and it is a plain number; a schedule changes it without anyone's doing."""
    optimizers = [] if optimizer is None else members(optimizer)
    if len(optimizers) != 1:
        return None
    (one,) = optimizers
    return float(keras.ops.convert_to_numpy(one.learning_rate)) if has_rate_of_its_own(one) else None
