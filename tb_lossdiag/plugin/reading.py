"""Reads and diagnoses one run; whatever goes wrong with it becomes a report that says so."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from tensorboard.util import tb_logging

from tb_lossdiag import schema
from tb_lossdiag.diagnosis.report import Report, undiagnosed
from tb_lossdiag.logs import Log, read_run
from tb_lossdiag.logs.experiments import Experiment
from tb_lossdiag.plugin.statistics import Statistic, statistics_of
from tb_lossdiag.run import Run

logger = tb_logging.get_logger()

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

    @property
    def bytes(self) -> int:
        """How much memory it takes, about."""
        tables = (self.run.layers, self.run.data, self.run.targets)
        histograms = 0 if self.run.histograms is None else self.run.histograms.shares.nbytes
        return READING_BYTES + histograms + sum(table.values.nbytes for table in tables if table is not None)


def read(log: Log, experiment: Experiment, diagnose: Callable[[Run], Report]) -> Reading:
    run = Run(experiment.name)
    try:
        run = read_run(log, experiment)
        return Reading(run, diagnose(run))
    except schema.NewerFormat as error:
        return Reading(run, undiagnosed(run.name, error), str(error))
    except Exception as error:  # one broken run must not take the list of runs down
        logger.exception("run %r could not be diagnosed", run.name)
        return Reading(run, undiagnosed(run.name, error), f"{type(error).__name__}: {error}")
