"""What is the user's loss on other outputs than the model's, on JAX? Outputs dealt to other examples, constant ones,
and the targets themselves, of the same batch in the same step.

They are taken one after the other by one traced function: a batch of each at once could be more than the memory holds.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tb_lossdiag.recording.effects import unmoved
from tb_lossdiag.recording.jax.statistics import Numbers, as_float
from tb_lossdiag.recording.keras_private import give_mask
from tb_lossdiag.recording.loss_calls import LossCall, is_kerass
from tb_lossdiag.recording.references import (
    DRAWS,
    NO_BATCH,
    NO_TENSOR,
    NotCalledAgain,
    Unchanged,
    constants_of,
    dealing,
    has_least,
    measured_examples,
    shapes_of,
)


def reference_losses(call: LossCall, mask: Any) -> Numbers:
    """The columns of schema.DATA_COLUMNS from "loss" to "loss_least". Raises NotCalledAgain with the reason.

    mask: that the prediction carried.
    """
    if not all(isinstance(end, (jax.Array, np.ndarray)) for end in (call.target, call.prediction)):
        raise NotCalledAgain(NO_TENSOR)
    target, prediction = jnp.asarray(call.target), jnp.asarray(call.prediction)
    if not jnp.issubdtype(prediction.dtype, jnp.floating):
        raise NotCalledAgain(NO_TENSOR)
    if not target.ndim or not prediction.ndim:
        raise NotCalledAgain(NO_BATCH)
    count = measured_examples(prediction.shape)
    target, prediction, mask, weight = (_first(x, count) for x in (target, prediction, mask, call.weight))
    answered = _answering(call, target, weight)
    if not is_kerass(call.loss):
        _check(call, answered, prediction, mask)
    own = answered(prediction, mask) if call.value is None or count else own_loss(call)
    batch = prediction.shape[0]

    def dealt(order: jax.Array) -> jax.Array:
        return answered(prediction[order], mask if mask is None or mask.shape[0] == 1 else mask[order])

    losses = jax.lax.map(dealt, jnp.asarray(dealing(batch), jnp.int32))
    constants = jnp.stack(_constants(call, target, prediction))
    made = jax.lax.map(lambda one: answered(jnp.broadcast_to(one, prediction.shape), mask), constants)
    larger = jnp.maximum(jnp.abs(losses), jnp.abs(own))
    change = jnp.where(larger == 0.0, 0.0, jnp.abs(losses - own) / jnp.where(larger == 0.0, 1.0, larger))
    numbers = {
        "loss": own,
        "loss_shuffled": jnp.mean(losses) if batch > 1 else jnp.float32(jnp.nan),
        "loss_shuffled_change": jnp.max(change) if batch > 1 else jnp.float32(jnp.nan),
        "loss_constant": jnp.nanmin(made),
    }
    if has_least(call.description, *shapes_of(call), jnp.issubdtype(target.dtype, jnp.floating)):
        numbers["loss_least"] = answered(target.reshape(prediction.shape).astype(prediction.dtype), mask)
    return numbers


def own_loss(call: LossCall) -> jax.Array:
    """What the loss answered in the step itself; the mean of what is one value for each example."""
    return jnp.mean(as_float(jnp.asarray(call.value)))


def _first(x: Any, count: int | None) -> Any:
    """The first examples; of what has no batch axis, or one of size 1, all."""
    return x if x is None or count is None or not np.ndim(x) or x.shape[0] == 1 else x[:count]


def _answering(call: LossCall, target: jax.Array, weight: Any) -> Callable[[jax.Array, Any], jax.Array]:
    """The loss as a function of prediction and mask that answers one float32."""

    def answered(prediction: jax.Array, mask: Any) -> jax.Array:
        prediction = jnp.array(prediction)  # ours, to be given the mask
        if mask is not None:
            give_mask(prediction, mask)
        with unmoved() as drew, Unchanged(reads=False):  # while an epoch lasts Keras keeps no values in a model's own
            value = call.again(target, prediction, weight)
        if drew[0]:
            raise NotCalledAgain(DRAWS)
        return jnp.mean(as_float(value))

    return answered


def _check(call: LossCall, answered: Callable[[jax.Array, Any], jax.Array], prediction: jax.Array, mask: Any) -> None:
    """Raises NotCalledAgain where a function of the user's does more than compute."""
    effect = call.effect()
    if effect is not None:
        raise NotCalledAgain(effect)
    effects = jax.make_jaxpr(answered)(prediction, mask).effects
    if effects:
        raise NotCalledAgain(f"the loss has an effect ({next(iter(effects))})")


def _constants(call: LossCall, target: jax.Array, prediction: jax.Array) -> list[jax.Array]:
    """One example's output each, in the form of a prediction; the kinds of references.constants_of."""
    is_integer = jnp.issubdtype(target.dtype, jnp.integer)
    kinds = constants_of(call.description, not is_kerass(call.loss), target.shape, prediction.shape, bool(is_integer))
    made = [
        jnp.mean(as_float(prediction), axis=0) if x == "prediction" else _of_targets(x, target, prediction)
        for x in kinds
    ]
    return [jnp.broadcast_to(one, prediction.shape[1:]).astype(prediction.dtype) for one in made]


def _of_targets(kind: str, target: jax.Array, prediction: jax.Array) -> jax.Array:
    units = prediction.shape[-1]
    if kind in ("mean", "median"):
        values = as_float(target)
        values = values[..., None] if values.ndim < prediction.ndim else values
        return jnp.mean(values, axis=0) if kind == "mean" else jnp.sort(values, axis=0)[values.shape[0] // 2]
    yes = kind in ("shares of yes", "log odds")
    if target.ndim == prediction.ndim and target.shape[-1] == units and units != 1:
        rows = as_float(target).reshape(-1, units)
    elif yes:
        rows = as_float(target).reshape(-1, 1)
    else:
        rows = jax.nn.one_hot(target.reshape(-1).astype(jnp.int32), units)
    shares = (jnp.sum(rows, axis=0) + 1.0) / (rows.shape[0] + (2.0 if yes else float(units)))
    if kind == "log shares":
        return jnp.log(shares)
    return jnp.log(shares) - jnp.log1p(-shares) if kind == "log odds" else shares
