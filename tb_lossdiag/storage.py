"""Where does a log directory lie, and how are files there listed, read and written? On this machine or behind a URL.

Behind a URL as TensorBoard does it: with TensorFlow's file systems where this process has TensorFlow and they know the
URL's scheme, else with the file systems of fsspec that TensorBoard uses without TensorFlow.
"""

import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

EVENT_FILES = "events.out.tfevents."  # how the name of an event file begins
EVENT_MARK = "tfevents"  # in the name of whatever TensorBoard takes for an event file

# What fsspec reads and nobody writes.
READ_ONLY = ("data", "gist", "git", "github", "http", "https", "libarchive", "reference", "tar")
TENSORFLOW_HAS = ("gs",)  # schemes for which loading TensorFlow is worth its seconds, where fsspec lacks a package
NEEDS = {"hdfs": "pyarrow", "arrow_hdfs": "pyarrow"}  # packages that fsspec misses only when it connects
_LOST_SLASH = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/(?!/)")


def place(log_dir: Any) -> Path | str:
    """The directory as an absolute path, `~` expanded, or its URL; file:///x is the path /x.

    Raises TypeError or ValueError, naming the value, when it can be neither.
    """
    if not isinstance(log_dir, (str, os.PathLike)) or not isinstance(os.fspath(log_dir), str):
        raise TypeError(
            f"log_dir={log_dir!r}: expected the path of a directory or its URL, got {type(log_dir).__name__}"
        )
    text = os.fspath(log_dir)
    if not text:
        raise ValueError("log_dir='': expected the path of a directory or its URL")
    if _LOST_SLASH.match(text):
        raise ValueError(
            f"log_dir={log_dir!r}: expected a URL with two slashes, given as text, as pathlib drops one; "
            f"a directory on this machine that is named so is './{text}'"
        )
    if "://" not in text:
        return Path(os.path.expanduser(text)).absolute()
    if not text.startswith("file://"):
        return text
    if not text.startswith("file:///"):
        raise ValueError(f"log_dir={log_dir!r}: expected file:// and an absolute path, as in file:///logs/run1")
    return Path(text.removeprefix("file://"))


def check_scheme(url: str) -> None:
    """Raises ValueError when nobody here writes to URLs of this kind, naming the package that would."""
    if scheme_of(url) in READ_ONLY:
        raise ValueError(f"log_dir={url!r}: {scheme_of(url)}:// can be read only; expected where files can be written")
    file_layer(url)


def scheme_of(url: str) -> str:
    """What stands before ://, of chained URLs before the first."""
    return re.split("://|::", url, maxsplit=1)[0]


def file_layer(url: str) -> Any:
    """The module with listdir, isdir, exists, makedirs and GFile that reads and writes at the URL.

    Raises ValueError when there is none, naming the package that is missing.
    """
    scheme = scheme_of(url)
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None and scheme in tensorflow.io.gfile.get_registered_schemes():
        return tensorflow.io.gfile
    from tensorboard.compat.tensorflow_stub.io import gfile

    try:
        gfile.get_filesystem(url)
        if scheme in NEEDS and importlib.util.find_spec(NEEDS[scheme]) is None:
            raise ImportError(f"Install {NEEDS[scheme]} to access {scheme}")
    except (ValueError, ImportError) as error:
        if scheme in TENSORFLOW_HAS and importlib.util.find_spec("tensorflow") is not None:
            import tensorflow

            return tensorflow.io.gfile
        has_fsspec = importlib.util.find_spec("fsspec") is not None
        package = f"{error}" if has_fsspec else "pip install 'tb-lossdiag[remote]' and fsspec's package for it"
        raise ValueError(
            f"log_dir={url!r}: {scheme}:// has no file system here ({package}); expected a path, or a URL that "
            "fsspec or a loaded TensorFlow knows, such as gs:// or s3://"
        ) from error
    return gfile


def join(directory: Path | str, name: str) -> Path | str:
    """The place of what has this name in the directory, which is a path or a URL."""
    if isinstance(directory, Path):
        return directory / name
    return f"{directory}{name}" if directory.endswith("/") else f"{directory}/{name}"


def names_in(url: str) -> list[str]:
    """What lies directly at the URL; nothing where nothing is. Raises OSError when it cannot be listed."""
    layer = file_layer(url)
    with _as_os_errors(url):
        return [name.rstrip("/") for name in layer.listdir(url)] if layer.isdir(url) else []


def exists(url: str) -> bool:
    """Whether anything is there. Raises OSError when nobody can tell."""
    layer = file_layer(url)
    with _as_os_errors(url):
        return bool(layer.exists(url))


def event_files(url: str) -> Iterator[tuple[str, ...]]:
    """The event files below the URL, each as the names on the way to it. Raises OSError when they cannot be listed."""
    for name in names_in(url):
        if EVENT_MARK in name:
            yield (name,)
        else:
            yield from ((name, *path) for path in event_files(join(url, name)))


def read(url: str) -> bytes:
    """A file's content. Raises OSError when it cannot be had."""
    layer = file_layer(url)
    with _as_os_errors(url), layer.GFile(url, "rb") as file:
        return file.read()


def make_directory(url: str) -> None:
    """Makes it and those it lies in, where the storage knows directories. Raises OSError."""
    layer = file_layer(url)
    with _as_os_errors(url):
        layer.makedirs(url)


def write(url: str, content: bytes) -> None:
    """A file with this content, in one piece: object stores show a file when it is whole. Raises OSError."""
    layer = file_layer(url)
    with _as_os_errors(url), layer.GFile(url, "wb") as file:
        file.write(content)


@contextmanager
def _as_os_errors(url: str) -> Iterator[None]:
    """Each file system has errors of its own: TensorFlow's, those of the packages beneath fsspec, of their networks."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{url}: {type(error).__name__}: {error}") from error
