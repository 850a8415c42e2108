import gc
import subprocess
import sys
import tempfile
from pathlib import Path

import fsspec
import pytest
from event_files import scalars, write
from tensorboard.summary.writer.record_writer import RecordWriter

from tb_lossdiag import DiagnosticsWriter
from tb_lossdiag.logs import list_experiments, read_run
from tb_lossdiag.logs.provider import open_log


def test_a_directory_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        open_log(tmp_path / "nowhere")


def test_a_file_in_place_of_a_directory_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="file"):
        open_log(tmp_path / "file")


def test_a_path_that_is_no_path_is_a_type_error():
    with pytest.raises(TypeError):
        open_log(7)


def test_an_empty_directory_has_no_experiments(tmp_path):
    assert list_experiments(open_log(tmp_path)) == {}


def test_records_that_are_no_events_take_only_their_own_run_down(tmp_path):
    path = write(tmp_path / "broken", scalars("loss", [1.0]))
    with open(path, "ab") as file:
        RecordWriter(file).write(b"\xff\xff\xff not a protocol buffer")
    write(tmp_path / "good", scalars("loss", [1.0, 2.0]))
    assert list(list_experiments(open_log(tmp_path))) == ["broken", "good"]


def test_a_file_of_garbage_is_no_experiment(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "events.out.tfevents.1.host").write_bytes(bytes(range(256)) * 10)
    assert list_experiments(open_log(tmp_path)) == {}


def test_a_log_is_read_without_tensorflow_when_asked_to_spare_it(tmp_path):
    write(tmp_path / "exp", scalars("loss", [1.0]))
    code = f"""
import sys
from tb_lossdiag.logs import list_experiments, provider
provider.spare_tensorflow()
assert list(list_experiments(provider.open_log({str(tmp_path)!r}))) == ["exp"]
assert "tensorflow" not in sys.modules and "keras" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def memory():
    """A URL in fsspec's file system in memory, empty before and after."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield "memory://logs"
    files.store.clear()


def train(log_dir, first=1):
    with DiagnosticsWriter(log_dir) as writer:
        for step in range(first, first + 10):
            writer.write_step(step, loss=1 / step)


def copies() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("tb_lossdiag-*"))


def test_what_was_written_to_a_url_is_read_from_there(memory):
    train(f"{memory}/a/run1")
    train(f"{memory}/b")
    train(f"{memory}/b", first=6)
    log = open_log(memory)
    runs = {name: read_run(log, found) for name, found in list_experiments(log).items()}
    assert list(runs) == ["a/run1", "b"]
    assert runs["a/run1"].steps["loss"].steps.tolist() == list(range(1, 11))
    assert runs["b"].steps["loss"].steps.tolist() == list(range(1, 16))
    assert runs["b"].restarts == (6,)
    assert runs["a/run1"].skipped == runs["b"].skipped == ()


def test_the_url_of_one_run_is_the_root_run(memory):
    train(f"{memory}/run1")
    assert list(list_experiments(open_log(f"{memory}/run1"))) == ["."]


def test_a_piece_that_is_gone_from_a_url_is_told_as_missing(memory):
    with DiagnosticsWriter(f"{memory}/run1") as writer:
        for step in range(1, 31):
            writer.write_step(step, loss=1 / step)
            if step in (10, 20):
                writer.flush()
                writer._files._due = 0.0  # as ten seconds later
    files = fsspec.filesystem("memory")
    *_, middle, _ = sorted(files.ls("logs/run1/diagnostics", detail=False))
    files.rm(middle)
    log = open_log(memory)
    [note] = read_run(log, list_experiments(log)["run1"]).skipped
    assert note.startswith("lossdiag/steps: ")
    assert note.endswith("of 30 records are there")


def test_the_copy_of_a_url_lasts_as_long_as_the_log(memory):
    train(f"{memory}/run1")
    before = copies()
    log = open_log(memory)
    assert len(copies() - before) == 1
    del log
    gc.collect()
    assert copies() == before


def test_a_url_where_nothing_is_is_named(memory):
    with pytest.raises(FileNotFoundError, match="memory://logs/nowhere"):
        open_log(f"{memory}/nowhere")


def test_a_url_that_nobody_here_reads_is_an_os_error_that_says_so():
    with pytest.raises(OSError, match="nowhere:// has no file system here"):
        open_log("nowhere://logs")


def test_a_file_url_and_a_home_directory_are_read_as_they_are_written(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    train("~/logs/run1")
    train(f"file://{tmp_path}/logs/run2")
    assert list(list_experiments(open_log("~/logs"))) == ["run1", "run2"]
    assert list(list_experiments(open_log(f"file://{tmp_path}/logs"))) == ["run1", "run2"]
