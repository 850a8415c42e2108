"""What should a histogram be? The shares of all values, which numpy sorts by frexp; and values worth counting."""

import numpy as np

from tb_lossdiag import schema


def shares(x: np.ndarray) -> np.ndarray:
    """float64 [BUCKETS]: the histogram of all finite elements; NaN for none."""
    x = np.asarray(x, np.float32).ravel()
    finite = x[np.isfinite(x)]
    octaves = np.clip(np.frexp(finite)[1] - 1, schema.SMALLEST_OCTAVE, schema.LARGEST_OCTAVE)
    buckets = schema.ZERO_BUCKET + np.sign(finite).astype(int) * (octaves - schema.SMALLEST_OCTAVE + 1)
    counts = np.bincount(buckets, minlength=schema.BUCKETS)
    return counts / x.size if x.size else np.full(schema.BUCKETS, np.nan)


def moved(line: np.ndarray, x: np.ndarray) -> float:
    """How many of the values stand in another bucket of the line than numpy puts them in."""
    return float(np.abs(line.astype(float) - shares(x)).sum() / 2 * np.size(x))


def wide(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Magnitudes from 1e-15 to 1e9, of both signs, a tenth of them 0."""
    sizes = 10.0 ** rng.uniform(-15, 9, shape) * rng.choice([-1, 0, 1], shape, p=[0.4, 0.1, 0.5])
    return sizes.astype(np.float32)
