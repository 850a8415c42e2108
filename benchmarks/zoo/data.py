"""What do the trainings of the zoo learn from? Small data sets from scikit-learn and from NumPy generators.

Each is the same at every seed: a seed changes the weights and the order, not the task.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine, make_circles, make_moons

VALIDATION_SHARE = 0.2


class Data(NamedTuple):
    """x, y to train with; x_val, y_val to validate with, None where the training has none."""

    x: np.ndarray
    y: np.ndarray
    x_val: np.ndarray | None = None
    y_val: np.ndarray | None = None


def parted(x: np.ndarray, y: np.ndarray) -> Data:
    """Shuffled once, the last fifth kept for validation. Labels stay integers, the rest becomes float32."""
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]
    y = y.astype("int32") if np.issubdtype(y.dtype, np.integer) and y.ndim == 1 else y.astype("float32")
    x = x.astype("int32") if np.issubdtype(x.dtype, np.integer) else x.astype("float32")
    kept = round(len(x) * (1 - VALIDATION_SHARE))
    return Data(x[:kept], y[:kept], x[kept:], y[kept:])


def standardised(x: np.ndarray) -> np.ndarray:
    return (x - x.mean(0)) / x.std(0)


@cache
def digits() -> Data:
    """1,797 handwritten digits as 64 pixels in 0 … 1."""
    x, y = load_digits(return_X_y=True)
    return parted(x / 16, y)


@cache
def one_hot_digits() -> Data:
    x, y, x_val, y_val = digits()
    return Data(x, np.eye(10, dtype="float32")[y], x_val, np.eye(10, dtype="float32")[y_val])


@cache
def digit_images() -> Data:
    """The digits as images [8, 8, 1]."""
    x, y, x_val, y_val = digits()
    return Data(x.reshape(-1, 8, 8, 1), y, x_val.reshape(-1, 8, 8, 1), y_val)


@cache
def digit_rows() -> Data:
    """The digits read row by row: [8, 8]."""
    x, y, x_val, y_val = digits()
    return Data(x.reshape(-1, 8, 8), y, x_val.reshape(-1, 8, 8), y_val)


@cache
def raw_wine() -> Data:
    """178 wines, 13 measurements as they come (0.1 … 1,680), 3 classes."""
    return parted(*load_wine(return_X_y=True))


@cache
def wine() -> Data:
    x, y = load_wine(return_X_y=True)
    return parted(standardised(x), y)


@cache
def raw_tumours() -> Data:
    """569 tumours, 30 measurements as they come (0.001 … 4,254), benign or not as [n, 1]."""
    x, y = load_breast_cancer(return_X_y=True)
    return parted(x, y[:, None].astype("float32"))


@cache
def tumours() -> Data:
    x, y = load_breast_cancer(return_X_y=True)
    return parted(standardised(x), y[:, None].astype("float32"))


@cache
def moons() -> Data:
    """Two interleaved half circles, 1,000 points."""
    x, y = make_moons(1000, noise=0.1, random_state=0)
    return parted(standardised(x), y[:, None].astype("float32"))


@cache
def circles() -> Data:
    """A circle in a ring, 1,000 points."""
    x, y = make_circles(1000, noise=0.08, factor=0.5, random_state=0)
    return parted(standardised(x), y[:, None].astype("float32"))


@cache
def spirals() -> Data:
    """Three arms of a spiral, 1,200 points: nothing linear separates them."""
    rng = np.random.default_rng(1)
    y = np.arange(1200) % 3
    radius = rng.uniform(0.1, 1, 1200)
    angle = 3.5 * radius + 2 * np.pi / 3 * y + rng.normal(0, 0.12, 1200)
    return parted(standardised(radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)), y)


def _houses() -> tuple[np.ndarray, np.ndarray]:
    """1,200 made-up houses: square metres beside yearly incomes, and prices around 200,000."""
    rng = np.random.default_rng(2)
    n = 1200
    area = rng.uniform(30, 250, n)
    rooms = np.clip(np.round(area / 30 + rng.normal(0, 1, n)), 1, 9)
    age = rng.uniform(0, 100, n)
    income = rng.lognormal(10.5, 0.4, n)
    distance = rng.exponential(8, n)
    rate = rng.uniform(0.01, 0.06, n)
    x = np.stack([area, rooms, age, income, distance, rate], 1)
    price = 900 * area * np.exp(-distance / 20) + 3.5 * income + 9000 * rooms - 500 * np.abs(age - 40) - 6e5 * rate
    return x, (price + rng.normal(0, 8000, n))[:, None]


@cache
def raw_features() -> Data:
    """Features as they come, standardised prices."""
    x, y = _houses()
    return parted(x, standardised(y))


@cache
def unscaled_houses() -> Data:
    """Standardised features, prices as they come."""
    x, y = _houses()
    return parted(standardised(x), y)


@cache
def houses() -> Data:
    x, y = _houses()
    return parted(standardised(x), standardised(y))


@cache
def tags() -> Data:
    """1,200 documents of 24 features with any of 6 tags each."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(1200, 24))
    score = x @ rng.normal(size=(24, 6)) / np.sqrt(24) + 0.5 * np.tanh(2 * x[:, :6] * x[:, 6:12])
    return parted(x, (score > 0.2).astype("float32"))


@cache
def shapes() -> Data:
    """1,200 noisy images [12, 12, 1] of a horizontal bar, a vertical bar, a cross or a square, anywhere."""
    rng = np.random.default_rng(4)
    x = rng.normal(0, 0.15, (1200, 12, 12, 1))
    y = np.arange(1200) % 4
    for image, kind in zip(x, y, strict=True):
        row, column = rng.integers(0, 7, 2)
        patch = image[row : row + 5, column : column + 5, 0]
        if kind in (0, 2):
            patch[2] += 1
        if kind in (1, 2):
            patch[:, 2] += 1
        if kind == 3:
            patch[[0, -1]] += 1
            patch[1:-1, [0, -1]] += 1
    return parted(x, y)


@cache
def spots() -> Data:
    """1,000 noisy images [12, 12, 1] of a bright spot; the target is its place as [n, 2]."""
    rng = np.random.default_rng(5)
    place = rng.uniform(2, 9, (1000, 2))
    grid = np.stack(np.mgrid[:12, :12], -1)
    distance = ((grid[None] - place[:, None, None]) ** 2).sum(-1)
    x = np.exp(-distance / 4) + rng.normal(0, 0.1, distance.shape)
    return parted(x[..., None], standardised(place))


def _waves(n: int, length: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    kind = np.arange(n) % 4
    frequency = rng.uniform(1.5, 3.5, n)
    phase = (frequency[:, None] * np.arange(length) / length + rng.uniform(0, 1, n)[:, None]) % 1
    forms = np.stack([np.sin(2 * np.pi * phase), np.sign(0.5 - phase), 2 * phase - 1, 1 - 2 * phase])
    x = forms[kind, np.arange(n)] + rng.normal(0, 0.1, (n, length))
    return x[..., None], kind, frequency


@cache
def waves() -> Data:
    """1,000 waves [24, 1]: sine, square, rising or falling saw."""
    x, kind, _ = _waves(1000, 24, 6)
    return parted(x, kind)


@cache
def frequencies() -> Data:
    """1,000 noisy sines [24, 1]; the target is their frequency."""
    rng = np.random.default_rng(7)
    frequency = rng.uniform(0.5, 3, 1000)
    phase = frequency[:, None] * np.arange(24) / 24 + rng.uniform(0, 0.2, 1000)[:, None]
    x = np.sin(2 * np.pi * phase) + rng.normal(0, 0.1, phase.shape)
    return parted(x[..., None], standardised(frequency[:, None]))


VOCABULARY = 40
LENGTH = 16


@cache
def topics() -> Data:
    """1,200 sentences of 16 words out of 40; each of 4 topics prefers 10 of them."""
    rng = np.random.default_rng(8)
    y = np.arange(1200) % 4
    own = rng.integers(0, 10, (1200, LENGTH)) + 10 * y[:, None]
    any_word = rng.integers(0, VOCABULARY, (1200, LENGTH))
    return parted(np.where(rng.random((1200, LENGTH)) < 0.45, own, any_word), y)


@cache
def reviews() -> Data:
    """1,200 sentences of 16 words out of 40, praise if the first ten words outnumber the last ten, as [n, 1]."""
    rng = np.random.default_rng(9)
    x = rng.integers(0, VOCABULARY, (2400, LENGTH))
    balance = (x < 10).sum(1) - (x >= 30).sum(1)
    x, balance = x[balance != 0][:1200], balance[balance != 0][:1200]
    return parted(x, (balance > 0)[:, None].astype("float32"))


@cache
def ratings() -> Data:
    """1,200 sentences of 16 words out of 40; the target is the mean worth of their words."""
    rng = np.random.default_rng(10)
    x = rng.integers(0, VOCABULARY, (1200, LENGTH))
    worth = rng.normal(size=VOCABULARY)
    return parted(x, standardised(worth[x].mean(1, keepdims=True)))


@cache
def early() -> Data:
    """900 sequences [30, 1]: the first six values tell one of 3 classes, all later ones are noise."""
    rng = np.random.default_rng(12)
    y = np.arange(900) % 3
    x = rng.normal(0, 0.5, (900, 30))
    x[:, :6] += 2.0 * (y[:, None] - 1)
    return parted(x[..., None], y)


@cache
def noisy_line() -> Data:
    """1,000 rows of 20 features; a fifth of the target's variance is noise that nobody can learn."""
    rng = np.random.default_rng(16)
    x = rng.normal(size=(1000, 20))
    signal = x @ rng.normal(size=(20, 1)) * 2 / np.sqrt(20)
    return parted(x, signal + rng.normal(size=(1000, 1)))


@cache
def noisy_spots() -> Data:
    """The spots, their places measured with an error."""
    x, y, x_val, y_val = spots()
    return Data(x, y + np.random.default_rng(17).normal(0, 0.5, y.shape).astype("float32"), x_val, y_val)


@cache
def rare() -> Data:
    """3,000 transactions of 12 features, one in forty a fraud that overlaps with the others, as [n, 1]."""
    rng = np.random.default_rng(11)
    y = (rng.random(3000) < 0.025).astype("float32")
    x = rng.normal(size=(3000, 12)) + 0.6 * y[:, None] * np.sign(np.arange(12) - 5.5)
    return parted(x, y[:, None])


@cache
def rare_kinds() -> Data:
    """3,000 transactions of 12 features, two kinds of fraud among them, 2.5 % each."""
    rng = np.random.default_rng(13)
    y = rng.choice(3, 3000, p=(0.95, 0.025, 0.025))
    direction = np.stack([np.zeros(12), np.sign(np.arange(12) - 5.5), np.ones(12)])
    return parted(rng.normal(size=(3000, 12)) + 0.65 * direction[y], y)


@cache
def rare_spots() -> Data:
    """1,500 noisy images [12, 12, 1], one in thirty with a faint spot in the middle, as [n, 1]."""
    rng = np.random.default_rng(14)
    y = (rng.random(1500) < 0.033).astype("float32")
    grid = np.stack(np.mgrid[:12, :12], -1)
    spot = np.exp(-((grid - 5.5) ** 2).sum(-1) / 8)
    x = rng.normal(0, 0.5, (1500, 12, 12)) + 0.45 * y[:, None, None] * spot
    return parted(x[..., None], y[:, None])


@cache
def rare_waves() -> Data:
    """1,500 noisy sequences [24, 1], one in thirty on a slightly raised level, as [n, 1]."""
    rng = np.random.default_rng(15)
    y = (rng.random(1500) < 0.033).astype("float32")
    x = rng.normal(0, 1, (1500, 24)) + 0.45 * y[:, None]
    return parted(x[..., None], y[:, None])
