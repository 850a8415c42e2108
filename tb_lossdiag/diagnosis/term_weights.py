"""What does each part of a loss count for in the sum? Weights that reproduce the recorded loss, read off its course.

Programs tell the parts as they are computed and add them up with weights. Where the same weights give the loss back at
all sampled steps, they are the weights; where none do, as while a term is warmed up, nothing is known.
"""

import numpy as np

from tb_lossdiag.run import Run

# Of the loss: what weights may miss it by at the median step and at most, as parts are recorded in float32 and a
# penalty may be added that no part tells of.
USUAL_ERROR, LARGEST_ERROR = 0.02, 0.2
# A weight that is not 0 shows where its part makes this share of the loss at some steps, and more than the fit misses.
SEEN = 0.01
STEPS_SEEN = 4
FEWEST_PER_PART = 3


def weights(run: Run, steps: np.ndarray, values: np.ndarray, certain: list[bool]) -> np.ndarray:
    """float64 [parts]; NaN where they are not known.

    steps: int64 [n]; values: float64 [n, parts], of the parts at these steps. certain: whether a part is known to be in
    the sum; of any other a weight of nothing may mean that it is only told beside the loss.
    """
    unknown = np.full(values.shape[1], np.nan)
    loss = run.steps.get("loss")
    if loss is None or not len(steps):
        return unknown
    _, at, own = np.intersect1d(loss.steps, steps, return_indices=True)
    total, parts = loss.values[at], values[own]
    kept = np.isfinite(total) & np.isfinite(parts).all(axis=1) & (total > 0) & (parts >= 0).all(axis=1)
    if kept.sum() < FEWEST_PER_PART * parts.shape[1]:
        return unknown
    shares = parts[kept] / total[kept][:, None]
    plain = np.ones(parts.shape[1])
    if _give_the_loss(shares, plain):
        return plain  # where the plain sum does, a small part's weight could be anything
    found = _at_least_nothing(shares)
    if not _give_the_loss(shares, found):
        return unknown
    least = max(SEEN, 2 * float(np.abs(shares @ found - 1).max()))
    seen = ((shares * found > least).sum(axis=0) >= STEPS_SEEN) | np.asarray(certain)
    return np.where(seen, found, np.nan)


def _give_the_loss(shares: np.ndarray, found: np.ndarray) -> bool:
    error = np.abs(shares @ found - 1)
    return bool(np.median(error) <= USUAL_ERROR and error.max() <= LARGEST_ERROR)


def _at_least_nothing(shares: np.ndarray) -> np.ndarray:
    """Least squares for shares @ weights = 1 without a weight below 0: the most negative ones are left out."""
    scale = np.maximum(np.abs(shares).max(axis=0), np.finfo(float).tiny)
    kept = list(range(shares.shape[1]))
    found = np.zeros(shares.shape[1])
    while kept:
        solved = np.linalg.lstsq(shares[:, kept] / scale[kept], np.ones(len(shares)), rcond=None)[0]
        if solved.min() >= 0:
            found[kept] = solved / scale[kept]
            break
        kept.pop(int(np.argmin(solved)))
    return found
