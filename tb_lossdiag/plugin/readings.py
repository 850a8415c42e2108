"""Knows what there is to say about each run now: read and diagnosed once per change of its data, for all routes."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from tensorboard.data.provider import DataProvider

from tb_lossdiag.diagnosis.report import Report
from tb_lossdiag.logs import Log, list_experiments
from tb_lossdiag.logs.ahead import listed, read_ahead
from tb_lossdiag.logs.experiments import Experiment, possible_runs
from tb_lossdiag.logs.source import SCALARS
from tb_lossdiag.plugin.kept import Kept
from tb_lossdiag.plugin.outline import Outline, outline, pending
from tb_lossdiag.plugin.queue import Key, Queue
from tb_lossdiag.plugin.reading import Reading, read
from tb_lossdiag.plugin.turns import Turns
from tb_lossdiag.run import Run

# How much longer a list of all tags is used than it took to make. TensorBoard's Python loader looks at every record
# for it: 80 ms of 1,000 runs of some hundred steps, which are then asked for once in 8 s.
LISTING_REUSE = 100


@dataclass(frozen=True)
class _Listing:
    """provider: the one that was asked. made, until: when that was, and when it has to be asked anew, by the clock."""

    provider: DataProvider
    log: Log
    experiments: dict[str, Experiment]
    made: float
    until: float


class Readings:
    """Keeps the newest reading of each run until its data change, and one line of every run, read or not.

    One thread at a time reads and diagnoses; the others wait and find the result. clock, sleep: as in `time`.
    """

    def __init__(
        self,
        diagnose: Callable[[Run], Report],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._diagnose = diagnose
        self._clock = clock
        self._turns = Turns()
        self._queue = Queue(self._outlined, sleep)
        self._lock = threading.Lock()  # of what follows, and never held for long
        self._kept = Kept()
        self._outlines: dict[Key, tuple[tuple, float, Outline]] = {}  # of which data, made when, by the clock
        self._listings: dict[str, _Listing] = {}

    def of(self, log: Log, name: str) -> Reading | None:
        """The named run's reading, None when the log has no such run."""
        log = listed(log, possible_runs(name))
        experiment = list_experiments(log, name).get(name)
        if experiment is None:
            return None
        kept = self._known(log, experiment)
        if kept is not None:
            return kept
        with self._turns.one(is_urgent=True):
            return self._known(log, experiment) or self._read(read_ahead(log, [experiment]), experiment)

    def all(self, log: Log, seconds: float | None = None, first: str | None = None) -> list[Outline]:
        """Every run's line, by name. A run that has grown has its last line until the next one is ready.

        seconds: how long to wait for lines that are not ready; without it until all are. first: the run that is
        diagnosed before the others.
        """
        listing = self._listing(log)
        with self._lock:
            missing = [each for each in listing.experiments.values() if not self._is_outlined(log, each)]
        if missing:
            self._queue.put(listing.log, missing, first)
            self._queue.wait(log, [each.name for each in missing], seconds)
        with self._lock:
            found = {name: self._outlines.get((log.experiment, name)) for name in listing.experiments}
        return [found[name][-1] if found[name] else self._pending(listing, name) for name in found]

    def _listing(self, log: Log) -> _Listing:
        known = self._listings.get(log.experiment)
        began = self._clock()
        if known is not None and known.provider is log.provider and began < known.until:
            return known
        now = listed(log)
        experiments = list_experiments(now)
        ended = self._clock()
        listing = self._listings[log.experiment] = _Listing(
            log.provider, now, experiments, ended, ended + LISTING_REUSE * (ended - began)
        )
        with self._lock:
            for key in [key for key in self._outlines if key[0] == log.experiment and key[1] not in experiments]:
                del self._outlines[key]
                self._kept.drop(key)
        return listing

    def _pending(self, listing: _Listing, name: str) -> Outline:
        runs = listing.experiments[name].runs.values()
        recorded, plain = listing.log.recorded_tags(runs), listing.log.scalar_tags(runs)
        series = [each for tags in (recorded, plain) for run in tags.values() for each in run.values()]
        return pending(name, "recorded" if recorded else SCALARS, series)

    def _known(self, log: Log, experiment: Experiment) -> Reading | None:
        with self._lock:
            return self._kept.get((log.experiment, experiment.name), experiment.stamp)

    def _is_outlined(self, log: Log, experiment: Experiment) -> bool:
        """Whether the run's line is of these data, or of newer ones than the list of tags that they stand in."""
        stamp, made, _ = self._outlines.get((log.experiment, experiment.name), (None, -math.inf, None))
        return stamp == experiment.stamp or made >= self._listings[log.experiment].made

    def _outlined(self, log: Log, experiment: Experiment) -> None:
        """Sees to it that there is a line of the run, unless somebody has been faster."""
        with self._turns.one(is_urgent=False):
            with self._lock:
                is_there = self._is_outlined(log, experiment)
            if not is_there:
                self._read(log, experiment)

    def _read(self, log: Log, experiment: Experiment) -> Reading:
        began = self._clock()
        reading = read(log, experiment, self._diagnose)
        key = (log.experiment, experiment.name)
        with self._lock:
            self._kept.put(key, experiment.stamp, reading)
            self._outlines[key] = (experiment.stamp, began, outline(reading.run, reading.report, reading.problem))
        return reading
