"""What is known about a run right now? Its Run and its Report, read and diagnosed once per change of its data."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from tensorboard.util import tb_logging

from tb_lossdiag import schema
from tb_lossdiag.diagnosis.report import Report, undiagnosed
from tb_lossdiag.logs import Log, list_experiments, read_run
from tb_lossdiag.logs.experiments import Experiment
from tb_lossdiag.plugin.statistics import Statistic, statistics_of
from tb_lossdiag.run import Run

logger = tb_logging.get_logger()

CACHE_BYTES = 512 << 20  # a few of the largest runs the log reader returns, or thousands of usual ones
READING_BYTES = 64 << 10  # what a reading weighs beside its tables: series, card and report


@dataclass(frozen=True)
class Reading:
    """A run and its report, of one moment. problem: why the run could not be read or diagnosed, "" when it could."""

    run: Run
    report: Report
    problem: str = ""

    @cached_property
    def statistics(self) -> list[Statistic]:
        """What the layer table holds; found by looking at all of it, so once."""
        return statistics_of(self.run.layers)


class Readings:
    """Keeps the newest reading of each run until its data change. All routes share it, so they agree with each other.

    One request at a time reads and diagnoses; the others wait and find the result.
    """

    def __init__(self, diagnose: Callable[[Run], Report]) -> None:
        self._diagnose = diagnose
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], tuple[tuple, Reading]] = OrderedDict()

    def of(self, log: Log, name: str) -> Reading | None:
        """The named run's reading, None when the log has no such run."""
        experiment = list_experiments(log, name).get(name)
        return None if experiment is None else self._current(log, experiment)

    def all(self, log: Log) -> list[Reading]:
        """Every run's reading, by name."""
        return [self._current(log, experiment) for experiment in list_experiments(log).values()]

    def _current(self, log: Log, experiment: Experiment) -> Reading:
        key = (log.experiment, experiment.name)
        with self._lock:
            kept = self._kept.pop(key, None)
            reading = kept[1] if kept and kept[0] == experiment.stamp else self._read(log, experiment)
            self._kept[key] = (experiment.stamp, reading)  # popped and put back: the newest is last
            while len(self._kept) > 1 and sum(_weight(each) for _, each in self._kept.values()) > CACHE_BYTES:
                self._kept.popitem(last=False)
            return reading

    def _read(self, log: Log, experiment: Experiment) -> Reading:
        run = Run(experiment.name)
        try:
            run = read_run(log, experiment)
            return Reading(run, self._diagnose(run))
        except schema.NewerFormat as error:
            return Reading(run, undiagnosed(run.name, error), str(error))
        except Exception as error:  # one broken run must not take the list of runs down
            logger.exception("run %r could not be diagnosed", run.name)
            return Reading(run, undiagnosed(run.name, error), f"{type(error).__name__}: {error}")


def _weight(reading: Reading) -> int:
    tables = (reading.run.layers, reading.run.data, reading.run.targets)
    histograms = 0 if reading.run.histograms is None else reading.run.histograms.shares.nbytes
    return READING_BYTES + histograms + sum(table.values.nbytes for table in tables if table is not None)
