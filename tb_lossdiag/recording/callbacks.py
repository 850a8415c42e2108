"""Which other callbacks of the fit set the learning rate or end the training, and which of them has just set it?"""

import math
from collections.abc import Sequence
from typing import Any

import keras

from tb_lossdiag.recording.keras_private import is_of_keras

_PLATEAU = keras.callbacks.ReduceLROnPlateau
_SCHEDULER = keras.callbacks.LearningRateScheduler
_SETTINGS = {
    _PLATEAU: ("monitor", "factor", "patience", "mode", "min_delta", "cooldown", "min_lr"),
    _SCHEDULER: (),
    keras.callbacks.EarlyStopping: (
        *("monitor", "min_delta", "patience", "mode", "baseline", "restore_best_weights", "start_from_epoch"),
    ),
}
ROUNDING = 1e-5  # a rate that was multiplied in float64 is kept in float32


def described(callbacks: Sequence[Any]) -> list[dict[str, Any]]:
    """[{"name": class name, "config": {...}}] of these kinds."""
    found = []
    for callback in callbacks:
        kind = next((kind for kind in _SETTINGS if isinstance(callback, kind)), None)
        if kind is not None:
            found.append({"name": type(callback).__name__, "config": _config(callback, _SETTINGS[kind])})
    return found


def who_set(callbacks: Sequence[Any], before: float, after: float) -> str | None:
    """The class name of the callback that has set the rate between two epochs; None where that cannot be told."""
    strangers = [one for one in callbacks if not is_of_keras(one) or type(one) is keras.callbacks.LambdaCallback]
    strangers = [one for one in strangers if not isinstance(one, (_PLATEAU, _SCHEDULER)) and not _is_ours(one)]
    schedulers = [one for one in callbacks if isinstance(one, _SCHEDULER)]  # they set it each time, to whatever
    plateaus = [one for one in callbacks if isinstance(one, _PLATEAU) and _fits(one, before, after)]
    suspects = [*schedulers, *strangers] if schedulers else plateaus[:1] or strangers
    return type(suspects[0]).__name__ if len(suspects) == 1 else None


def _fits(plateau: Any, before: float, after: float) -> bool:
    return math.isclose(after, max(before * plateau.factor, plateau.min_lr), rel_tol=ROUNDING)


def _is_ours(callback: Any) -> bool:
    return type(callback).__module__.startswith("tb_lossdiag.")


def _config(callback: Any, names: tuple[str, ...]) -> dict[str, Any]:
    config = {name: getattr(callback, name) for name in names if getattr(callback, name, None) is not None}
    if "min_delta" in config:  # of which EarlyStopping turns the sign
        config["min_delta"] = abs(config["min_delta"])
    schedule = getattr(callback, "schedule", None)
    name = getattr(schedule, "__name__", None)
    return config | ({"schedule": name} if isinstance(callback, _SCHEDULER) and name else {})
