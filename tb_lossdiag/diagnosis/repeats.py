"""Does the training see one batch again and again? By the statistics of the inputs and targets of all samples."""

import numpy as np

from tb_lossdiag.run import Run, Table

# Samples that have to be alike, from different places of the epochs.
FEWEST = 8
# The same numbers in the same order have the same statistics, bit for bit; in another order float32 rounds otherwise.
SAME = 1e-6
NEARLY_ALL = 0.9  # a first batch may be another one
COMPARED = ("mean", "std", "min", "max")


def one_batch(run: Run) -> str | None:
    """That nearly all recorded batches are one and the same, though an epoch has several."""
    if run.card is None or run.data is None or (run.card.steps_per_epoch or 0) < 2 or len(run.data.steps) < FEWEST:
        return None
    tables = [run.data.of_kind(kind) for kind in ("input", "target")]
    known = [table for table in tables if table.rows and all(map(table.has, COMPARED))]
    if len(known) < 2:
        return None
    alike = np.all([_is_as_at_the_end(table) for table in known], axis=0)
    if np.mean(alike) < NEARLY_ALL:
        return None
    told = f"{int(alike.sum())} of {len(alike)} recorded batches are one and the same"
    return f"{told}, and an epoch has {run.card.steps_per_epoch}."


def _is_as_at_the_end(table: Table) -> np.ndarray:
    """bool [n]: whether a sample's statistics are those of the last one, which have to vary within the batch."""
    columns = np.concatenate([table.column(name).astype(np.float64) for name in COMPARED], axis=1)
    last = columns[-1]
    if not np.isfinite(last).all() or not (table.column("std")[-1] > 0).any():
        return np.zeros(len(columns), bool)
    return (np.abs(columns - last) <= SAME * (1 + np.abs(last))).all(axis=1)
