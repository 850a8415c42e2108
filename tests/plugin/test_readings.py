import threading

import pytest
from event_files import scalars, write

from tb_lossdiag.diagnosis.report import Report, Verdict
from tb_lossdiag.logs import Log
from tb_lossdiag.logs.provider import open_log
from tb_lossdiag.plugin import kept as cache
from tb_lossdiag.plugin.reading import READING_BYTES
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
    assert [line.name for line in kept.all(log)] == ["exp"]
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


def test_the_list_needs_no_reading_that_has_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "CACHE_BYTES", 2 * READING_BYTES)
    diagnosis = Diagnosis()
    kept = Readings(diagnosis, sleep=lambda seconds: None)
    for name in "abc":
        write(tmp_path / name, scalars("loss", [2.0]))
    log = open_log(tmp_path)
    assert [line.name for line in kept.all(log)] == ["a", "b", "c"]
    kept.of(log, "c")
    kept.of(log, "a")
    assert kept.all(log) == kept.all(log)
    assert diagnosis.asked == ["a", "b", "c", "a"]


class Held(Diagnosis):
    """A diagnosis that waits for leave; `asking` once it has been asked."""

    def __init__(self):
        super().__init__()
        self.leave, self.asking = threading.Event(), threading.Event()

    def __call__(self, run):
        self.asking.set()
        self.leave.wait()
        return super().__call__(run)


def test_the_list_does_not_wait_longer_than_it_may(tmp_path):
    for name in "ab":
        write(tmp_path / name, scalars("loss", [2.0, 1.0, 0.5]))
    log, diagnosis = open_log(tmp_path), Held()
    kept = Readings(diagnosis, sleep=lambda seconds: None)
    lines = kept.all(log, seconds=0, first="b")
    assert [(line.name, line.state, line.last_step, line.source) for line in lines] == [
        ("a", "pending", 2, "scalars"),
        ("b", "pending", 2, "scalars"),
    ]
    diagnosis.asking.wait()
    diagnosis.leave.set()
    assert [line.state for line in kept.all(log)] == ["learning", "learning"]
    assert diagnosis.asked == ["b", "a"]


def test_a_run_that_has_grown_keeps_its_line_until_the_next_one_is_ready(tmp_path):
    write(tmp_path / "exp", scalars("loss", [2.0, 1.0]))
    diagnosis = Held()
    diagnosis.leave.set()
    kept = Readings(diagnosis, sleep=lambda seconds: None)
    [first] = kept.all(open_log(tmp_path))
    write(tmp_path / "exp", scalars("loss", [2.0, 1.0, 0.5]))
    log = open_log(tmp_path)
    diagnosis.leave.clear()
    assert kept.all(log, seconds=0) == [first]
    diagnosis.leave.set()
    assert [line.last_step for line in kept.all(log)] == [2]


def test_a_run_that_is_gone_is_forgotten(tmp_path):
    kept = Readings(Diagnosis(), sleep=lambda seconds: None)
    for name in "ab":
        write(tmp_path / "both" / name, scalars("loss", [2.0]))
    write(tmp_path / "one" / "a", scalars("loss", [2.0]))
    assert len(kept.all(open_log(tmp_path / "both"))) == 2
    assert len(kept.all(open_log(tmp_path / "one"))) == 1
    assert list(kept._outlines) == [("", "a")]


class Counted:
    """A provider that counts what it is asked. Listing takes a second of its own clock; nothing else takes time."""

    def __init__(self, provider):
        self.provider, self.asked, self.now = provider, 0, 0.0

    def clock(self):
        return self.now

    def __getattr__(self, name):
        def ask(*arguments, **named):
            self.asked += 1
            self.now += 0.5 * name.startswith("list_")
            return getattr(self.provider, name)(*arguments, **named)

        return ask


def counted(log_dir):
    log = open_log(log_dir)
    return Log(Counted(log.provider), log.context, log.experiment)


@pytest.mark.parametrize("runs", [32, 64])
def test_a_list_asks_tensorboard_once_for_sixteen_runs_and_not_at_all_when_nothing_is_new(tmp_path, runs):
    for index in range(runs):
        write(tmp_path / f"r{index:03d}", scalars("loss", [2.0, 1.0]))
    log = counted(tmp_path)
    kept = Readings(Diagnosis(), log.provider.clock, lambda seconds: None)
    assert len(kept.all(log)) == runs
    assert log.provider.asked == 2 + runs // 16
    log.provider.now += 99
    kept.all(log)
    assert log.provider.asked == 2 + runs // 16
    log.provider.now += 2
    kept.all(log)
    assert log.provider.asked == 2 + runs // 16 + 2


def test_a_line_that_is_newer_than_the_list_is_not_made_again_from_the_older_one(tmp_path):
    write(tmp_path / "exp", scalars("loss", [2.0, 1.0]))
    log, diagnosis = counted(tmp_path), Diagnosis()
    kept = Readings(diagnosis, log.provider.clock, lambda seconds: None)
    kept.all(log)
    write(tmp_path / "exp", scalars("loss", [2.0, 1.0, 0.5]))
    log.provider.provider = open_log(tmp_path).provider
    log.provider.now += 5
    kept.of(log, "exp")
    assert [line.last_step for line in kept.all(log)] == [2]
    kept.of(log, "exp")
    assert diagnosis.asked == ["exp", "exp"]
