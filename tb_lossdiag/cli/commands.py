"""The commands of `tb-lossdiag`: what each asks of a log, what it answers, and with which exit code."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TextIO

import tb_lossdiag
from tb_lossdiag.cli.plain import encoding_of, plain, plain_json, plain_markdown
from tb_lossdiag.cli.printing import print_comparison, print_error, print_reports
from tb_lossdiag.cli.process import INTERRUPTED, NO_ANSWER, READER_GONE
from tb_lossdiag.cli.trainings import Diagnosed, diagnosed
from tb_lossdiag.diagnosis.comparison import compare_findings, compare_settings
from tb_lossdiag.diagnosis.markdown import to_markdown
from tb_lossdiag.diagnosis.report import SEVERITIES

NOTHING_FOUND, FOUND = 0, 1  # exit codes; process.py has the others
_EXIT_CODES = (
    f"Exit codes: {NOTHING_FOUND} answered, and where 'check' was asked, nothing found; {FOUND} found, from 'check' "
    f"only; {NO_ANSWER} could not look, could not tell, or could not write the answer; {INTERRUPTED} interrupted; "
    f"{READER_GONE} whoever read the answer stopped reading."
)


def run(arguments: Sequence[str]) -> int:
    """One command; prints its answer and returns the exit code.

    Raises SystemExit(2) for a wrong command line, OSError where the answer cannot be written.
    """
    options = _parser().parse_args(arguments)
    try:
        found = diagnosed(options.log_dir)
    except OSError as error:
        return _fail(str(error))
    if not found.reports:
        return _fail(f"no training found in {options.log_dir!r}: no run there has scalars or tb_lossdiag's own data")
    return options.command(options, found)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:
        super().error(plain(message))  # a shell may have put names from a log where arguments are: logs/*

    def _print_message(self, message: str, file: TextIO | None = None) -> None:
        print(message, end="", file=file or sys.stderr)  # argparse's own keeps to itself that a device is full


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="tb-lossdiag", description="Tells why a training loss is stuck.", epilog=_EXIT_CODES)
    parser.add_argument("--version", action="version", version=f"%(prog)s {tb_lossdiag.__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")

    report = commands.add_parser("report", help="verdict, causes, evidence and fix of each run", epilog=_EXIT_CODES)
    report.add_argument("--run", metavar="NAME", help="only the run of this name")
    form = report.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="machine-readable: {run name: report}")
    form.add_argument("--markdown", action="store_true", help="to paste into an issue")
    report.set_defaults(command=_report)

    check = commands.add_parser("check", help="for scripts: exit code 1 when something is found", epilog=_EXIT_CODES)
    check.add_argument("--fail-on", choices=SEVERITIES, default="warning", help="the mildest severity that counts")
    check.set_defaults(command=_check)

    compare = commands.add_parser(
        "compare", help="findings and settings that differ from one run to others", epilog=_EXIT_CODES
    )
    compare.add_argument("--json", action="store_true", help="machine-readable")
    compare.set_defaults(command=_compare)

    for command in (report, check, compare):
        command.add_argument("log_dir", metavar="LOGDIR", help="TensorBoard's log directory")
    compare.add_argument("runs", nargs="+", metavar="RUN", help="the baseline and one or more others")
    return parser


def _report(options: argparse.Namespace, found: Diagnosed) -> int:
    reports = found.reports
    if options.run is not None:
        if options.run not in reports:
            return _fail(_unknown(options.run, reports))
        reports = {options.run: reports[options.run]}
    if options.json:
        _print_json({name: report.to_dict() for name, report in reports.items()})
    elif options.markdown:
        text = "\n".join(to_markdown(report) for report in reports.values())
        print(plain_markdown(text, encoding_of(sys.stdout)), end="")
    else:
        print_reports(reports)
    return NO_ANSWER if found.failed.issuperset(reports) else NOTHING_FOUND


def _compare(options: argparse.Namespace, found: Diagnosed) -> int:
    names = options.runs
    for name in names:
        if name not in found.reports:
            return _fail(_unknown(name, found.reports))
    if len(set(names)) < max(2, len(names)):
        return _fail(f"two or more different runs can be compared, not {', '.join(map(repr, names))}")
    findings = compare_findings([found.reports[name] for name in names])
    settings = compare_settings([found.setups[name] for name in names])
    if options.json:
        changes = [{"id": change.id, "changes": change.changes} for change in findings]
        _print_json({"runs": names, "findings": changes, "settings": [asdict(change) for change in settings]})
    else:
        print_comparison(names, findings, settings)
    return NO_ANSWER if found.failed.intersection(names) else NOTHING_FOUND


def _check(options: argparse.Namespace, found: Diagnosed) -> int:
    counted = SEVERITIES[: SEVERITIES.index(options.fail_on) + 1]
    for name, report in found.reports.items():
        print(plain(f"{name}: {report.severity}: {report.verdict.headline}", encoding_of(sys.stdout)))
    if any(report.severity in counted for report in found.reports.values()):
        return FOUND
    return NO_ANSWER if found.failed else NOTHING_FOUND


def _unknown(name: str, known: Sequence[str]) -> str:
    return f"no run {name!r}; known: {', '.join(map(repr, known))}"


def _print_json(content: dict) -> None:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False)
    print(plain_json(text, encoding_of(sys.stdout)))


def _fail(message: str) -> int:
    print_error(message)
    return NO_ANSWER
