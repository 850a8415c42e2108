import threading

import pytest
from event_files import scalars, write

from tb_lossdiag.logs import list_experiments
from tb_lossdiag.logs.ahead import listed
from tb_lossdiag.logs.provider import open_log
from tb_lossdiag.plugin import queue
from tb_lossdiag.plugin.queue import Queue


@pytest.fixture
def log(tmp_path):
    for name in "abcd":
        write(tmp_path / name, scalars("loss", [2.0]))
    return listed(open_log(tmp_path))


def worked(log, first=None, work=None, **named):
    done = []
    waiting = Queue(work or (lambda log, experiment: done.append(experiment.name)), lambda seconds: None, **named)
    waiting.put(log, list_experiments(log).values(), first)
    waiting.wait(log, "abcd", None)
    return done


def test_every_run_is_worked_on_once_the_named_one_first(log):
    assert worked(log) == ["a", "b", "c", "d"]
    assert worked(log, first="c") == ["c", "a", "b", "d"]
    assert worked(log, first="nowhere") == ["a", "b", "c", "d"]


def test_the_thread_ends_with_the_work_and_another_one_begins(log):
    done = []
    waiting = Queue(lambda log, experiment: done.append(experiment.name), lambda seconds: None)
    for _ in range(2):
        waiting.put(log, list_experiments(log).values())
        waiting.wait(log, "abcd", None)
        while waiting._thread:  # it is about to end
            pass
    assert done == [*"abcd", *"abcd"]


def test_work_that_fails_lets_nobody_wait_for_ever(log, caplog):
    def broken(log, experiment):
        raise ZeroDivisionError

    assert worked(log, work=broken) == []
    assert "could not be diagnosed" in caplog.text


def test_a_run_that_comes_first_later_overtakes_those_that_wait(log, monkeypatch):
    monkeypatch.setattr(queue, "BATCH", 1)
    done, started, go_on = [], threading.Event(), threading.Event()

    def work(log, experiment):
        started.set()
        go_on.wait()
        done.append(experiment.name)

    waiting = Queue(work, lambda seconds: None)
    waiting.put(log, list_experiments(log).values())
    started.wait()
    waiting.put(log, list_experiments(log).values(), first="d")
    go_on.set()
    waiting.wait(log, "abcd", None)
    assert done == ["a", "d", "b", "c"]


def test_it_rests_as_long_as_it_works(log):
    rests = []
    waiting = Queue(lambda log, experiment: None, rests.append)
    waiting.put(log, list_experiments(log).values())
    waiting.wait(log, "abcd", None)
    while waiting._thread:
        pass
    assert len(rests) == 5  # after reading all of them, and after each


def test_nobody_waits_longer_than_was_said(log):
    go_on = threading.Event()
    waiting = Queue(lambda log, experiment: go_on.wait(), lambda seconds: None)
    waiting.put(log, list_experiments(log).values())
    waiting.wait(log, "abcd", 0)
    go_on.set()
    waiting.wait(log, "abcd", None)
