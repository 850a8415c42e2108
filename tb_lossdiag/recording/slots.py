"""When are an optimizer's variables made? Before the step is traced, where that changes nothing but the time it takes.

Keras makes them inside the first trace, and a function that makes variables there is traced again: of a step of
thousands of operations that is many seconds.
"""

import keras

from tb_lossdiag.recording.keras_private import is_functional
from tb_lossdiag.recording.workers import alone

# Their variables begin as constants, so it does not matter when. Those of others may begin as copies of the weights:
# ScheduleFreeAdamW trained to other bits when its own were made ahead.
_NAMES = "SGD RMSprop Adam AdamW Adadelta Adagrad Adamax Adafactor Nadam Ftrl Lion Lamb"
CONSTANT_AT_FIRST = {getattr(keras.optimizers, name, None) for name in _NAMES.split()} - {None}


def make_slots(model: keras.Model) -> None:
    """Makes the variables of the model's optimizer now, under the paths that Keras gives them, where it would later."""
    optimizer = model.optimizer
    own_step = getattr(model.train_step, "__func__", None) is keras.Model.train_step
    if not (is_functional(model) and model.built and alone(model) and own_step and model.trainable_weights):
        return
    scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    kind = type(optimizer.inner_optimizer if scaled else optimizer)
    if kind in CONSTANT_AT_FIRST and not optimizer.built:
        with keras.name_scope(optimizer.name, caller=optimizer):
            optimizer.build(model.trainable_weights)
