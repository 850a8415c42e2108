"""How is one log read? Through TensorBoard's DataProvider: one tag at a time, bounded, repaired.

The provider may be TensorBoard's Python loader or its Rust data server; nothing here depends on which.
"""

import math
from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.context import RequestContext
from tensorboard.data.provider import DataProvider, RunTagFilter

from tb_lossdiag import schema, storage
from tb_lossdiag.logs.bounded import bounded, refusal
from tb_lossdiag.logs.damage import Damage, damage_in
from tb_lossdiag.logs.repair import surviving

MAX_RECORDS = 10_000  # per tag; our own writer stays below it, so only a foreign or hostile log is ever sampled
READ_BYTES = 64 << 20  # per tag; TensorBoard's connection to its data server refuses answers above 256 MiB
LAST_SECOND = 253402300799  # Unix seconds of the end of the year 9999
SCALARS = "scalars"  # the plugin name under which TensorBoard serves scalar summaries, whoever wrote them


@dataclass(frozen=True)
class Samples:
    """The records of one tag.

    steps: int64 [n], strictly increasing. walls: float64 [n], Unix seconds. values: n of them, float64 [n] for scalars.
    sampled: whether there were more than are read of one tag, so that some were left out.
    """

    steps: np.ndarray
    walls: np.ndarray
    values: np.ndarray | list
    sampled: bool = False

    def __len__(self) -> int:
        return len(self.steps)

    def take(self, indices: np.ndarray | list[int]) -> "Samples":
        """The samples at these indices."""
        index = np.asarray(indices, np.int64)
        taken = self.values[index] if isinstance(self.values, np.ndarray) else [self.values[i] for i in index]
        return replace(self, steps=self.steps[index], walls=self.walls[index], values=taken)


@dataclass(frozen=True)
class Log:
    """One log directory as a data provider serves it. experiment: TensorBoard's experiment id, "" for a local log.

    directory: where its event files lie; "" where that is not known or not on this machine.
    """

    provider: DataProvider
    context: RequestContext
    experiment: str = ""
    directory: str = ""

    def recorded_tags(self, runs: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
        """{run: {tag: TensorTimeSeries}} of our own tags, in all runs or in the named ones."""
        return self.provider.list_tensors(self.context, plugin_name=schema.PLUGIN_NAME, **self._of(runs))

    def scalar_tags(self, runs: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
        """{run: {tag: ScalarTimeSeries}} of the plain scalars, in all runs or in the named ones."""
        return self.provider.list_scalars(self.context, plugin_name=SCALARS, **self._of(runs))

    def damage(self, run: str, one_writer: bool = False) -> Damage:
        """What is wrong with the run's event files; one_writer: as for `damage_in`."""
        try:
            directory = storage.place(self.directory)
        except ValueError:  # not known, or as TensorBoard alone understands it
            return Damage()
        return damage_in(directory / run, one_writer) if isinstance(directory, Path) else Damage()

    def read_tensors(self, run: str, tag: str, lost: Set[tuple[int, float]] = frozenset()) -> Samples:
        """The tensors of one of our own tags as numpy arrays of whatever type was written.

        A tensor that is not worth expanding is a text that says why not; see `refusal`. lost: (step, Unix seconds) of
        records to leave out. Raises what decoding a broken tensor raises (TypeError, ValueError); the tag is lost then.
        """
        provider = bounded(self.provider)
        newest = self._read(provider.read_tensors, schema.PLUGIN_NAME, run, tag, 1)
        record_bytes = max(1, newest[-1].numpy.nbytes) if newest else 1
        budget = max(1, min(MAX_RECORDS, READ_BYTES // record_bytes))
        data = self._read(provider.read_tensors, schema.PLUGIN_NAME, run, tag, budget, lost)
        return replace(_samples(data, [datum.numpy for datum in data]), sampled=len(data) >= budget)

    def read_scalars(self, run: str, tag: str, lost: Set[tuple[int, float]] = frozenset()) -> Samples:
        """The points of a plain scalar tag; values: float64 [n]. lost: as for read_tensors.

        Raises ValueError where one is no number.
        """
        data = self._read(bounded(self.provider).read_scalars, SCALARS, run, tag, MAX_RECORDS, lost)
        for value in (datum.value for datum in data):
            if isinstance(value, bytes):
                raise ValueError(refusal(np.array(value, object)) or "a text where a number should be")
        return _samples(data, np.array([datum.value for datum in data], np.float64))

    def _of(self, runs: Iterable[str] | None, tags: Iterable[str] | None = None) -> dict[str, Any]:
        return {"experiment_id": self.experiment, "run_tag_filter": RunTagFilter(runs=runs, tags=tags)}

    def _read(
        self, read, plugin_name: str, run: str, tag: str, budget: int, lost: Set[tuple[int, float]] = frozenset()
    ) -> list:
        found = read(self.context, plugin_name=plugin_name, downsample=budget, **self._of([run], [tag]))
        data = found.get(run, {}).get(tag, [])
        # The data server has nothing that was written at no time.
        return [each for each in data if math.isfinite(each.wall_time) and (each.step, each.wall_time) not in lost]


def _samples(data: list, values: np.ndarray | list) -> Samples:
    steps = np.array([datum.step for datum in data], np.int64)
    walls = np.array([datum.wall_time for datum in data], np.float64)
    return Samples(steps, walls, values).take(np.flatnonzero(surviving(steps)))


def newest_wall_time(walls: Iterable[float | None]) -> float:
    """The latest of these times in Unix seconds; 0 where none is a time that a calendar has."""
    return max((float(wall) for wall in walls if wall is not None and 0 <= wall <= LAST_SECOND), default=0.0)
