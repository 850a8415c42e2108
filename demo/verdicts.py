"""Does the diagnosis name the cause each training was made to show? Train all, print the table, be loud if not."""

import shutil
import time
from pathlib import Path

import keras
from rich import box
from rich.console import Console
from rich.table import Table
from trainings import TRAININGS, Training

from tb_lossdiag import Report, diagnose

# The runs are judged at a fixed start, so that the demo says the same on every machine.
SEED = 1


def train_and_judge(logs: Path) -> bool:
    """Whether every report agrees with its training's declared cause."""
    console = Console()
    shutil.rmtree(logs, ignore_errors=True)
    for number, training in enumerate(TRAININGS, 1):
        started = time.monotonic()
        console.print(f"[{number:2}/{len(TRAININGS)}] {training.name} …", end=" ", highlight=False, markup=False)
        keras.backend.clear_session()
        keras.utils.set_random_seed(SEED)
        training.train(str(logs / training.name))
        console.print(f"{time.monotonic() - started:.0f} s", highlight=False)
    reports = diagnose(logs)
    wrong = [training for training in TRAININGS if not _agrees(training, reports[training.name])]
    console.print(verdict_table(reports, wrong))
    for training in wrong:
        console.print(f"[bold red]WRONG: {training.name} was made to show {training.cause or 'nothing'}[/]")
    return not wrong


def verdict_table(reports: dict[str, Report], wrong: list[Training]) -> Table:
    """What the diagnosis says of each training. In 80 columns every name and every id is whole: they are looked up."""
    table = Table(title="What the diagnosis says", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("run", "verdict", "first cause"):
        table.add_column(name, no_wrap=True)
    table.add_column()
    for training in TRAININGS:
        report = reports[training.name]
        told = "[bold red]WRONG[/]" if training in wrong else "right"
        table.add_row(training.name, report.verdict.state, report.verdict.cause or "-", told)
    return table


def _agrees(training: Training, report: Report) -> bool:
    if training.cause is None:
        return report.severity in ("none", "note")
    return report.verdict.cause == training.cause == report.causes[0].id
