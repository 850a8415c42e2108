"""At which training step was this value written? Wall times place values whose own step counts something else."""

import numpy as np

from tb_lossdiag.logs.source import Samples


def place(samples: Samples, clock: Samples) -> Samples:
    """The samples at the newest step that `clock` had written when they were.

    Those before its first step are left out; of several at one step the last is kept.
    """
    at = np.searchsorted(np.maximum.accumulate(clock.walls), samples.walls, side="right") - 1
    last_at_its_step = np.append(at[1:] != at[:-1], True) if len(at) else np.zeros(0, bool)
    kept = np.flatnonzero((at >= 0) & last_at_its_step)
    return Samples(clock.steps[at[kept]], samples.walls[kept], np.asarray(samples.values)[kept])


def counts_epochs(samples: Samples) -> bool:
    """Whether the steps look like epoch numbers: 0, 1, 2, … or 1, 2, 3, …"""
    steps = samples.steps
    return len(steps) > 0 and steps[0] in (0, 1) and bool(np.all(np.diff(steps) == 1))


def undo_running_mean(means: Samples, epochs: Samples) -> Samples | None:
    """The loss of each batch, from Keras's running mean since the epoch began and the samples written at epoch ends.

    None when not every batch was logged: then nobody knows how many batches a mean is over.
    """
    steps = np.arange(1, len(means) + 1)
    if not np.array_equal(means.steps, steps):
        return None
    ends = np.append(0, place(epochs, means).steps)
    batches = steps - ends[np.searchsorted(ends, steps, side="left") - 1]
    mean = np.asarray(means.values, np.float64)
    before = np.append(0.0, mean[:-1])
    # A mean that is Inf or NaN has no difference to the one before, and one may lie beyond 1e308.
    with np.errstate(invalid="ignore", over="ignore"):
        values = np.where(batches == 1, mean, mean + (batches - 1) * (mean - before))
    return Samples(means.steps, means.walls, values)
