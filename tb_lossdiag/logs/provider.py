"""How is a log directory opened without a server? With TensorBoard's own Python loader, in this process."""

import io
import os
import shutil
import sys
import tempfile
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

from tensorboard.backend.event_processing import data_ingester
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.util import tb_logging

from tb_lossdiag import schema, storage
from tb_lossdiag.logs.source import MAX_RECORDS, Log

logger = tb_logging.get_logger()

DOWNLOADS = 8  # at once; an object store takes its time to begin with one
MAX_BROKEN = 100  # records of a run that are sound and no events; each ends TensorBoard's reading, which then goes on


def open_log(log_dir: str | os.PathLike) -> Log:
    """Everything below `log_dir`, a path or a URL, read once, with the sample caps of the Diagnostics tab, so both see
    the same data.

    A run whose events TensorBoard cannot parse is kept as far as it was read.
    Raises FileNotFoundError or NotADirectoryError naming a `log_dir` that is not there, OSError when it cannot be
    listed or nothing here reads such URLs, TypeError when it is neither path nor URL.
    """
    try:
        directory = storage.place(log_dir)
        if isinstance(directory, str):
            return _open_copy(directory)
    except ValueError as error:
        raise io.UnsupportedOperation(str(error)) from None
    if not os.path.exists(directory):
        raise FileNotFoundError(f"log directory {str(directory)!r} does not exist")
    if not os.path.isdir(directory):
        raise NotADirectoryError(f"log directory {str(directory)!r} is not a directory")
    return _open_directory(str(directory))


def _open_copy(url: str) -> Log:
    """The log behind a URL, from a copy of its event files that lasts as long as the Log."""
    paths = sorted(storage.event_files(url))
    if not paths and not storage.exists(url):
        raise FileNotFoundError(f"log directory {url!r} does not exist")
    copy = tempfile.mkdtemp(prefix="tb_lossdiag-")
    try:
        with ThreadPoolExecutor(DOWNLOADS) as pool:
            list(pool.map(lambda path: _download(url, path, Path(copy)), paths))
        log = _open_directory(copy)
    except BaseException:
        shutil.rmtree(copy, ignore_errors=True)
        raise
    weakref.finalize(log, shutil.rmtree, copy, ignore_errors=True)
    return log


def _download(url: str, names: tuple[str, ...], copy: Path) -> None:
    source = url
    for name in names:
        source = storage.join(source, name)
    target = copy.joinpath(*(name.replace("/", "_") for name in names))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(storage.read(source))


def _open_directory(path: str) -> Log:
    multiplexer = EventMultiplexer(
        size_guidance=data_ingester.DEFAULT_SIZE_GUIDANCE,
        tensor_size_guidance=data_ingester.DEFAULT_TENSOR_SIZE_GUIDANCE | {schema.PLUGIN_NAME: MAX_RECORDS},
    )
    try:
        multiplexer.AddRunsFromDirectory(path)
    except UnicodeError as error:
        raise OSError(f"TensorBoard cannot list {path!r}: a directory name in it is no valid UTF-8") from error
    for run in multiplexer.Runs():
        for _ in range(MAX_BROKEN):
            try:
                multiplexer.GetAccumulator(run).Reload()
                break
            except Exception as error:  # one unreadable run must not take the others down
                logger.warning("run %r is read in part: %s", run, error)
    return Log(MultiplexerDataProvider(multiplexer, path), RequestContext(), directory=path)


def spare_tensorflow() -> None:
    """Makes TensorBoard read files without TensorFlow in this process, unless TensorFlow is loaded already.

    Saves seconds of start-up. For a process of our own only: `tf.summary` may not work in it afterwards.
    """
    if "tensorflow" not in sys.modules:
        sys.modules.setdefault("tensorboard.compat.notf", ModuleType("tensorboard.compat.notf"))
