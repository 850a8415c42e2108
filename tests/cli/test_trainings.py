import pytest

from tb_lossdiag import diagnose
from tb_lossdiag.diagnosis.report import Report


def test_diagnose_gives_a_report_per_run(sick, healthy):
    reports = diagnose(str(sick))
    assert list(reports) == ["healthy", "sick"]
    assert all(isinstance(report, Report) for report in reports.values())
    assert reports["sick"].verdict.state == "nonfinite"


def test_diagnose_of_an_empty_directory_is_empty(tmp_path):
    assert diagnose(tmp_path) == {}


def test_diagnose_names_a_directory_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        diagnose(tmp_path / "nowhere")


def test_a_run_of_a_newer_version_is_reported_beside_the_others(sick, newer):
    reports = diagnose(sick)
    assert "format version 99" in reports["newer"].verdict.headline
    assert reports["sick"].verdict.state == "nonfinite"
