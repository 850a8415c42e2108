"""Which private names of Keras does the recording use? All of them stand here, each with what is done without it.

Looked at were Keras 3.3 to 3.15. Where a name cannot be done without, Gone is raised inside a guard of the recorder,
which warns once and ends the recording.
"""

from typing import Any

import keras

from tb_lossdiag.recording.private import Private

_ALL = "3.3 to 3.15"
_LAYERS = Private("keras", "Layer._layers", _ALL, "nothing is recorded")
_OWN_VARIABLES = Private("keras", "Layer._trainable_variables", _ALL, "nothing is recorded")
_OWN_LOSSES = Private("keras", "Layer._get_own_losses", _ALL, "what layers add to the loss is no row of its own")
_VALUE = Private("keras", "Variable._value", _ALL, "a step has to name Keras's variables, not those inside of them")
_APPLIED = Private("keras", "Optimizer._trainable_variables", _ALL, "nothing is recorded")
_RATE = Private(
    "keras",
    "Optimizer._learning_rate",
    _ALL,
    "a rate that is set by hand is no event, and the one of a step that is not sampled is not known",
)
_SUM = Private(
    "keras", "Optimizer._all_reduce_sum_gradients", _ALL, "of a step that several replicas take nothing is recorded"
)
_LOSS_TRACKER = Private("keras", "Model._loss_tracker", _ALL, 'a mean called "loss" is the loss itself')
_HISTORY = Private("keras", "KerasTensor._keras_history", _ALL, "inputs and outputs are called by their place")
_LOGITS = Private("keras", "Tensor._keras_logits", _ALL, "the op that made a prediction tells what it is")
_MASK = Private("keras", "Tensor._keras_mask", _ALL, "a prediction is taken to have no mask")
_GIVEN_MASK = Private("keras", "keras.src.backend.get_keras_mask", "3.7 to 3.15", "a mask is looked for on the tensor")
_GIVING_MASK = Private("keras", "keras.src.backend.set_keras_mask", "3.7 to 3.15", "a mask is put on the tensor")
_OPTIONS = Private("keras", "LossFunctionWrapper._fn_kwargs", _ALL, "the loss's get_config() is asked")
_FUNCTIONAL = Private(
    "keras", "keras.src.models.functional.Functional", _ALL, "the plain step of a functional model is traced twice"
)
_METRICS, _WEIGHTED = (
    Private("keras", f"CompileMetrics.{name}", _ALL, "the plain step of a model with metrics is traced twice")
    for name in ("_user_metrics", "_user_weighted_metrics")
)
_OWN_LAYERS = Private("keras", "keras.src.layers", _ALL, "each output stands for a batch of its own: slower only")

_TRAINING = Private("keras", "Layer._call_has_training_arg", _ALL, "no layer is taken to depend on the mode")

_SCALING = Private(
    "keras",
    "keras.src.losses.loss.scale_loss_for_distribution",
    "3.8 to 3.15",
    "a replica's loss is the mean over its own examples, as it was before",
)


def inner_layers(layer: Any) -> list[Any]:
    """The layers that this one was given as attributes, in their order."""
    return _LAYERS.of(layer)


def own_variables(layer: Any) -> list[Any]:
    """A layer's trainable variables without those of the layers in it."""
    return _OWN_VARIABLES.of(layer)


def own_losses(layer: Any) -> list[Any]:
    """What the layer has added to the loss in its last call."""
    return list(_OWN_LOSSES.of(layer, tuple)())


def backend_variable(variable: Any) -> Any:
    """The backend's own variable inside of a Keras one; None for what is none of Keras's."""
    return _VALUE.of(variable, None)


def variables_of(optimizer: Any) -> list[Any]:
    """Those that it updates, in the order in which it takes gradients without names."""
    return _APPLIED.of(optimizer)


def has_rate_of_its_own(optimizer: Any) -> bool:
    """Whether the learning rate is a number that only its user changes."""
    schedule = keras.optimizers.schedules.LearningRateSchedule
    return not isinstance(_RATE.of(optimizer, None), (schedule, type(None)))


def given_rate(optimizer: Any) -> Any:
    """The variable, the schedule or the function that the learning rate comes from; None where it is not known."""
    return _RATE.of(optimizer, None)


def summing_method(several: bool) -> tuple[type, str] | None:
    """(class, name) of the method that adds up the gradients of several replicas, on TensorFlow; None where it is gone
    and there is one replica only.
    """
    if not several and _SUM.of(keras.optimizers.Optimizer, None) is None:
        return None
    _SUM.of(keras.optimizers.Optimizer)
    name = _SUM.attribute
    return next(kind for kind in keras.optimizers.Optimizer.__mro__ if name in vars(kind)), name


def losses_are_shares() -> bool:
    """Whether compute_loss divides a replica's loss by the number of replicas."""
    return _SCALING.imported(None) is not None


def loss_tracker(model: Any) -> Any:
    """The metric that averages the whole loss; None where it has none."""
    return _LOSS_TRACKER.of(model, None)


def is_functional(model: Any) -> bool:
    """Whether all variables of the model are there once it is built."""
    functional = _FUNCTIONAL.imported(None)
    return isinstance(model, keras.Sequential) or (functional is not None and isinstance(model, functional))


def given_metrics(model: Any) -> list[Any]:
    """What compile() was given as metrics; of what nobody can tell the holder itself."""
    holders = list(model.metrics)
    given = [(_METRICS.of(one, None), _WEIGHTED.of(one, None)) for one in holders]
    return keras.tree.flatten(
        [one if one != (None, None) else holder for one, holder in zip(given, holders, strict=True)]
    )


def operation_names(model: Any, ends: str) -> list[str]:
    """Of the operations that made a functional model's "inputs" or "outputs"; none where it is not known."""
    histories = [_HISTORY.of(tensor, None) for tensor in getattr(model, ends, None) or ()]
    return [] if None in histories else [history.operation.name for history in histories]


def carries_logits(tensor: Any) -> bool:
    """Whether Keras's losses can read the values before the activation from it."""
    return carried_logits(tensor) is not None


def carried_logits(tensor: Any) -> Any:
    """The values before the activation that Keras's losses read from it; None where it has none."""
    return _LOGITS.of(tensor, None)


def give_logits(tensor: Any, logits: Any) -> None:
    setattr(tensor, _LOGITS.attribute, logits)


def is_masked(tensor: Any) -> bool:
    return mask_of(tensor) is not None


def mask_of(tensor: Any) -> Any:
    """Which of its places count, for Keras's losses; None where all do."""
    asked = _GIVEN_MASK.imported(None)
    return _MASK.of(tensor, None) if asked is None else asked(tensor)


def give_mask(tensor: Any, mask: Any) -> None:
    given = _GIVING_MASK.imported(None)
    if given is None:
        setattr(tensor, _MASK.attribute, mask)
    else:
        given(tensor, mask)


def options_of(loss: keras.losses.Loss) -> dict[str, Any]:
    """What a loss was made with: {"from_logits": ..., "ignore_class": ...} as far as it has them."""
    given = _OPTIONS.of(loss, None)
    return {**vars(loss), **(loss.get_config() if given is None else given)}


def is_layer_of_keras(layer: Any, parts: tuple[str, ...]) -> bool:
    """Whether its class is one of Keras's own, from one of these parts of `keras.layers`."""
    return type(layer).__module__.startswith(tuple(f"{_OWN_LAYERS.name}.{part}." for part in parts))


def is_of_keras(thing: Any) -> bool:
    """Whether its class is one of Keras's own."""
    return type(thing).__module__.startswith("keras.")


def takes_training(layer: Any) -> bool:
    """Whether the layer's call has an argument that says if it trains."""
    return bool(_TRAINING.of(layer, False))
