import os
import subprocess
import sys
import textwrap
from pathlib import Path, PurePosixPath

import fsspec
import pytest

from tb_lossdiag import storage


@pytest.fixture
def memory():
    """A URL in fsspec's file system in memory, empty before and after."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield "memory://logs"
    files.store.clear()


def test_a_relative_path_is_where_it_was_when_it_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert storage.place("logs/run1") == storage.place(Path("logs/run1")) == tmp_path / "logs" / "run1"


def test_a_home_directory_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert storage.place("~/logs") == tmp_path / "logs"


def test_a_url_stays_as_it_is_and_a_file_url_is_its_path():
    assert storage.place("gs://bucket/logs") == "gs://bucket/logs"
    assert storage.place("file:///logs/run 1") == Path("/logs/run 1")


@pytest.mark.parametrize(
    ("log_dir", "error", "message"),
    [
        (None, TypeError, "log_dir=None: expected the path of a directory or its URL, got NoneType"),
        (b"logs", TypeError, "log_dir=b'logs': expected the path"),
        ("", ValueError, "log_dir='': expected the path"),
        ("file://logs", ValueError, "log_dir='file://logs': expected file:// and an absolute path"),
        (PurePosixPath("gs://bucket/x"), ValueError, r"gs:/bucket/x'\): expected a URL with two slashes"),
        ("s3:/bucket/x", ValueError, "that is named so is './s3:/bucket/x'"),
    ],
)
def test_what_is_no_place_is_refused_by_name(log_dir, error, message):
    with pytest.raises(error, match=message):
        storage.place(log_dir)


def test_a_local_directory_may_be_named_like_a_url(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert storage.place("./gs:/x") == tmp_path / "gs:" / "x"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nowhere://x", r"log_dir='nowhere://x': nowhere:// has no file system here \(Protocol not known: nowhere\)"),
        ("s3://bucket/x", r"s3:// has no file system here \(Install s3fs"),
        ("https://host/x", "https:// can be read only"),
    ],
)
def test_a_scheme_that_nobody_here_writes_is_refused_with_what_is_missing(url, message):
    with pytest.raises(ValueError, match=message):
        storage.check_scheme(url)


def test_without_fsspec_its_extra_is_named():
    code = """
        import sys
        sys.modules["fsspec"] = None  # as where it is not installed
        import importlib.util
        found = importlib.util.find_spec
        importlib.util.find_spec = lambda name, *rest: None if name == "fsspec" else found(name, *rest)
        from tb_lossdiag import storage
        try:
            storage.check_scheme("memory://logs")
        except ValueError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert "pip install 'tb-lossdiag[remote]'" in done.stdout


def test_what_is_written_is_listed_and_read_again(memory):
    storage.make_directory(f"{memory}/run/diagnostics")
    storage.write(f"{memory}/run/diagnostics/events.out.tfevents.1.x", b"content")
    storage.write(f"{memory}/run/notes.txt", b"")
    assert sorted(storage.names_in(f"{memory}/run")) == ["diagnostics", "notes.txt"]
    assert list(storage.event_files(memory)) == [("run", "diagnostics", "events.out.tfevents.1.x")]
    assert storage.read(f"{memory}/run/diagnostics/events.out.tfevents.1.x") == b"content"


def test_what_is_not_there_has_no_names_and_cannot_be_read(memory):
    assert storage.names_in(f"{memory}/nowhere") == []
    assert not storage.exists(f"{memory}/nowhere")
    with pytest.raises(OSError, match="memory://logs/nowhere"):
        storage.read(f"{memory}/nowhere")


def test_names_are_joined_below_paths_and_urls():
    assert storage.join(Path("/logs"), "run") == Path("/logs/run")
    assert storage.join("gs://bucket", "run") == storage.join("gs://bucket/", "run") == "gs://bucket/run"


def test_where_tensorflow_is_loaded_its_own_file_systems_come_first():
    code = """
        import tensorflow
        from tb_lossdiag import storage
        storage.write("ram://logs/file", b"content")
        assert storage.read("ram://logs/file") == b"content"
        assert tensorflow.io.gfile.GFile("ram://logs/file", "rb").read() == b"content"
        assert storage.file_layer("memory://logs") is not tensorflow.io.gfile  # which does not know that one
    """
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=environment, check=True, capture_output=True)
