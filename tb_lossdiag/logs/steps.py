"""Which records stand at a step that a training can have? Others are left out by name."""

import numpy as np

from tb_lossdiag.logs.source import Samples
from tb_lossdiag.schema import MAX_STEP


def possible(samples: Samples) -> tuple[Samples, str]:
    """The samples at steps from 0 to MAX_STEP, and how many others there are, with the first's step; "" for none."""
    kept = (samples.steps >= 0) & (samples.steps <= MAX_STEP)
    if kept.all():
        return samples, ""
    first = int(samples.steps[~kept][0])
    told = f"{np.count_nonzero(~kept)} of {len(samples)} records skipped (step {first}, not in 0 … 2^53 - 1)"
    return samples.take(np.flatnonzero(kept)), told
