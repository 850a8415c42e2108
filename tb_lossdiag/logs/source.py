"""How is one log read? Through TensorBoard's DataProvider: one tag at a time, bounded, repaired.

The provider may be TensorBoard's Python loader or its Rust data server; nothing here depends on which.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from tensorboard.context import RequestContext
from tensorboard.data.provider import DataProvider, RunTagFilter

from tb_lossdiag import schema
from tb_lossdiag.logs.repair import surviving

MAX_RECORDS = 10_000  # per tag; our own writer stays below it, so only a foreign or hostile log is ever sampled
READ_BYTES = 64 << 20  # per tag; TensorBoard's connection to its data server refuses answers above 256 MiB
SCALARS = "scalars"  # the plugin name under which TensorBoard serves scalar summaries, whoever wrote them


@dataclass(frozen=True)
class Samples:
    """The records of one tag.

    steps: int64 [n], strictly increasing. walls: float64 [n], Unix seconds. values: n of them, float64 [n] for scalars.
    """

    steps: np.ndarray
    walls: np.ndarray
    values: np.ndarray | list

    def __len__(self) -> int:
        return len(self.steps)

    def take(self, indices: np.ndarray | list[int]) -> "Samples":
        """The samples at these indices."""
        index = np.asarray(indices, np.int64)
        taken = self.values[index] if isinstance(self.values, np.ndarray) else [self.values[i] for i in index]
        return Samples(self.steps[index], self.walls[index], taken)


@dataclass(frozen=True)
class Log:
    """One log directory as a data provider serves it. experiment: TensorBoard's experiment id, "" for a local log."""

    provider: DataProvider
    context: RequestContext
    experiment: str = ""

    def recorded_tags(self, runs: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
        """{run: {tag: TensorTimeSeries}} of our own tags, in all runs or in the named ones."""
        return self.provider.list_tensors(self.context, plugin_name=schema.PLUGIN_NAME, **self._of(runs))

    def scalar_tags(self, runs: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
        """{run: {tag: ScalarTimeSeries}} of the plain scalars, in all runs or in the named ones."""
        return self.provider.list_scalars(self.context, plugin_name=SCALARS, **self._of(runs))

    def read_tensors(self, run: str, tag: str) -> Samples:
        """The tensors of one of our own tags as numpy arrays of whatever type was written.

        Raises what decoding a broken tensor raises (TypeError, ValueError); the tag is lost then.
        """
        newest = self._read(self.provider.read_tensors, schema.PLUGIN_NAME, run, tag, 1)
        record_bytes = max(1, newest[-1].numpy.nbytes) if newest else 1
        budget = max(1, min(MAX_RECORDS, READ_BYTES // record_bytes))
        data = self._read(self.provider.read_tensors, schema.PLUGIN_NAME, run, tag, budget)
        return _samples(data, [datum.numpy for datum in data])

    def read_scalars(self, run: str, tag: str) -> Samples:
        """The points of a plain scalar tag; values: float64 [n]."""
        data = self._read(self.provider.read_scalars, SCALARS, run, tag, MAX_RECORDS)
        return _samples(data, np.array([datum.value for datum in data], np.float64))

    def _of(self, runs: Iterable[str] | None, tags: Iterable[str] | None = None) -> dict[str, Any]:
        return {"experiment_id": self.experiment, "run_tag_filter": RunTagFilter(runs=runs, tags=tags)}

    def _read(self, read, plugin_name: str, run: str, tag: str, budget: int) -> list:
        found = read(self.context, plugin_name=plugin_name, downsample=budget, **self._of([run], [tag]))
        return found.get(run, {}).get(tag, [])


def _samples(data: list, values: np.ndarray | list) -> Samples:
    steps = np.array([datum.step for datum in data], np.int64)
    walls = np.array([datum.wall_time for datum in data], np.float64)
    return Samples(steps, walls, values).take(np.flatnonzero(surviving(steps)))
