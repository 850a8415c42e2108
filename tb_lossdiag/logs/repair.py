"""Which records count after restarts and repeated steps?

TensorBoard's Rust data server drops what a restarted training wrote again; its Python loader returns both copies.
With this rule on top both give the same series.
"""

import numpy as np


def surviving(steps: np.ndarray) -> np.ndarray:
    """bool [n]: the records that no later record overwrites.

    steps: int64 [n] in order of arrival. A record overwrites all earlier ones at its own or a later step, so the
    surviving steps are strictly increasing.
    """
    if len(steps) == 0:
        return np.zeros(0, bool)
    lowest_from_here = np.minimum.accumulate(steps[::-1])[::-1]
    survives = np.ones(len(steps), bool)
    survives[:-1] = steps[:-1] < lowest_from_here[1:]
    return survives
