"""Which losses does a step call, and on what? By hooks on Keras's losses, whoever calls them: Keras or the user's step.

A loss of the user's own that is compiled is called by Keras as one of Keras's. One that is called inside of another is
a part of it.
"""

import functools
import inspect
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras

from tb_lossdiag.recording.effects import effect_of
from tb_lossdiag.recording.losses import Loss, described, given_losses, loss_name

MAX_CALLS = 20  # of one step that are kept; a loss has one for each output
_ARGUMENTS = ("y_true", "y_pred")
_inside = threading.local()  # depth: of losses that are being called


@dataclass(frozen=True)
class LossCall:
    """A loss as it was called. loss: a keras.losses.Loss, or a function of (target, prediction) with `options`.

    value: what it answered; None for one that has not been called. known: what it is, where that is known otherwise
    than by its name. is_part: whether another loss called it.
    """

    loss: Any
    target: Any
    prediction: Any
    weight: Any = None
    options: Mapping[str, Any] = field(default_factory=dict)
    value: Any = None
    known: Loss | None = None
    is_part: bool = False

    @property
    def description(self) -> Loss:
        if self.known is not None:
            return self.known
        loss = described(self.loss)
        if isinstance(self.loss, keras.losses.Loss) and not hasattr(keras.losses, loss.name) and _inner(self.loss):
            loss = Loss(loss_name(_inner(self.loss)), loss.from_logits, loss.ignores)  # a function as Keras wraps it
        given = self.options.get("from_logits"), self.options.get("ignore_class")
        return Loss(loss.name, loss.from_logits or bool(given[0]), loss.ignores or given[1] is not None)

    @property
    def ranks_are_made_equal(self) -> bool:
        """Whether Keras gives or takes an axis of size 1 first; to a Loss whose `call` is the user's it does not."""
        return is_kerass(self.loss) or (isinstance(self.loss, keras.losses.Loss) and _inner(self.loss) is not None)

    def again(self, target: Any, prediction: Any, weight: Any = None) -> Any:
        """What it answers on these; nobody is told of it. Of a function it may be a value for each example."""
        loss = self.loss
        arguments = (target, prediction, weight) if isinstance(loss, keras.losses.Loss) else (target, prediction)
        return _called(loss, arguments, self.options)[0]

    @property
    def looks_for_logits(self) -> bool:
        """Whether it takes the values before a softmax where a prediction carries them; TensorFlow's own do not."""
        return all(module.startswith("keras.") for module in _written_in(self.loss))

    def effect(self) -> str | None:
        """Why it must not be called again, as far as its code tells; Keras's own losses only compute."""
        return None if is_kerass(self.loss) else effect_of(self.loss)


def is_kerass(loss: Any) -> bool:
    """Whether a loss is Keras's own, or the framework's, and not a function of the user's that Keras wraps."""
    return all(module.startswith(("keras.", "tensorflow.")) for module in _written_in(loss))


def _written_in(loss: Any) -> list[str]:
    """The modules of a loss, and of the function that it was made of."""
    owners = [loss]
    if isinstance(loss, keras.losses.Loss):
        owners = [type(loss), *([] if _inner(loss) is None else [_inner(loss)])]
    return [getattr(owner, "__module__", "") or "" for owner in owners]


# Is told of each loss by a function that answers the call: what fails in that is ours.
Tell = Callable[[Callable[[], LossCall]], None]


def _inner(loss: keras.losses.Loss) -> Any:
    """The function that a loss was made of; None where it has a method."""
    return vars(loss).get("fn")


def loss_kinds(model: keras.Model) -> list[type]:
    """The classes whose `__call__` the losses go through; a subclass of the user's may have one of its own."""
    given = [type(loss) for loss in given_losses(model) if isinstance(loss, keras.losses.Loss)]
    kinds = [next(kind for kind in one.__mro__ if "__call__" in vars(kind)) for one in (*given, keras.losses.Loss)]
    return list(dict.fromkeys(kinds))


def loss_hooks(model: keras.Model, tell: Tell) -> Iterator[tuple[Any, str, Callable]]:
    """(owner, name, hook) of each way to call a loss that Keras knows."""
    yield from (kind_hook(kind, tell) for kind in loss_kinds(model))
    yield from function_hooks(tell)


def kind_hook(kind: type, tell: Tell) -> tuple[Any, str, Callable]:
    """(owner, name, hook) for one of them."""
    return kind, "__call__", _loss_hook(vars(kind)["__call__"], tell)


def function_hooks(tell: Tell) -> Iterator[tuple[Any, str, Callable]]:
    """(owner, name, hook) of each loss of Keras's that is a function, where it is looked up in a module."""
    for module in _modules():
        for name in _functions(module):
            yield module, name, function_hook(getattr(module, name), tell, *_ARGUMENTS)


def function_hook(original: Callable, tell: Tell, target: str, prediction: str, known: Loss | None = None) -> Callable:
    """Stands in for a function of a target and a prediction, which it has under these names."""

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        if inspect.currentframe().f_back.f_globals.get("__name__", "").startswith("keras."):
            return original(*args, **kwargs)  # a metric of Keras's may compute what a loss does
        result, is_whole = _called(original, args, kwargs)

        def seen() -> LossCall:
            given = _bound(original, args, kwargs)
            function = _of_two(original, target, prediction)
            sides = given.pop(target), given.pop(prediction)
            return LossCall(function, *sides, options=given, value=result, known=known, is_part=not is_whole)

        tell(seen)
        return result

    return call


def _loss_hook(original: Callable, tell: Tell) -> Callable:
    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        if any(keras.tree.is_nested(value) for value in (*args[1:3], *kwargs.values())):
            return original(*args, **kwargs)  # of several outputs, each of which may have a loss in it
        result, is_whole = _called(original, args, kwargs)

        def seen() -> LossCall:
            loss, target, prediction, *rest = _bound(original, args, kwargs).values()
            weight = rest[0] if rest else None
            return LossCall(loss, target, prediction, weight, value=result, is_part=not is_whole)

        tell(seen)
        return result

    return call


def _called(original: Callable, args: tuple, kwargs: Mapping[str, Any]) -> tuple[Any, bool]:
    """What it answers, and whether it is no part of another loss."""
    depth = getattr(_inside, "depth", 0)
    _inside.depth = depth + 1
    try:
        return original(*args, **kwargs), depth == 0
    finally:
        _inside.depth = depth


def _bound(function: Callable, args: tuple, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return dict(inspect.signature(function).bind(*args, **kwargs).arguments)


def _of_two(function: Callable, target: str, prediction: str) -> Callable:
    """The function with target and prediction in front."""

    @functools.wraps(function)
    def called(y: Any, p: Any, **options: Any) -> Any:
        return function(**{target: y, prediction: p}, **options)

    return called


def _modules() -> list[Any]:
    """keras.losses, and tf.keras.losses where it is loaded."""
    found = [module for name, module in list(sys.modules.items()) if name.endswith("keras.losses")]
    return [keras.losses, *(one for one in found if one is not keras.losses and hasattr(one, "Loss"))]


def _functions(module: Any) -> list[str]:
    """Names of its losses that are functions."""
    return [name for name, value in vars(module).items() if inspect.isfunction(value) and _is_loss(value)]


@functools.cache
def _is_loss(function: Callable) -> bool:
    return tuple(inspect.signature(function).parameters)[:2] == _ARGUMENTS


def calls_of(
    predictions: Sequence[Any], calls: Sequence[LossCall], is_made_of: Callable[[Any, Any], bool]
) -> list[LossCall | None]:
    """For each prediction the first loss that was called on it, or on what was made of it alone; None without one."""
    found: list[LossCall | None] = []
    for prediction in predictions:
        exact = (call for call in calls if call.prediction is prediction)
        derived = (call for call in calls if is_made_of(call.prediction, prediction))
        found.append(next(exact, None) or next(derived, None))
    return found


def named_by_compile(model: keras.Model) -> Any:
    """The loss that a model was compiled with, for a loop that need not use it; None where that is not one."""
    given = given_losses(model)
    try:
        return checked_loss(given[0]) if len(given) == 1 else None
    except (TypeError, ValueError):  # such as "crossentropy", which Keras decides on by the shapes
        return None


def checked_loss(loss: Any) -> Any:
    """What TrainingMonitor was given as its loss: a Loss, a function of Keras's by its name, or one of the user's."""
    if loss is None or isinstance(loss, keras.losses.Loss):
        return loss
    if isinstance(loss, str):
        try:
            return keras.losses.get(loss)
        except ValueError as error:
            raise ValueError(f"loss={loss!r}: no loss of this name in keras.losses") from error
    if isinstance(loss, type) or not callable(loss):
        raise TypeError(f"loss={loss!r}: expected a Keras loss, its name or a function of (y, prediction)")
    return loss
