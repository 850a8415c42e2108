"""Which schedulers set the optimizer's rate? Each by its class and arguments, as a card has a fit's callbacks."""

import gc
from collections.abc import Iterator
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

_KINDS = (LRScheduler, ReduceLROnPlateau)
_COUNTED = ("last_epoch", "verbose", "num_bad_epochs", "cooldown_counter", "best", "mode_worse")  # how far they are


def schedulers_of(optimizer: Optimizer) -> list[dict[str, Any]]:
    """{"name", "config"} of each that holds this optimizer. To be asked once a training: it takes some 20 ms.

    An optimizer does not know of them, and most take no step before the card is written.
    """
    own = {id(scheduler): scheduler for scheduler in _holders(optimizer)}
    return [{"name": type(scheduler).__name__, "config": _config(scheduler)} for scheduler in own.values()]


def _holders(optimizer: Optimizer) -> Iterator[Any]:
    for holder in gc.get_referrers(optimizer):
        if issubclass(type(holder), _KINDS):
            yield holder
        elif type(holder) is dict and holder.get("optimizer") is optimizer:  # the attributes of an object, mostly
            yield from (owner for owner in gc.get_referrers(holder) if issubclass(type(owner), _KINDS))


def _config(scheduler: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(scheduler).items()
        if not name.startswith("_") and name not in _COUNTED and _is_plain(value)
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return len(value) <= 16 and all(map(_is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))
