"""What do the packed numbers of a sampled step stand for? The rows and columns that a step's trace fixed.

Free of any framework: what a backend packs, the recorder unpacks by this.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tb_lossdiag.run import Row
from tb_lossdiag.schema import (
    BUCKETS,
    COUNTED_COLUMNS,
    HISTOGRAM_QUANTITIES,
    LAYER_COLUMNS,
    STEP_COLUMNS,
    histogram_lines,
)

STEP_NUMBERS = tuple(name for name in STEP_COLUMNS if name not in COUNTED_COLUMNS)
VARIABLE_COLUMNS = tuple(name for name, kind in LAYER_COLUMNS.items() if kind == "variable")
OUTPUT_COLUMNS = tuple(name for name, kind in LAYER_COLUMNS.items() if kind == "output")


@dataclass(frozen=True)
class Layout:
    """What the tensors of a packed step stand for.

    rows: of the layer table in data-flow order; its variables are the rows of tensor "variables", its outputs those of
    "outputs". unreached: variables without a gradient. inputs: layer path to the paths that feed it. units: layer path
    to the size of its last output axis. cached_logits: whether a prediction carries the values before its softmax or
    sigmoid. classes: of integer class labels, None for other targets. prediction: dtype name and static shape of the
    first, () without one. weighted: whether the loss was given sample weights.
    followed: (row, units) of those whose silent units tensor "silent" tells.
    given: (name, dtype, shape without the batch axis) of each input. optimizers: that have updated variables of the
    model, as its framework has them.
    """

    rows: tuple[Row, ...]
    data_rows: tuple[Row, ...]
    unreached: tuple[str, ...]
    inputs: tuple[tuple[str, tuple[str, ...]], ...]
    units: tuple[tuple[str, int | None], ...]
    cached_logits: bool
    classes: int | None
    knows_loss: bool
    prediction: tuple[Any, ...]
    target_rank: int
    weighted: bool
    followed: tuple[tuple[str, int], ...] = ()
    given: tuple[tuple[str, str, tuple[int | None, ...]], ...] = ()
    optimizers: tuple[Any, ...] = ()


def histograms_in(card_rows: Sequence[Row], rows: Sequence[Row], table: np.ndarray) -> dict[str, np.ndarray]:
    """{quantity: [rows of its kind, BUCKETS]} in the card's order of rows, of a table [lines, BUCKETS] in that of rows.

    NaN for a row of the card that this trace did not have.
    """
    lines = histogram_lines([row.kind for row in rows])
    found = {(rows[place].name, quantity): line for (place, quantity), line in zip(lines, table, strict=True)}
    blank = np.full(BUCKETS, np.nan, np.float32)
    return {
        quantity: np.array([found.get((row.name, quantity), blank) for row in card_rows if row.kind == kind])
        for quantity, kind in HISTOGRAM_QUANTITIES.items()
        if any(row.kind == kind for row in card_rows)
    }
