"""Did EarlyStopping end the training for a wrong reason? It may take a gain for a loss, or demand too large a gain."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tb_lossdiag.diagnosis.callbacks import better, callbacks
from tb_lossdiag.run import Run, finite

STOPPING = "EarlyStopping"
# One difference between two epochs shows a direction.
FEWEST_EPOCHS = 2


@dataclass(frozen=True)
class Stopping:
    """EarlyStopping's arguments under Keras's names; mode is "min" or "max"."""

    monitor: str
    mode: str
    min_delta: float
    patience: int
    start_from_epoch: int

    def ends(self, values: np.ndarray) -> int | None:
        """After how many epochs of these values Keras ends the training; None where it goes on."""
        best, wait = None, 0
        for epoch, value in enumerate(values):
            if epoch < self.start_from_epoch:
                continue
            wait += 1
            if best is None or (value - best if self.mode == "max" else best - value) > self.min_delta:
                best, wait = value, 0
            elif wait >= self.patience and epoch > 0:
                return epoch + 1
        return None


def stopped_by_wrong_mode(run: Run) -> str | None:
    """A sentence where EarlyStopping waited for the loss to rise, or for an accuracy to fall; None for no."""
    known = _ended(run)
    if known is None:
        return None
    stopping, values, told = known
    right = better(stopping.monitor)
    if right is None or stopping.mode == right or replace(stopping, mode=right).ends(values) is not None:
        return None
    return f"{told} with mode={stopping.mode!r}, which counts every gain as none."


def stopped_by_min_delta(run: Run) -> str | None:
    """A sentence where each epoch gained, and none as much as EarlyStopping demands; None for no."""
    known = _ended(run)
    if known is None:
        return None
    stopping, values, told = known
    gains = np.diff(values) if stopping.mode == "max" else -np.diff(values)
    if gains.min() <= 0 or gains.max() >= stopping.min_delta or stopping.mode != better(stopping.monitor):
        return None
    return f"{told} and demands gains of {stopping.min_delta:g}; no epoch gained more than {gains.max():.2g}."


def early_stopping(run: Run) -> Mapping[str, Any] | None:
    """Its arguments as recorded; None where the fit had none."""
    return next((config for name, config in callbacks(run) if name == STOPPING), None)


def _ended(run: Run) -> tuple[Stopping, np.ndarray, str] | None:
    """The callback that ended the run before its plan, what it watched at each epoch, and how to begin a sentence."""
    stopping, planned = _stopping(run), run.card.epochs if run.card is not None else None
    watched, losses = (run.epochs.get(name) for name in (stopping.monitor if stopping else "", "loss"))
    if stopping is None or watched is None or losses is None or not planned or not run.ended:
        return None
    values, done = watched.values, len(losses)
    # With a validation every few epochs, or another callback that ended the training, the two numbers differ.
    if not FEWEST_EPOCHS <= done < planned or not np.isfinite(values).all() or len(values) != done:
        return None
    if stopping.ends(values) != done:
        return None
    told = f"{STOPPING} ended the training after {done} of {planned} epochs; it watches {stopping.monitor!r}"
    return stopping, values, told


def _stopping(run: Run) -> Stopping | None:
    """None where its arguments do not tell when it ends a training; one with a baseline waits for that as well."""
    config = early_stopping(run) or {}
    monitor, mode = config.get("monitor"), config.get("mode")
    if not isinstance(monitor, str) or config.get("baseline") is not None:
        return None
    mode = better(monitor) if mode == "auto" else mode
    numbers = [finite(config.get(name)) for name in ("min_delta", "patience", "start_from_epoch")]
    if mode not in ("min", "max") or None in numbers:
        return None
    least, patience, start = (number or 0.0 for number in numbers)
    return Stopping(monitor, mode, abs(least), int(patience), int(start))
