"""Did EarlyStopping end the training for a wrong reason? It may take a gain for a loss, or demand too large a gain."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tb_lossdiag.run import Run, finite

STOPPING = "EarlyStopping"
# Words in the names of metrics that grow as a model gets better: Keras's own, and what users call theirs.
LARGER_IS_BETTER = ("acc", "auc", "precision", "recall", "f1", "iou", "dice", "r2", "score")
# Of the planned epochs: a run that came nearly to its end lost nothing by being stopped.
NEARLY = 0.95
FEWEST_EPOCHS = 2


@dataclass(frozen=True)
class Stop:
    """values: what was watched, at the end of each epoch. rises: whether it grows as the model gets better."""

    monitor: str
    mode: str
    min_delta: float
    planned: int
    values: np.ndarray
    rises: bool

    def __str__(self) -> str:
        done = f"{STOPPING} ended the training after {len(self.values)} of {self.planned} epochs"
        return f"{done}; it watches {self.monitor!r}"


def stopped_by_wrong_mode(run: Run) -> str | None:
    """A sentence where EarlyStopping waited for the loss to rise, or for an accuracy to fall; None for no."""
    stop = _stop(run)
    if stop is None or stop.mode != ("min" if stop.rises else "max"):
        return None
    return f"{stop} with mode={stop.mode!r}, which counts every gain as none."


def stopped_by_min_delta(run: Run) -> str | None:
    """A sentence where each epoch gained, and none as much as EarlyStopping demands; None for no."""
    stop = _stop(run)
    if stop is None or not stop.min_delta:
        return None
    gains = np.diff(stop.values) * (1 if stop.rises else -1)
    if gains.min() <= 0 or gains.max() >= stop.min_delta:
        return None
    return f"{stop} and demands gains of {stop.min_delta:g}; no epoch gained more than {gains.max():.2g}."


def early_stopping(run: Run) -> Mapping[str, Any] | None:
    """Its arguments, among them the name that it watches; None where the fit had none."""
    written = run.card.settings.get("callbacks") if run.card is not None else None
    for one in written if isinstance(written, (list, tuple)) else ():
        if isinstance(one, Mapping) and one.get("name") == STOPPING and isinstance(one.get("config"), Mapping):
            return one["config"] if isinstance(one["config"].get("monitor"), str) else None
    return None


def _stop(run: Run) -> Stop | None:
    """What ended a run that is over before its plan was."""
    config, planned = early_stopping(run), run.card.epochs if run.card is not None else None
    series = run.epochs.get(config["monitor"]) if config is not None else None
    if config is None or series is None or not run.ended or not planned or len(series) >= NEARLY * planned:
        return None
    if len(series) < FEWEST_EPOCHS or not np.isfinite(series.values).all():
        return None
    least = abs(finite(config.get("min_delta")) or 0.0)
    rises = _is_better_larger(config["monitor"])
    return Stop(config["monitor"], str(config.get("mode")), least, planned, series.values, rises)


def _is_better_larger(monitor: str) -> bool:
    return "loss" not in monitor and any(word in monitor.lower() for word in LARGER_IS_BETTER)
