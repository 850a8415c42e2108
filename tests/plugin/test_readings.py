from event_files import scalars, write

from tb_lossdiag.diagnosis.report import Report, Verdict
from tb_lossdiag.logs.provider import open_log
from tb_lossdiag.plugin import readings
from tb_lossdiag.plugin.readings import Readings


class Diagnosis:
    """A diagnosis that remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, run):
        self.asked.append(run.name)
        return Report(run.name, Verdict("learning", "fine"))


def test_a_run_is_diagnosed_once_until_its_data_change(tmp_path):
    diagnosis = Diagnosis()
    kept = Readings(diagnosis)
    write(tmp_path / "exp", scalars("loss", [2.0, 1.0]))
    log = open_log(tmp_path)
    assert kept.of(log, "exp") is kept.of(log, "exp")
    assert kept.all(log) == [kept.of(log, "exp")]
    assert diagnosis.asked == ["exp"]
    write(tmp_path / "exp", scalars("loss", [2.0, 1.0, 0.5]))
    assert len(kept.of(open_log(tmp_path), "exp").run.steps["loss"]) == 3
    assert diagnosis.asked == ["exp", "exp"]


def test_equal_runs_of_two_experiments_are_kept_apart(tmp_path):
    kept = Readings(Diagnosis())
    write(tmp_path / "one" / "exp", scalars("loss", [2.0]))
    write(tmp_path / "two" / "exp", scalars("loss", [3.0]))
    logs = [open_log(tmp_path / name) for name in ("one", "two")]
    one = kept.of(logs[0], "exp")
    object.__setattr__(logs[1], "experiment", "two")
    assert kept.of(logs[1], "exp").run.steps["loss"].values.tolist() == [3.0]
    assert kept.of(logs[0], "exp") is one


def test_an_unknown_run_has_no_reading(tmp_path):
    assert Readings(Diagnosis()).of(open_log(tmp_path), "nowhere") is None


def test_a_diagnosis_that_fails_gives_a_report_that_says_so(tmp_path):
    def broken(run):
        raise ZeroDivisionError("by 0")

    write(tmp_path / "exp", scalars("loss", [2.0]))
    reading = Readings(broken).of(open_log(tmp_path), "exp")
    assert reading.report.verdict.state == "inconclusive"
    assert "ZeroDivisionError: by 0" in reading.report.notes[0]
    assert len(reading.run.steps["loss"]) == 1


def test_the_oldest_readings_go_when_the_cache_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr(readings, "CACHE_BYTES", 2 * readings.READING_BYTES)
    diagnosis = Diagnosis()
    kept = Readings(diagnosis)
    for name in "abc":
        write(tmp_path / name, scalars("loss", [2.0]))
    log = open_log(tmp_path)
    kept.all(log)
    kept.of(log, "c")
    kept.of(log, "a")
    assert diagnosis.asked == ["a", "b", "c", "a"]
