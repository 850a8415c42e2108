"""Which cells of the step records were measured? A NaN there is a measurement in one place and a blank in another."""

import numpy as np

from tb_lossdiag.run import Series

BOOKKEEPING = ("sequence", "layer_sequence")
PLAIN = ("loss", "learning_rate", "loss_scale")  # what a record of a step that was not sampled may have
MAX_SEQUENCE = 2**24  # up to there a float32 holds every whole number
NORMS = ("gradient_norm", "update_norm", "weight_norm")  # the columns in which a NaN can be a measurement


def step_series(steps: np.ndarray, columns: dict[str, np.ndarray]) -> dict[str, Series]:
    """The columns as series, without the cells in which nothing was recorded.

    steps: int64 [n]. columns: float64 [n] each, by schema.STEP_COLUMNS name.
    A loss is in every record, so a NaN there was measured, unless all gradients of the step were finite: then the step
    did not tell its loss. The rest, but for what is PLAIN, is recorded at sampled steps only. In a norm a NaN
    counts as measured when the record has non-finite gradients, or when the column has numbers elsewhere and the record
    counted the gradients' NaN or has a broken loss. In other columns a NaN always means "not recorded".
    """
    nothing = np.full(len(steps), np.nan)
    nonfinite_gradients = columns.get("gradient_nonfinite", nothing)
    broken = ~np.isfinite(columns.get("loss", nothing))
    sampled = np.zeros(len(steps), bool)
    for name, values in columns.items():
        if name not in PLAIN and name != "sequence":
            sampled |= np.isfinite(values)
    complete = np.isfinite(nonfinite_gradients) | broken
    lost_share = written(columns.get("sequence", nothing)) / max(1, len(steps))
    series = {}
    for name, values in columns.items():
        if name in BOOKKEEPING:
            continue
        number = ~np.isnan(values)
        if name == "loss":
            kept = number | (nonfinite_gradients != 0)
        elif name in NORMS:
            in_all = sampled | (number | broken).all()  # of a log that has the norm of each step, and little else
            kept = number | (in_all & ((nonfinite_gradients > 0) | (complete & number.any())))
        else:
            kept = number
        if kept.any():
            count = int(kept.sum())
            series[name] = Series(steps[kept], values[kept], max(count, round(count * lost_share)))
    return series


def written(sequence: np.ndarray) -> int:
    """How many records were written up to the newest, over all writers: each counts from 1, so a fall is a new one.

    sequence: float64 [n], NaN where a record has no number; a number that no writer comes to is none.
    """
    counted = sequence[(sequence >= 1) & (sequence <= MAX_SEQUENCE)]
    ends = np.append(counted[1:] <= counted[:-1], True) if len(counted) else np.zeros(0, bool)
    return int(counted[ends].sum())
