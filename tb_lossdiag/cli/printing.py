"""Reports and comparisons as text for people, on a terminal of any width."""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tb_lossdiag.cli.plain import encoding_of, plain
from tb_lossdiag.diagnosis.comparison import FindingChange, SettingChange
from tb_lossdiag.diagnosis.report import Cause, Evidence, Report

if TYPE_CHECKING:
    from rich.console import Console

# A longer line is hard to follow to its end and back to the next one's beginning.
WIDEST = 120
# Fewer columns leave nothing to lay out; rich never ends on 0.
NARROWEST = 20
# In a column of a table narrower than this a sentence falls apart into words; below each other they read better.
SENTENCE = 24
_COLOURS = {"critical": "red", "warning": "yellow", "note": "cyan", "none": "green"}


def print_error(message: str) -> None:
    """Why there is no answer, on stderr."""
    print(f"tb-lossdiag: {plain(message, encoding_of(sys.stderr))}", file=sys.stderr)


def print_reports(reports: dict[str, Report]) -> None:
    """An overview of the runs, then each run's report."""
    console = _console()
    rows = [
        (name, report.verdict.state.replace("_", " "), report.severity, report.verdict.headline)
        for name, report in reports.items()
    ]
    styles = [_COLOURS[report.severity] for report in reports.values()]
    _print_table(console, ("Run", "Verdict", "Severity", "Headline"), rows, styles=styles)
    for name, report in reports.items():
        console.print()
        _print(console, name, style="bold")
        _print_report(console, report)


def print_comparison(
    names: Sequence[str], findings: Sequence[FindingChange], settings: Sequence[SettingChange]
) -> None:
    """Findings and settings of the runs with these names side by side."""
    console = _console()
    if findings:
        rows = [(change.title, *map(_standing, change.causes, change.changes)) for change in findings]
        _print_table(console, ("Finding", *names), rows, title="Findings")
    else:
        console.print("No run has a finding.")
    if settings:
        rows = [(f"{change.group}: {change.label}", *map(_value, change.values)) for change in settings]
        _print_table(console, ("Setting", *names), rows, title="Settings that differ")
    else:
        console.print("No setting differs.")


def _console() -> "Console":
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            raise  # rich would end the process with 1, which says "found" here

    # Names and texts come from the log: no markup, no emoji codes, no guessed colours.
    console = Plain(markup=False, emoji=False, highlight=False)
    console.width = min(max(console.width, NARROWEST), WIDEST)
    return console


def _print_table(
    console: "Console",
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    title: str = "",
    styles: Iterable[str] = (),
) -> None:
    """As a table where no word has to be broken for it; else below each other, row by row."""
    from rich.cells import cell_len
    from rich.table import Table

    def narrowest(cells: Sequence[str]) -> int:
        words = (cell_len(word) for cell in cells for word in cell.split())
        return max(min(SENTENCE, max(map(cell_len, cells))), max(words, default=0))

    header = [_shown(cell) for cell in header]
    rows = [[_shown(cell) for cell in row] for row in rows]
    styles = list(styles) or [""] * len(rows)
    widths = [narrowest(column) for column in zip(header, *rows, strict=True)]
    if sum(widths) + 3 * len(widths) + 1 <= console.width:  # of each cell its padding and a line
        table = Table(title=title or None)
        for name, width in zip(header, widths, strict=True):
            table.add_column(name, min_width=width)
        for row, style in zip(rows, styles, strict=True):
            table.add_row(*row, style=style)
        console.print(table)
        return
    if title:
        console.print(f"{title}:", style="italic")
    for row, style in zip(rows, styles, strict=True):
        _print(console, row[0], style=style)
        for name, cell in zip(header[1:], row[1:], strict=True):
            _print(console, f"{name}: {cell}", 2, hanging=2)


def _standing(cause: Cause | None, change: str | None) -> str:
    standing = f"{cause.confidence}, {cause.severity}" if cause else "-"
    return standing if change in (None, "same") else f"{standing} ({change})"


def _value(value: str | int | float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _print_report(console: "Console", report: Report) -> None:
    for cause in report.causes:
        console.print()
        _print_cause(console, cause)
    if not report.causes:
        _print(console, "No cause found.", 2)
    not_run = [check for check in report.checks if check.state == "not_run"]
    if not_run:
        console.print()
        _print(console, "Not checked:", 2)
    for check in not_run:
        _print(console, f"{check.title}: {check.needs}" if check.needs else check.title, 4)
    for note in report.notes:
        _print(console, f"Note: {note}", 2)


def _print_cause(console: "Console", cause: Cause) -> None:
    ruled_out = cause.confidence == "ruled_out"
    heading = f"{cause.title} ({cause.confidence.replace('_', ' ')}, {cause.severity})"
    _print(console, heading, 2, "dim" if ruled_out else _COLOURS[cause.severity])
    for mark, evidence in (("+", cause.evidence_for), ("-", cause.evidence_against)):
        for fact in evidence:
            _print(console, f"{mark} {_fact(fact)}", 4, hanging=2)
    if ruled_out:
        return
    if cause.test:
        _print(console, f"To settle it: {cause.test}", 4)
    if cause.fix.text:
        _print(console, f"Fix: {cause.fix.text}", 4)
    for line in cause.fix.code.split("\n") if cause.fix.code else ():
        console.print(f"      {_shown(line)}", style="bold", soft_wrap=True)  # code is copied, so it is not broken


def _print(console: "Console", text: str, indent: int = 0, style: str = "", hanging: int = 0) -> None:
    """A paragraph; hanging: how much further in its second line and those after it begin."""
    from rich.text import Text

    lines = Text(_shown(text), style).wrap(console, console.width - indent - hanging)
    for number, line in enumerate(lines):
        line.rstrip()
        console.print(Text(" " * (indent + hanging * (number > 0))).append_text(line), soft_wrap=True)


def _shown(text: str) -> str:
    return plain(text, encoding_of(sys.stdout))


def _fact(evidence: Evidence) -> str:
    if evidence.steps is None:
        return evidence.text
    first, last = evidence.steps
    return f"{evidence.text} [step {first}]" if first == last else f"{evidence.text} [steps {first} to {last}]"
