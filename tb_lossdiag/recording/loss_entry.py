"""Which entry of a train_step's logs is the loss, where none is called "loss"? The one that has the measured value.

Such a step is the user's own, and returns, say, {"d_loss": ..., "g_loss": ...}.
"""

import math
from collections.abc import Mapping
from typing import Any

AGREEMENT = 1e-4  # float32 rounds in the seventh digit, a sum over a batch a few digits earlier


class LossEntry:
    """Learns the entry's name in the first sampled step. name: None until then, or where no entry is the loss."""

    def __init__(self) -> None:
        self.name: str | None = "loss"
        self._is_learned = False

    def of(self, logs: Any) -> float:
        """The loss that a step reports; NaN where it reports none."""
        return float(logs[self.name]) if isinstance(logs, Mapping) and self.name in logs else math.nan

    def learn(self, logs: Any, measured: float) -> bool:
        """Whether the loss was found under another name now. measured: in the step that returned these logs."""
        if self._is_learned or not isinstance(logs, Mapping):
            return False
        self._is_learned = True
        if "loss" in logs or not math.isfinite(measured):
            return False
        names = [name for name in logs if isinstance(name, str) and "loss" in name]
        self.name = next((name for name in names if math.isclose(float(logs[name]), measured, rel_tol=AGREEMENT)), None)
        return self.name is not None
