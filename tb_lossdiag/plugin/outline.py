"""What is told of a run in the list of all runs: one line, which is kept when the run's data no longer are."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from tb_lossdiag.diagnosis.report import SEVERITIES, VERDICTS, Report
from tb_lossdiag.run import Run

PENDING = "pending"  # the state of a run that has not been diagnosed yet


class TimeSeries(Protocol):
    """What TensorBoard lists of a tag."""

    max_step: int | None
    max_wall_time: float | None


@dataclass(frozen=True)
class Outline:
    """One run of the route `runs`; see http_api.md."""

    name: str
    state: str
    severity: str
    headline: str
    cause: str | None
    cause_title: str
    last_step: int
    wall_time: float
    source: str
    problem: str


def outline(run: Run, report: Report, problem: str) -> Outline:
    return Outline(
        name=report.run,
        state=report.verdict.state,
        severity=report.severity,
        headline=report.verdict.headline,
        cause=report.verdict.cause,
        cause_title=report.first.title if report.first else "",
        last_step=run.last_step,
        wall_time=run.wall_time,
        source=run.source,
        problem=problem,
    )


def pending(name: str, source: str, series: Iterable[TimeSeries]) -> Outline:
    """What the list of a run's tags tells before any record is read. source: as in Run."""
    listed = list(series)
    walls = [each.max_wall_time for each in listed if each.max_wall_time is not None]
    return Outline(
        name=name,
        state=PENDING,
        severity="none",
        headline="",
        cause=None,
        cause_title="",
        last_step=max((each.max_step for each in listed if each.max_step is not None), default=0),
        wall_time=max(filter(math.isfinite, walls), default=0.0),
        source=source,
        problem="",
    )


def gravity(line: Outline) -> tuple[bool, int, int, str]:
    """Sorts the worst first: severity, then the verdict, then the name; what is pending comes last."""
    if line.state == PENDING:
        return True, 0, 0, line.name
    return False, (*SEVERITIES, "none").index(line.severity), VERDICTS.index(line.state), line.name
