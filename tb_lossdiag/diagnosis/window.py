"""Which steps are the start of a training, which are its end, and which rows are weights?

Learning-rate and initialisation faults decide themselves within the first 20 steps (measured on calibration runs), so
"early" is that burst; "late" is the last half of what was recorded, where a stuck loss must show.
"""

from dataclasses import replace

import numpy as np

from tb_lossdiag.run import Row, Run, Series, Table

EARLY_STEPS = 20
_NOT_KERNELS = {"bias", "beta", "gamma", "scale", "moving_mean", "moving_variance"}


def early(table: Table) -> Table:
    """The records of the first 20 training steps this log holds."""
    return table.between(table.steps[0], table.steps[0] + EARLY_STEPS - 1) if len(table.steps) else table


def late(table: Table) -> Table:
    """The records of the last half of the steps; at least the newest one."""
    if not len(table.steps):
        return table
    middle = (int(table.steps[0]) + int(table.steps[-1])) / 2
    return table.between(middle, table.steps[-1])


def late_series(series: Series) -> Series:
    if not len(series):
        return series
    middle = (int(series.steps[0]) + int(series.steps[-1])) / 2
    return series.between(int(np.ceil(middle)), int(series.steps[-1]))


def kernels(table: Table) -> Table:
    """The weight matrices among the variables: what an update ratio or a depth profile is about."""
    return table.of_rows([i for i, row in enumerate(table.rows) if is_kernel(row)])


def is_kernel(row: Row) -> bool:
    return row.kind == "variable" and row.name.rsplit("/", 1)[-1] not in _NOT_KERNELS


def medians(values: np.ndarray) -> np.ndarray:
    """float64 [rows] of float [n, rows]: each row's median, NaN left out; NaN where nothing is left."""
    if not values.size:
        return np.full(values.shape[1], np.nan)
    ordered = np.sort(values, axis=0)  # puts NaN last; np.nanmedian goes row by row and takes five times as long
    known = np.count_nonzero(~np.isnan(values), axis=0)
    middle = np.stack([np.maximum(known - 1, 0) // 2, known // 2])
    halves = np.take_along_axis(ordered, middle, axis=0).astype(np.float64) / 2
    with np.errstate(invalid="ignore"):  # between -Inf and Inf lies NaN
        return np.where(known > 0, halves.sum(axis=0), np.nan)


# Of the penalty. What is left of a loss beside it is rounding: layers added all of the loss, as some autoencoders do.
NOTHING = 1e-6


def penalty_of(run: Run) -> Series | None:
    """The regularisation penalty per sampled step; None where there is none, or where what layers add is the loss."""
    added, loss = run.steps.get("penalty"), run.steps.get("loss")
    if added is None or loss is None or not np.any(added.values):
        return None
    _, i, j = np.intersect1d(loss.steps, added.steps, return_indices=True)
    whole, part = loss.values[i], added.values[j]
    with np.errstate(invalid="ignore"):
        rest = np.abs(whole - part)[np.isfinite(whole) & np.isfinite(part)]
        known = np.abs(part)[np.isfinite(whole) & np.isfinite(part)]
    return None if len(rest) and np.all(rest <= NOTHING * known) else added


def data_loss(run: Run) -> Series | None:
    """The loss per step with the regularisation penalty taken off where the log knows it; else the batch loss."""
    loss, added = run.steps.get("loss"), penalty_of(run)
    if loss is None or added is None:
        return loss
    with np.errstate(invalid="ignore"):  # Inf - Inf is NaN: still a loss that is not finite
        return replace(loss, values=loss.values - np.interp(loss.steps, added.steps, added.values))


EVALUATED = 3  # of the newest samples: at a low rate, as each is a forward pass more


def evaluation_loss(run: Run) -> float:
    """What training batches score in evaluation mode at the end, the median of a few; NaN where it was not measured."""
    series = run.steps.get("evaluation_loss")
    values = series.values[np.isfinite(series.values)] if series is not None else np.array([])
    return float(np.median(values[-EVALUATED:])) if len(values) else np.nan


def best_curve(run: Run) -> tuple[Series, bool] | None:
    """The loss curve a judgement should rest on, and whether its points are noisy single batches.

    Batch losses when there are enough of them, else the epochs' means; None when the log has neither.
    """
    batch = data_loss(run)
    epochs = run.epochs.get("loss")
    if batch is not None and (epochs is None or len(batch) >= len(epochs)):
        return (batch, True) if len(batch) else None
    return (epochs, False) if epochs is not None and len(epochs) else None


def onset(steps: np.ndarray, crossed: np.ndarray) -> int | None:
    """The first step from which `crossed` holds at most of the later records: when it crossed and stayed."""
    if not len(crossed) or not crossed.any():
        return None
    share_after = np.cumsum(crossed[::-1])[::-1] / np.arange(len(crossed), 0, -1)
    stays = crossed & (share_after >= 0.5)
    return int(steps[np.argmax(stays)]) if stays.any() else None


def span(table: Table) -> tuple[int, int] | None:
    return (int(table.steps[0]), int(table.steps[-1])) if len(table.steps) else None
