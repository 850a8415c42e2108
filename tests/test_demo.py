"""The demo is the specification: each training must get the cause it declares, and one report however it is read."""

import io
import json

import pytest
import verdicts
from rich.console import Console
from trainings import TRAININGS

from tb_lossdiag import cli
from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.causes import CANDIDATES
from tb_lossdiag.diagnosis.report import VERDICTS, Report, Verdict
from tb_lossdiag.logs import list_experiments, read_run


def test_every_training_gets_the_cause_it_declares(demo_logs):
    reports = cli.diagnose(demo_logs)
    said = {name: report.verdict.cause for name, report in reports.items()}
    assert said == {training.name: training.cause for training in TRAININGS}


def test_healthy_runs_stay_without_any_warning(demo_logs):
    reports = cli.diagnose(demo_logs)
    healthy = [training.name for training in TRAININGS if training.cause is None]
    assert {name: reports[name].severity for name in healthy} == dict.fromkeys(healthy, "none")


def test_both_loaders_and_the_command_line_give_one_report(demo_logs, open_log, capsys):
    log = open_log(demo_logs)
    reports = {
        name: diagnose_run(read_run(log, experiment)).to_dict() for name, experiment in list_experiments(log).items()
    }
    cli.run(["report", str(demo_logs), "--json"])
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(reports))


def test_every_likely_cause_comes_with_code_to_paste(demo_logs):
    for report in cli.diagnose(demo_logs).values():
        for cause in report.causes:
            assert cause.confidence != "likely" or cause.fix.code, f"{report.run}: {cause.id}"


@pytest.mark.parametrize("disagrees", [False, True])
def test_the_table_shows_whole_names_and_ids_in_80_columns(disagrees):
    longest = max((candidate.id for candidate in CANDIDATES), key=len)
    reports = {
        training.name: Report(training.name, Verdict(max(VERDICTS, key=len), "", longest)) for training in TRAININGS
    }
    console = Console(width=80, file=io.StringIO())
    console.print(verdicts.verdict_table(reports, TRAININGS if disagrees else []))
    printed = console.file.getvalue()
    assert all(training.name in printed for training in TRAININGS)
    assert printed.count(longest) == printed.count("WRONG" if disagrees else "right") == len(TRAININGS)
