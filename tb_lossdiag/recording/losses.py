"""Which losses were compiled, and for which outputs?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras

from tb_lossdiag.recording.keras_private import options_of


@dataclass(frozen=True)
class Loss:
    """A compiled loss. ignores: whether it leaves out the examples of one class."""

    name: str
    from_logits: bool
    ignores: bool


def given_losses(model: keras.Model) -> list[Any]:
    """What compile() was given, one for each output that has a loss."""
    return [loss for loss in keras.tree.flatten(getattr(model, "loss", None)) if loss is not None]


def losses_by_output(model: keras.Model, outputs: int) -> list[Loss | None]:
    """The loss of each of so many flat outputs; None where there is none, or where it is not known which."""
    given, names = getattr(model, "loss", None), list(getattr(model, "output_names", None) or ())
    if isinstance(given, Mapping) and set(given) <= set(names):
        flat = [given.get(name) for name in names]
    else:
        flat = given_losses(model)
    if len(flat) == 1:
        flat *= outputs
    return [None if loss is None else described(loss) for loss in flat] if len(flat) == outputs else [None] * outputs


def described(loss: Any) -> Loss:
    options = options_of(loss) if isinstance(loss, keras.losses.Loss) else {}
    ignores = options.get("ignore_class") is not None
    return Loss(loss_name(loss), bool(options.get("from_logits", False)), ignores)


def loss_name(loss: Any) -> str:
    """The class name of Keras's own losses, however they were given; a user's function by its name."""
    if isinstance(loss, str):
        try:
            loss = keras.losses.get(loss)
        except ValueError:
            return loss
    if isinstance(loss, keras.losses.Loss):
        return type(loss).__name__
    name = getattr(loss, "__name__", type(loss).__name__)
    classes = {other.lower(): other for other in dir(keras.losses) if other[0].isupper()}
    return classes.get(name.replace("_", "").lower(), name)
