"""Which pairs of digits do the siamese nets learn from?"""

import numpy as np

from benchmarks.zoo.data import digits


def pairs(share: float, seed: int = 63, count: int = 3000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """count pairs, this share of them of one digit; the last array says which."""
    rng = np.random.default_rng(seed)
    x, digit, *_ = digits()
    by_digit = [np.flatnonzero(digit == one) for one in range(10)]
    same = rng.random(count) < share
    left = rng.integers(0, len(x), count)
    other = (digit[left] + rng.integers(1, 10, count)) % 10
    right = np.array([rng.choice(by_digit[one]) for one in np.where(same, digit[left], other)])
    return x[left], x[right], same[:, None].astype("float32")
