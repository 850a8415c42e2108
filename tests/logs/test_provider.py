import subprocess
import sys

import pytest
from event_files import scalars, write
from tensorboard.summary.writer.record_writer import RecordWriter

from tb_lossdiag.logs import list_experiments
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
