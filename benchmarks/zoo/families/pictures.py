"""What do the segmentations and image classifiers of the families see?"""

from functools import cache

import numpy as np

from benchmarks.zoo.data import Data, parted

SIDE = 16


@cache
def blobs() -> Data:
    """500 noisy pictures [16, 16, 1] of one to three discs; the target is the mask of the discs."""
    rng = np.random.default_rng(60)
    grid = np.stack(np.mgrid[:SIDE, :SIDE], -1)
    masks = np.zeros((500, SIDE, SIDE), bool)
    for mask in masks:
        for _ in range(rng.integers(1, 4)):
            mask |= ((grid - rng.uniform(2, 13, 2)) ** 2).sum(-1) < rng.uniform(1.5, 3.5) ** 2
    x = 0.5 * masks + rng.normal(0.25, 0.12, masks.shape)
    return parted(x[..., None], masks[..., None].astype("float32"))


@cache
def masks_255() -> Data:
    """The masks as image files hold them."""
    x, y, x_val, y_val = blobs()
    return Data(x, 255 * y, x_val, 255 * y_val)


@cache
def wrong_masks() -> Data:
    """Each picture has the mask of another: the two folders were listed in different orders."""
    x, y, x_val, y_val = blobs()
    return Data(x, y[np.random.default_rng(0).permutation(len(y))], x_val, y_val)
