"""What sets the learning rate while a training goes on? A callback or a scheduler, by its name and arguments."""

from collections.abc import Mapping
from typing import Any

from tb_lossdiag.diagnosis.callbacks import callbacks
from tb_lossdiag.run import Run

PLATEAU = "ReduceLROnPlateau"


def rate_setter(run: Run) -> tuple[str, Mapping[str, Any]] | None:
    """Name and arguments of the callback or scheduler; None where none is known to set the rate."""
    return next((one for one in callbacks(run) if _sets_rate(one[0])), None)


def _sets_rate(name: str) -> bool:
    known = name.lower()
    return any(word in known for word in ("learningrate", "reducelr", "lrschedul", "warmup", "cosine")) or (
        name.endswith(("LR", "Scheduler"))
    )
