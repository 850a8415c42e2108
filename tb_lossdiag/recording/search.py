"""Which batch broke the loss? Once one is not finite, each step is looked into until a batch with NaN or Inf turns up.

The step that broke had mostly not been sampled, and the same rows come again within one pass over the data. Until then
nothing is learned that a slower step could hold up.
"""

import math
import time

UNKNOWN_PASS, LONGEST_PASS = 1000, 2000  # steps, of data whose length is not known, and at most
LONGEST_SECONDS = 60.0


class Search:
    """steps: looked into so far. is_on: whether the next step is to be looked into."""

    def __init__(self) -> None:
        self.steps = 0
        self.is_on = False
        self._wanted = 0
        self._began = 0.0

    def begin(self, steps_per_epoch: int | None) -> None:
        self.steps, self.is_on, self._began = 0, True, time.monotonic()
        self._wanted = min(steps_per_epoch or UNKNOWN_PASS, LONGEST_PASS)

    def looked(self, loss: float, is_found: bool) -> bool | None:
        """After a step that was looked into: whether the batch is found. None while the search goes on, and where the
        training has recovered, so that there is nothing to search for.
        """
        if not self.is_on:
            return None
        self.steps += 1
        if is_found:
            self.is_on = False
            return True
        if math.isfinite(loss):
            self.is_on = False
        elif self.steps >= self._wanted:
            self.is_on = False
            return False
        elif time.monotonic() - self._began > LONGEST_SECONDS:
            self.is_on = False
        return None
