"""What is wrong with the trainings in a log directory? Asked from Python (`diagnose`) or a shell (`tb-lossdiag`)."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.comparison import FindingChange, SettingChange, compare_findings, compare_settings
from tb_lossdiag.diagnosis.markdown import to_markdown
from tb_lossdiag.diagnosis.report import SEVERITIES, Cause, Evidence, Report, undiagnosed
from tb_lossdiag.diagnosis.setup import Group, setup
from tb_lossdiag.logs import list_experiments, read_run
from tb_lossdiag.logs.provider import open_log, spare_tensorflow

if TYPE_CHECKING:
    from rich.console import Console

NOTHING_FOUND, FOUND, NOT_ANALYSED = 0, 1, 2  # exit codes
_COLOURS = {"critical": "red", "warning": "yellow", "note": "cyan", "none": "green"}


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
    return _diagnosed(log_dir).reports


def main() -> int:
    """The process behind `tb-lossdiag` and `python -m tb_lossdiag`; returns its exit code."""
    spare_tensorflow()
    sys.stdout.reconfigure(errors="backslashreplace")
    return run(sys.argv[1:])


def run(arguments: Sequence[str]) -> int:
    """One command; prints its answer and returns the exit code. Raises SystemExit(2) for a wrong command line."""
    options = _parser().parse_args(arguments)
    try:
        diagnosed = _diagnosed(options.log_dir)
    except OSError as error:
        return _fail(str(error))
    if not diagnosed.reports:
        return _fail(f"no training found in {options.log_dir!r}: no run there has scalars or tb_lossdiag's own data")
    return options.command(options, diagnosed)


def _diagnosed(log_dir: str | os.PathLike) -> Diagnosed:
    log = open_log(log_dir)
    reports, setups, failed = {}, {}, set()
    for name, experiment in list_experiments(log).items():
        setups[name] = ()
        try:
            run = read_run(log, experiment)
            reports[name], setups[name] = diagnose_run(run), setup(run.card)
        except Exception as error:  # one broken run must not take the others down
            reports[name] = undiagnosed(name, error)
            failed.add(name)
    return Diagnosed(reports, setups, failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tb-lossdiag", description="Tells why a training loss is stuck.")
    commands = parser.add_subparsers(required=True, metavar="command")

    report = commands.add_parser("report", help="verdict, causes, evidence and fix of each run")
    report.add_argument("--run", metavar="NAME", help="only the run of this name")
    form = report.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="machine-readable: {run name: report}")
    form.add_argument("--markdown", action="store_true", help="to paste into an issue")
    report.set_defaults(command=_report)

    check = commands.add_parser("check", help="for scripts: exit code 0 nothing found, 1 found, 2 could not analyse")
    check.add_argument("--fail-on", choices=SEVERITIES, default="warning", help="the mildest severity that counts")
    check.set_defaults(command=_check)

    compare = commands.add_parser("compare", help="findings and settings that differ from one run to others")
    compare.add_argument("--json", action="store_true", help="machine-readable")
    compare.set_defaults(command=_compare)

    for command in (report, check, compare):
        command.add_argument("log_dir", metavar="LOGDIR", help="TensorBoard's log directory")
    compare.add_argument("runs", nargs="+", metavar="RUN", help="the baseline and one or more others")
    return parser


def _report(options: argparse.Namespace, diagnosed: Diagnosed) -> int:
    reports = diagnosed.reports
    if options.run is not None:
        if options.run not in reports:
            return _fail(_unknown(options.run, reports))
        reports = {options.run: reports[options.run]}
    if options.json:
        _print_json({name: report.to_dict() for name, report in reports.items()})
    elif options.markdown:
        print("\n".join(to_markdown(report) for report in reports.values()), end="")
    else:
        _print_reports(reports)
    return NOT_ANALYSED if diagnosed.failed.issuperset(reports) else NOTHING_FOUND


def _compare(options: argparse.Namespace, diagnosed: Diagnosed) -> int:
    names = options.runs
    for name in names:
        if name not in diagnosed.reports:
            return _fail(_unknown(name, diagnosed.reports))
    if len(set(names)) < max(2, len(names)):
        return _fail(f"two or more different runs can be compared, not {', '.join(map(repr, names))}")
    findings = compare_findings([diagnosed.reports[name] for name in names])
    settings = compare_settings([diagnosed.setups[name] for name in names])
    if options.json:
        changes = [{"id": change.id, "changes": change.changes} for change in findings]
        _print_json({"runs": names, "findings": changes, "settings": [asdict(change) for change in settings]})
    else:
        _print_comparison(names, findings, settings)
    return NOT_ANALYSED if diagnosed.failed.intersection(names) else NOTHING_FOUND


def _check(options: argparse.Namespace, diagnosed: Diagnosed) -> int:
    reports, failed = diagnosed.reports, diagnosed.failed
    counted = SEVERITIES[: SEVERITIES.index(options.fail_on) + 1]
    for name, report in reports.items():
        print(_plain(f"{name}: {report.severity}: {report.verdict.headline}"))
    if any(report.severity in counted for report in reports.values()):
        return FOUND
    return NOT_ANALYSED if failed else NOTHING_FOUND


def _unknown(name: str, known: Sequence[str]) -> str:
    return f"no run {name!r}; known: {', '.join(map(repr, known))}"


def _print_json(content: dict) -> None:
    print(json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False))


def _fail(message: str) -> int:
    print(f"tb-lossdiag: {_plain(message)}", file=sys.stderr)
    return NOT_ANALYSED


def _plain(text: str) -> str:
    """Text from a log without control characters, which could rewrite the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def _print_reports(reports: dict[str, Report]) -> None:
    from rich.console import Console
    from rich.table import Table

    # Names and texts come from the log: no markup, no emoji codes, no guessed colours.
    console = Console(markup=False, emoji=False, highlight=False)
    table = Table("Run", "Verdict", "Severity", "Headline")
    for name, report in reports.items():
        cells = (name, report.verdict.state.replace("_", " "), report.severity, report.verdict.headline)
        table.add_row(*(_plain(cell) for cell in cells), style=_COLOURS[report.severity])
    console.print(table)
    for name, report in reports.items():
        console.print(f"\n{_plain(name)}", style="bold")
        _print_report(console, report)


def _print_comparison(
    names: Sequence[str], findings: Sequence[FindingChange], settings: Sequence[SettingChange]
) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False, emoji=False, highlight=False)
    table = Table("Finding", *map(_plain, names), title="Findings")
    for change in findings:
        table.add_row(change.title, *map(_standing, change.causes, change.changes))
    console.print(table if findings else "No run has a finding.")
    table = Table("Setting", *map(_plain, names), title="Settings that differ")
    for change in settings:
        table.add_row(_plain(f"{change.group}: {change.label}"), *map(_value, change.values))
    console.print(table if settings else "No setting differs.")


def _standing(cause: Cause | None, change: str | None) -> str:
    standing = f"{cause.confidence}, {cause.severity}" if cause else "-"
    return standing if change in (None, "same") else f"{standing} ({change})"


def _value(value: str | int | float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else _plain(str(value))


def _print_report(console: "Console", report: Report) -> None:
    for cause in report.causes:
        _print_cause(console, cause)
    if not report.causes:
        _print(console, 2, "No cause found.")
    not_run = [check for check in report.checks if check.state == "not_run"]
    if not_run:
        _print(console, 2, "\nNot checked:")
    for check in not_run:
        _print(console, 4, f"{check.title}: {check.needs}" if check.needs else check.title)
    for note in report.notes:
        _print(console, 2, f"Note: {note}")


def _print_cause(console: "Console", cause: Cause) -> None:
    ruled_out = cause.confidence == "ruled_out"
    heading = f"\n{cause.title} ({cause.confidence.replace('_', ' ')}, {cause.severity})"
    _print(console, 2, heading, "dim" if ruled_out else _COLOURS[cause.severity])
    for mark, evidence in (("+", cause.evidence_for), ("-", cause.evidence_against)):
        for fact in evidence:
            _print(console, 4, f"{mark} {_fact(fact)}")
    if ruled_out:
        return
    if cause.test:
        _print(console, 4, f"To settle it: {cause.test}")
    if cause.fix.text:
        _print(console, 4, f"Fix: {cause.fix.text}")
    for line in cause.fix.code.splitlines():
        console.print(_plain(f"      {line}"), style="bold", soft_wrap=True)  # code is copied, so it is not broken


def _print(console: "Console", indent: int, text: str, style: str = "") -> None:
    from rich.padding import Padding
    from rich.text import Text

    console.print(Padding(Text(_plain(text), style), (0, 0, 0, indent)))


def _fact(evidence: Evidence) -> str:
    if evidence.steps is None:
        return evidence.text
    first, last = evidence.steps
    return f"{evidence.text} [step {first}]" if first == last else f"{evidence.text} [steps {first} to {last}]"
