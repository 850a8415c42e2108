import json
import subprocess
import sys

import pytest
from event_files import scalars, write

from tb_lossdiag import diagnose
from tb_lossdiag.cli import run
from tb_lossdiag.diagnosis.markdown import to_markdown
from tb_lossdiag.recording.writer import DiagnosticsWriter
from tb_lossdiag.run import ModelCard


def command(*arguments, **options):
    """The command line as a process of its own."""
    return subprocess.run([sys.executable, "-m", "tb_lossdiag", *arguments], capture_output=True, **options)


def test_report_prints_verdict_evidence_and_fix(sick, capsys):
    assert run(["report", str(sick)]) == 0
    printed = capsys.readouterr().out
    report = diagnose(sick)["sick"]
    first = report.causes[0]
    assert "nonfinite" in printed
    assert first.title in printed
    assert first.evidence_for[0].text.split()[0] in printed
    assert first.fix.code.splitlines()[0] in printed


def test_report_as_json_is_the_reports_themselves(sick, healthy, capsys):
    assert run(["report", "--json", str(sick)]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed) == {name: report.to_dict() for name, report in diagnose(sick).items()}


def test_report_of_one_run_leaves_the_others_out(sick, healthy, capsys):
    assert run(["report", "--json", "--run", "healthy", str(sick)]) == 0
    assert list(json.loads(capsys.readouterr().out)) == ["healthy"]


def test_report_of_an_unknown_run_names_it_and_the_known_ones(sick, capsys):
    assert run(["report", "--run", "well", str(sick)]) == 2
    assert "'well'" in (said := capsys.readouterr().err) and "'sick'" in said


def test_report_as_markdown_is_the_one_of_the_tab(sick, capsys):
    assert run(["report", "--markdown", str(sick)]) == 0
    assert capsys.readouterr().out == to_markdown(diagnose(sick)["sick"])


def test_compare_tells_findings_and_settings_that_differ(sick, capsys):
    card = ModelCard(optimizer={"name": "Adam", "config": {"learning_rate": 1e-3}})
    with DiagnosticsWriter(sick / "well", card) as writer:
        for step in range(1, 41):
            writer.write_step(step, loss=0.9**step, learning_rate=1e-3, gradient_norm=1, gradient_nonfinite=0)
    assert run(["compare", str(sick), "well", "sick"]) == 0
    printed = capsys.readouterr().out
    cause = diagnose(sick)["sick"].causes[0]
    assert cause.title.split()[0] in printed and "(appeared)" in printed
    assert "No setting differs" not in printed and "Optimizer" in printed
    assert run(["compare", "--json", str(sick), "sick", "well"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["runs"] == ["sick", "well"]
    assert {"id": cause.id, "changes": [None, "went"]} in told["findings"]
    assert {"group": "Optimizer", "label": "Learning rate", "values": [None, 1e-3]} in told["settings"]


@pytest.mark.parametrize(
    ("runs", "named"), [(["sick"], "'sick'"), (["sick", "sick"], "'sick'"), (["sick", "x"], "'x'")]
)
def test_compare_needs_two_different_runs_that_exist(sick, runs, named, capsys):
    assert run(["compare", str(sick), *runs]) == 2
    assert named in capsys.readouterr().err


def test_check_fails_on_findings_at_or_above_the_severity(sick, capsys):
    assert run(["check", str(sick)]) == 1
    assert run(["check", "--fail-on", "critical", str(sick)]) == 1
    assert "sick: critical" in capsys.readouterr().out


def test_check_passes_a_healthy_training(healthy):
    assert run(["check", "--fail-on", "critical", str(healthy)]) == 0


@pytest.mark.parametrize("name", ["report", "check"])
def test_what_cannot_be_analysed_has_its_own_exit_code(newer, tmp_path, name, capsys):
    assert run([name, str(newer)]) == 2
    assert run([name, str(tmp_path / "nowhere")]) == 2
    (tmp_path / "empty").mkdir()
    assert run([name, str(tmp_path / "empty")]) == 2
    said = capsys.readouterr().err
    assert "nowhere" in said and "no training found" in said


def test_a_wrong_command_line_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        run(["check", "--fail-on", "hunger", "logs"])
    assert "hunger" in capsys.readouterr().err


def test_the_command_runs_without_tensorflow_and_gives_the_same_report(sick):
    code = """
import sys
from tb_lossdiag import cli
sys.argv[1:] = ["report", "--json", LOG_DIR]
code = cli.main()
assert not {"tensorflow", "keras"} & set(sys.modules)
sys.exit(code)
""".replace("LOG_DIR", repr(str(sick)))
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert diagnose(sick)["sick"].to_json().encode() in process.stdout


def test_the_module_is_the_command(sick):
    assert command("check", str(sick)).returncode == 1
    assert b"usage: tb-lossdiag" in command().stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has directory names that are no text")
def test_a_directory_name_that_is_no_text_is_refused_by_name(tmp_path):
    write(tmp_path / "b\udcffd", scalars("loss", [2.0, 1.0]))
    process = command("report", str(tmp_path))
    assert process.returncode == 2
    assert b"no valid UTF-8" in process.stderr
    assert b"Traceback" not in process.stderr
