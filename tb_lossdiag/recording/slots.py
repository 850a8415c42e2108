"""When are an optimizer's variables made? Before the step is traced, where that changes nothing but the time it takes.

Keras makes them inside the first trace, and a function that makes variables there is traced again: of a step of
thousands of operations that is many seconds. Code of the user's own in the step could tell one trace from two: what it
draws with Python's or numpy's random numbers, or counts, is what the last trace found.
"""

from typing import Any

import keras

from tb_lossdiag.recording.keras_private import given_metrics, is_functional, is_of_keras
from tb_lossdiag.recording.losses import given_losses
from tb_lossdiag.recording.structure import structure_of
from tb_lossdiag.recording.workers import alone

# Their variables begin as constants, so it does not matter when. Those of others may begin as copies of the weights:
# ScheduleFreeAdamW trained to other bits when its own were made ahead.
_NAMES = "SGD RMSprop Adam AdamW Adadelta Adagrad Adamax Adafactor Nadam Ftrl Lion Lamb"
CONSTANT_AT_FIRST = {getattr(keras.optimizers, name, None) for name in _NAMES.split()} - {None}
CALLED = ("activation", "kernel_regularizer", "bias_regularizer", "activity_regularizer", "recurrent_regularizer")


def make_slots(model: keras.Model) -> None:
    """Makes the variables of the model's optimizer now, under the paths that Keras gives them, where it would later."""
    optimizer = model.optimizer
    if not (is_functional(model) and model.built and alone(model) and model.trainable_weights):
        return
    scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    kind = type(optimizer.inner_optimizer if scaled else optimizer)
    if kind in CONSTANT_AT_FIRST and not optimizer.built and _is_all_of_keras(model):
        with keras.name_scope(optimizer.name, caller=optimizer):
            optimizer.build(model.trainable_weights)


def _is_all_of_keras(model: keras.Model) -> bool:
    """Whether no line of the user's own is run in a step."""
    own_step = getattr(model.train_step, "__func__", None) is keras.Model.train_step
    own_loss = getattr(model.compute_loss, "__func__", None) is keras.Model.compute_loss
    parts = [*structure_of(model).layers.values(), *given_losses(model), *given_metrics(model)]
    parts += [getattr(layer, name, None) for layer in structure_of(model).layers.values() for name in CALLED]
    return own_step and own_loss and all(map(_is_kerass, parts))


def _is_kerass(part: Any) -> bool:
    """Whether what is called is Keras's, by name, function or object; a wrapper may hold a function of the user's."""
    if part is None or isinstance(part, str):
        return True
    if type(part) is keras.metrics.MeanMetricWrapper:
        return False
    held = [getattr(part, name, None) for name in ("fn", "function")]
    known = [getattr(one, "__module__", "") for one in held if one is not None]
    own = is_of_keras(part) or str(getattr(part, "__module__", "")).startswith("keras.")
    return own and all(str(module).startswith("keras.") for module in known)
