"""Which values of a large tensor does a histogram count? Some thousand of them, at even distances."""

import math
from collections.abc import Sequence

# Of so many values a share is known within 1.1 % for one standard error. A smaller tensor is counted whole.
DRAWN_VALUES = 2_048
# Of an output so many examples are drawn at least, since those of one example are alike.
DRAWN_EXAMPLES = 64
DRAWN_COLUMNS = 256  # at least, spread over units and positions


def stride(sizes: Sequence[int], wanted: int = DRAWN_VALUES) -> int:
    """Every how many elements to draw from tensors of these sizes to have as many as wanted of each.

    Without a factor in common with a size, so that no axis is met in a few places only.
    """
    every = max(1, min(sizes) // wanted)
    while any(math.gcd(every, size) > 1 for size in sizes):
        every += 1
    return every


def examples(columns: int) -> int:
    """How many examples to draw of an output from each of which so many values are drawn."""
    return max(DRAWN_EXAMPLES, DRAWN_VALUES // max(1, columns))
