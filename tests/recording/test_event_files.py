"""Where the events go: one file on this machine, one object per upload behind a URL, always behind what was there."""

import os
import subprocess
import sys
import textwrap
import time

import fsspec
import pytest
from tensorboard.compat.proto import event_pb2

from tb_lossdiag import framing, storage
from tb_lossdiag.recording import event_files
from tb_lossdiag.recording.event_files import LocalFile, RemoteFiles


@pytest.fixture
def memory():
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield files
    files.store.clear()


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands until it is told to go on."""

    class Clock:
        now = 1000.0

    monkeypatch.setattr(time, "monotonic", lambda: Clock.now)
    return Clock


def events(path):
    with open(path, "rb") as file:
        return [frame.data for frame in framing.frames(file)]


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_a_flushed_event_is_in_the_file_and_the_version_before_it(tmp_path):
    files = LocalFile(tmp_path / "run")
    files.write(b"event")
    [path] = (tmp_path / "run").iterdir()
    assert len(events(path)) == 1
    files.flush()
    version, event = events(path)
    assert event_pb2.Event.FromString(version).file_version == "brain.Event:2"
    assert event == b"event"
    files.close()


def test_a_writer_whose_clock_is_behind_that_of_an_earlier_one_writes_behind_its_file(tmp_path, monkeypatch):
    LocalFile(tmp_path).close()
    [first] = names(tmp_path)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 86_400)
    files = LocalFile(tmp_path)
    assert names(tmp_path)[0] == first
    assert files.continues
    assert files.seconds_ahead == pytest.approx(86_400, abs=60)
    files.close()


def test_files_of_other_writers_in_the_same_second_stay_in_the_order_of_their_making(tmp_path, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1.79e9)
    made = []
    for process in (999, 1000, 7):
        monkeypatch.setattr(os, "getpid", lambda process=process: process)
        before = set(names(tmp_path))
        LocalFile(tmp_path).close()
        made += set(names(tmp_path)) - before
    assert made == sorted(made)


def test_a_full_disk_leaves_no_beginning_of_a_record(tmp_path, monkeypatch):
    files = LocalFile(tmp_path)
    [path] = tmp_path.iterdir()
    file = files._file

    class Full:
        def write(self, content):
            if len(content) < 10:
                raise OSError(28, "No space left on device")
            return file.write(content[: len(content) - 5])

        def __getattr__(self, name):
            return getattr(file, name)

    files._file = Full()
    files.write(b"event")
    with pytest.raises(OSError, match="No space"):
        files.flush()
    assert len(events(path)) == 1
    files._file = file
    files.close()


def test_behind_a_url_each_byte_is_uploaded_once_and_seldom(memory, clock):
    files = RemoteFiles("memory://logs/run")
    for _ in range(36_000):  # ten hours
        clock.now += 1
        files.write(b"x" * 100)
        files.flush()
    files.close()
    found = sorted(memory.ls("logs/run", detail=False))
    assert len(found) < 300
    framed = len(framing.framed(b"x" * 100))
    versions = len(found) * len(event_files._version())
    assert sum(memory.size(path) for path in found) == 36_000 * framed + versions
    assert found == sorted(found)


def test_an_upload_that_takes_long_makes_the_next_one_wait_fifty_times_as_long(memory, clock, monkeypatch):
    files = RemoteFiles("memory://logs/run")
    write = storage.write

    def slow(url, content):
        clock.now += 5
        write(url, content)

    monkeypatch.setattr(storage, "write", slow)
    for _ in range(1000):
        clock.now += 1
        files.write(b"event")
        files.flush()
    assert len(memory.ls("logs/run")) == 1 + 4
    files.close()


def test_what_could_not_be_uploaded_is_uploaded_with_the_next(memory, clock, monkeypatch):
    files = RemoteFiles("memory://logs/run")
    write = storage.write

    def fails(url, content):
        raise OSError("no network")

    monkeypatch.setattr(storage, "write", fails)
    clock.now += 60
    files.write(b"first")
    with pytest.raises(OSError, match="no network"):
        files.flush()
    monkeypatch.setattr(storage, "write", write)
    files.close()
    [_, found] = sorted(memory.ls("logs/run", detail=False))
    assert framing.framed(b"first") in memory.cat(found)


def test_a_second_writer_behind_a_url_goes_on_behind_the_first(memory):
    for _ in range(2):
        files = RemoteFiles("memory://logs/run")
        files.write(b"event")
        files.close()
    assert files.continues
    assert len(memory.ls("logs/run")) == 4


def test_a_process_that_ends_without_closing_uploads_the_rest(tmp_path):
    code = f"""
        import fsspec
        from fsspec.implementations.dirfs import DirFileSystem

        class Below(DirFileSystem):
            protocol = "below"
            def __init__(self):
                super().__init__(path={str(tmp_path)!r}, fs=fsspec.filesystem("file"))

        fsspec.register_implementation("below", Below)
        from tb_lossdiag import DiagnosticsWriter
        writer = DiagnosticsWriter("below://run")
        for step in range(1, 11):
            writer.write_step(step, loss=1.0)
        writer.flush()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
    found = sorted((tmp_path / "run" / "diagnostics").iterdir())
    assert len(found) == 2
    assert len(events(found[1])) == 1 + 1 + 10  # version, card, steps


def test_where_nobody_may_write_it_is_an_os_error_that_names_the_url(memory, monkeypatch):
    def refused(self, path, exist_ok=False):
        raise RuntimeError("403 forbidden")

    monkeypatch.setattr(type(memory), "makedirs", refused)
    with pytest.raises(OSError, match="memory://logs/run: RuntimeError: 403 forbidden"):
        RemoteFiles("memory://logs/run")


BESIDE = """
import sys
from pathlib import Path
from tb_lossdiag.recording.event_files import LocalFile

file = LocalFile(Path(sys.argv[1]))
print("open", flush=True)
for command in sys.stdin:
    {"upload": file.upload, "write": lambda: file.write(b"")}[command.strip()]()
    print("done", flush=True)
"""


class Beside:
    """Another process with a file in the directory."""

    def __init__(self, directory):
        command = [sys.executable, "-c", BESIDE, str(directory)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "open\n"

    def do(self, command):
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"


@pytest.fixture
def beside(tmp_path):
    other = Beside(tmp_path)
    yield other
    other.process.kill()
    other.process.communicate()


def test_a_file_knows_of_a_process_that_writes_beside_it(tmp_path, beside):
    assert LocalFile(tmp_path).beside


def test_a_process_that_was_killed_writes_no_more(tmp_path, beside):
    beside.process.kill()
    beside.process.wait()
    assert not LocalFile(tmp_path).beside


def test_a_process_whose_training_is_over_is_not_in_the_way_until_it_goes_on(tmp_path, beside):
    beside.do("upload")
    assert not LocalFile(tmp_path).beside
    beside.do("write")
    assert LocalFile(tmp_path).beside


def test_an_earlier_file_of_the_same_process_is_not_another_training(tmp_path):
    earlier = LocalFile(tmp_path)
    assert not LocalFile(tmp_path).beside
    earlier.close()
