"""Which speed was promised, and is it kept? For 500 layers; twice as much is allowed for 1,000."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.page.loads import Load

RUNS = 1000  # that the limits of the list are for
FIRST_SECONDS = 2.0
CPU_SECONDS = 30.0  # for all verdicts; fewer runs may take less in proportion
AGAIN_SECONDS = 0.05
SIZE = 500  # layers that the limits are for
BUNDLE_BYTES = 80_000  # gzip


@dataclass(frozen=True)
class Goal:
    """measured: one load's number, in `unit`. limit: for the median over the loads; None where none was set."""

    title: str
    unit: str
    limit: float | None
    measured: Callable[[Load], float]

    def limit_for(self, layers: int) -> float | None:
        return None if self.limit is None else self.limit * max(1, layers / SIZE)


GOALS = (
    Goal("first findings visible", "ms", 800, lambda load: load.findings),
    Goal("heatmap drawn", "ms", 1200, lambda load: load.heatmap),
    Goal("hover, median", "ms", 34, lambda load: float(np.median(load.hover))),
    Goal("hover, 95 %", "ms", None, lambda load: float(np.quantile(load.hover, 0.95))),
    Goal("zoom, median", "ms", 34, lambda load: float(np.median(load.zoom))),
    Goal("zoom, 95 %", "ms", None, lambda load: float(np.quantile(load.zoom, 0.95))),
    Goal("layer records in the heatmap", "", None, lambda load: load.records),
    Goal("heap of the page", "MB", 60, lambda load: load.heap / 1e6),
)
