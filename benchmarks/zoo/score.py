"""How often is a diagnosis right? Detected, first, among the first three, false alarms, and how soon, with intervals.

A sick training counts as detected when something not ruled out is at warning or critical; a wrong metric harms no
training, so there naming it is enough. First and top 3 ask for the true cause, or for one declared as equally true.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.peers import PEERS, Case
from benchmarks.zoo.training import Training
from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.report import Report
from tb_lossdiag.logs import list_experiments, read_run
from tb_lossdiag.logs.provider import open_log
from tb_lossdiag.run import Run

GRAVE = ("warning", "critical")
HARMLESS = {"wrong_metric"}
WELL = ("learning", "converged")
# A live page looks again and again; these steps stand for its looks.
LOOKS = (10, 20, 35, 50, 75, 100, 150, 200, 300, 400, 600, 800, 1200, 1600, 2400, 3200)
Z_95 = 1.96


@dataclass(frozen=True)
class Judged:
    """What one tool says of one recorded training.

    name, truth: the training's. causes: ids, best first. detected_at: the look at which it first alarmed; None when it
    never did, or cannot say. alarmed_live: whether it alarmed at any look while the run was going on. not_run: how many
    checks lacked their data. ran: False for a tool that could not judge this run at all. well: whether it says that the
    training learns or has learned, and finds nothing grave.
    """

    name: str
    truth: tuple[str, ...]
    seed: int
    alarmed: bool
    causes: tuple[str, ...] = ()
    critical: bool = False
    detected_at: int | None = None
    alarmed_live: bool = False
    not_run: int = 0
    ran: bool = True
    well: bool = False

    @property
    def detected(self) -> bool:
        return self.alarmed or (self.first and self.truth[0] in HARMLESS)

    @property
    def first(self) -> bool:
        return bool(self.causes) and self.causes[0] in self.truth

    @property
    def among_three(self) -> bool:
        return not set(self.truth).isdisjoint(self.causes[:3])


@dataclass(frozen=True)
class Share:
    """hits of total, with Wilson's 95 % interval."""

    hits: int
    total: int

    @property
    def interval(self) -> tuple[float, float]:
        if not self.total:
            return 0.0, 1.0
        p, z, n = self.hits / self.total, Z_95, self.total
        middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        low, high = (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)
        return max(low, 0.0), min(high, 1.0)  # rounding puts the bounds of 0 and of all beside them

    def __str__(self) -> str:
        if not self.total:
            return "-"
        low, high = self.interval
        return f"{self.hits / self.total:.1%} ({self.hits}/{self.total}; {low:.0%} … {high:.0%})"


def share(judged: Iterable[Judged], hit: Callable[[Judged], bool]) -> Share:
    answers = [hit(one) for one in judged]
    return Share(sum(answers), len(answers))


def read(log_dir: Path) -> Run:
    """The one training recorded below this directory."""
    log = open_log(log_dir)
    (experiment,) = list_experiments(log).values()
    return read_run(log, experiment)


def ours(training: Training, seed: int, run: Run) -> Judged:
    """What this project says, at the end and at every look on the way."""
    report = diagnose_run(run)
    alarms = [step for step in LOOKS if step < run.last_step and _alarmed(diagnose_run(until(run, step)))]
    alarmed = _alarmed(report)
    return Judged(
        training.name,
        training.truth,
        seed,
        alarmed,
        tuple(cause.id for cause in report.causes if cause.confidence != "ruled_out"),
        report.severity == "critical",
        min(alarms, default=run.last_step) if alarmed else None,
        alarmed or bool(alarms),
        sum(check.state == "not_run" for check in report.checks),
        well=not alarmed and report.verdict.state in WELL,
    )


def peers(training: Training, seed: int, run: Run, log_dir: Path) -> dict[str, Judged]:
    """What the other tools say, by name."""
    case = Case(run, log_dir)
    answers = {name: ask(case) for name, ask in PEERS.items()}
    return {
        name: Judged(training.name, training.truth, seed, a.alarmed, a.causes, ran=a.ran) for name, a in answers.items()
    }


def until(run: Run, step: int) -> Run:
    """The run as it was when this step had just been recorded."""
    return replace(
        run,
        steps={name: series.between(0, step) for name, series in run.steps.items()},
        epochs={name: series.between(0, step) for name, series in run.epochs.items()},
        layers=run.layers and run.layers.between(0, step),
        data=run.data and run.data.between(0, step),
        targets=run.targets and run.targets.between(0, step),
        events=tuple(event for event in run.events if event.step <= step),
        ended=False,
    )


def _alarmed(report: Report) -> bool:
    return report.severity in GRAVE
