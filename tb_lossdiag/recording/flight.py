"""What came right before the loss broke? The last losses, told when one is not finite or leaps.

Steps that are not sampled keep their loss only, and long runs not even that for each; around an accident every step
counts.
"""

import math
from collections import deque

KEPT = 20
# Of the largest of the last losses; 4 of 228 healthy runs of the zoo had such a step.
LEAP = 10.0
MAX_ACCIDENTS = 50  # a run that leaps all the time says nothing new


class FlightRecorder:
    """Keeps the last losses of a training, step by step."""

    def __init__(self) -> None:
        self._losses: deque[tuple[int, float]] = deque(maxlen=KEPT)
        self._quiet_until = 0
        self._accidents = 0

    def saw(self, step: int, loss: float) -> str | None:
        """ "nonfinite" or "leap" where this loss is an accident; None mostly, and for a leap right after one."""
        last = self._losses[-1][1] if self._losses else math.nan
        if -math.inf < loss <= LEAP * last:  # mostly, and the largest of the last losses is no smaller
            self._losses.append((step, loss))
            return None
        before = [known for _, known in self._losses]
        self._losses.append((step, loss))
        if not math.isfinite(loss):
            reason = "nonfinite" if before and math.isfinite(before[-1]) else None
        else:
            calm = step >= self._quiet_until and len(before) >= KEPT - 1 and all(map(math.isfinite, before))
            reason = "leap" if calm and loss > LEAP * max(before) > 0 else None
        if reason is None or self._accidents >= MAX_ACCIDENTS:
            return None
        self._accidents += 1
        self._quiet_until = step + KEPT
        return reason

    def losses(self) -> list[tuple[int, float]]:
        """(step, loss) of the last steps, oldest first, the accident's last."""
        return list(self._losses)
