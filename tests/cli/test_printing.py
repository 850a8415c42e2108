"""Reports and comparisons as text: whole and readable at any width, and harmless whatever the names in a log are."""

import re
from dataclasses import replace

import pytest
import written_logs
from event_files import scalars, write
from rich.cells import cell_len

from tb_lossdiag import diagnose
from tb_lossdiag.cli.commands import run
from tb_lossdiag.run import Row

CODE = "      "  # how a line of code begins, which is copied and so never broken
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# Markup of rich, a cleared screen, a line that forges a verdict, text turned around, an emoji code, a title set.
HOSTILE = "[red]x[/] \x1b[2J\x9b2J\r\nfine: none: learning \u202egnp.exe\u2066 :smile: \x1b]0;owned\x07"


@pytest.fixture
def log(tmp_path):
    """A healthy run and a sick one whose rows and layers have long names."""
    written_logs.write(tmp_path / "experiments/a_run_with_a_long_name", written_logs.vanishing())
    written_logs.write(tmp_path / "healthy", written_logs.hostile())
    return tmp_path


@pytest.fixture
def hostile(tmp_path):
    """Two runs in which every name is hostile."""
    table = written_logs.vanishing()
    rows = tuple(Row(f"{row.name}{HOSTILE}", row.kind, f"{row.layer}{HOSTILE}") for row in table.layers.rows)
    layers = tuple(replace(layer, path=f"{layer.path}{HOSTILE}") for layer in table.card.layers)
    card = replace(table.card, layers=layers, optimizer={"name": HOSTILE, "config": {HOSTILE: HOSTILE}})
    broken = replace(table, card=card, layers=replace(table.layers, rows=rows))
    name = HOSTILE.replace("/", "|")
    written_logs.write(tmp_path / name, broken)
    write(tmp_path / f"plain{name}", [*scalars(f"train/loss{HOSTILE}", [2.0, 1.0]), *scalars(HOSTILE, [1.0])])
    return tmp_path


def lines(capsys) -> list[str]:
    return COLOUR.sub("", capsys.readouterr().out).split("\n")


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_report_is_whole_and_within_any_width(log, width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    assert run(["report", str(log)]) == 0
    printed = lines(capsys)
    prose = [line for line in printed if not line.startswith(CODE)]
    assert all(cell_len(line) <= width for line in prose)
    assert not any("…" in line for line in prose)
    words = "".join("".join(printed).split())
    for name, report in diagnose(log).items():
        for text in (name, *(cause.title for cause in report.causes), *(cause.test for cause in report.causes)):
            assert "".join(text.split()) in words
        for cause in report.causes:
            code = cause.fix.code.splitlines() if cause.confidence != "ruled_out" else []
            assert all(f"{CODE}{line}" in printed for line in code)


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_comparison_is_whole_and_within_any_width(log, width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    assert run(["compare", str(log), "healthy", "experiments/a_run_with_a_long_name"]) == 0
    printed = lines(capsys)
    assert all(cell_len(line) <= width for line in printed)
    assert not any("…" in line for line in printed)


def test_a_narrow_terminal_gets_the_overview_line_by_line(log, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    run(["report", str(log)])
    printed = lines(capsys)
    at = printed.index("healthy")
    assert printed[at + 1 : at + 3] == ["  Verdict: learning", "  Severity: none"]
    monkeypatch.setenv("COLUMNS", "100")
    run(["report", str(log)])
    assert len([line for line in lines(capsys) if "healthy" in line and "learning" in line]) == 1


@pytest.mark.parametrize("columns", ["0", "1"])
def test_a_terminal_of_no_width_still_gets_its_report(log, columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", columns)
    assert run(["report", str(log)]) == 0
    assert "Headline:" in capsys.readouterr().out


@pytest.mark.parametrize("force", ["", "1"])
@pytest.mark.parametrize("command", ["report", "check", "compare", "markdown", "unknown run", "unknown option"])
def test_names_from_a_log_do_nothing_in_a_terminal(hostile, command, force, monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", force)
    names = list(diagnose(hostile))
    arguments = {
        "report": ["report", str(hostile)],
        "check": ["check", str(hostile)],
        "compare": ["compare", str(hostile), *names],
        "markdown": ["report", "--markdown", str(hostile)],
        "unknown run": ["report", "--run", HOSTILE, str(hostile)],
        "unknown option": ["check", str(hostile), HOSTILE],
    }[command]
    try:
        run(arguments)
    except SystemExit as stop:
        assert stop.code == 2
    said = capsys.readouterr()
    printed = COLOUR.sub("", said.out + said.err)
    assert all(c.isprintable() or c == "\n" for c in printed)
    assert not any(line.startswith("fine:") for line in printed.split("\n"))
    assert "red" in printed and "smile" in printed


def test_check_gives_each_run_one_line(hostile, capsys):
    run(["check", str(hostile)])
    assert len(capsys.readouterr().out.splitlines()) == len(diagnose(hostile)) == 2
