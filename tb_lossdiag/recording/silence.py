"""Which units stay silent from sample to sample? One that fires for some batches is rare, not dead."""

from collections.abc import Sequence

import numpy as np

# Samples. A unit that fires for one example in a hundred is silent in one batch of 64 of two, and in ten of them once
# in 600; one that fires for one in a thousand still is in half of all windows, and as good as dead.
WINDOW = 10
MAX_UNITS = 65_536  # of all layers, 256 kB to copy to the host in a sample; what is more is not followed


class Silence:
    """Counts for each unit of each layer for how many samples in a row it was silent."""

    def __init__(self) -> None:
        self._silent: dict[str, np.ndarray] = {}
        self._samples = 0

    def shares(self, followed: Sequence[tuple[str, int]], silent: np.ndarray) -> dict[str, float]:
        """By row: the share of its units that were silent in each of the last WINDOW samples, or in all so far.

        followed: (row, units) in the order of silent, bool [units of all rows], of one more sample.
        """
        self._samples += 1
        shares, start = {}, 0
        for row, units in followed:
            now = silent[start : start + units]
            start += units
            before = self._silent.get(row, np.full(units, self._samples - 1))
            self._silent[row] = np.where(now, before + 1, 0)
            shares[row] = float(np.mean(self._silent[row] >= min(WINDOW, self._samples)))
        return shares
