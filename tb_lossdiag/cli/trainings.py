"""Every training below a log directory, read and diagnosed; one that cannot be does not take the others down."""

import os
from dataclasses import dataclass

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.report import Report, undiagnosed
from tb_lossdiag.diagnosis.setup import Group, setup
from tb_lossdiag.logs import list_experiments, read_run
from tb_lossdiag.logs.ahead import listed
from tb_lossdiag.logs.provider import open_log


@dataclass(frozen=True)
class Diagnosed:
    """A log's reports and settings by run name; failed: the runs that could not be read or diagnosed."""

    reports: dict[str, Report]
    setups: dict[str, tuple[Group, ...]]
    failed: set[str]


def diagnose(log_dir: str | os.PathLike) -> dict[str, Report]:
    """A report on every training below `log_dir`: {run name: Report}, sorted by name, empty when there is none.

    A run is named as in the Diagnostics tab: its directory relative to `log_dir`, "." for `log_dir` itself. A run that
    cannot be read, such as one from a newer version, has the verdict state "inconclusive" and says why.
    Raises FileNotFoundError or NotADirectoryError naming a `log_dir` that is not there, TypeError when it is no path.
    """
    return diagnosed(log_dir).reports


def diagnosed(log_dir: str | os.PathLike) -> Diagnosed:
    """As `diagnose`, with what else the commands tell."""
    log = listed(open_log(log_dir))
    reports, setups, failed = {}, {}, set()
    for name, experiment in list_experiments(log).items():
        setups[name] = ()
        try:
            run = read_run(log, experiment)
            reports[name], setups[name] = diagnose_run(run), setup(run.card)
        except Exception as error:
            reports[name] = undiagnosed(name, error)
            failed.add(name)
    return Diagnosed(reports, setups, failed)
