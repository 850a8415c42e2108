"""How is a log directory opened without a server? With TensorBoard's own Python loader, in this process."""

import os
import sys
from types import ModuleType

from tensorboard.backend.event_processing import data_ingester
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.util import tb_logging

from tb_lossdiag import schema
from tb_lossdiag.logs.source import MAX_RECORDS, Log

logger = tb_logging.get_logger()


def open_log(log_dir: str | os.PathLike) -> Log:
    """Everything below `log_dir`, read once, with the sample caps of the Diagnostics tab, so both see the same data.

    A run whose events TensorBoard cannot parse is kept as far as it was read.
    Raises FileNotFoundError or NotADirectoryError naming a `log_dir` that is not there, OSError when TensorBoard cannot
    list it.
    """
    path = os.path.expanduser(os.fspath(log_dir))
    if not os.path.exists(path):
        raise FileNotFoundError(f"log directory {path!r} does not exist")
    if not os.path.isdir(path):
        raise NotADirectoryError(f"log directory {path!r} is not a directory")
    multiplexer = EventMultiplexer(
        size_guidance=data_ingester.DEFAULT_SIZE_GUIDANCE,
        tensor_size_guidance=data_ingester.DEFAULT_TENSOR_SIZE_GUIDANCE | {schema.PLUGIN_NAME: MAX_RECORDS},
    )
    try:
        multiplexer.AddRunsFromDirectory(path)
    except UnicodeError as error:
        raise OSError(f"TensorBoard cannot list {path!r}: a directory name in it is no valid UTF-8") from error
    for run in multiplexer.Runs():
        try:
            multiplexer.GetAccumulator(run).Reload()
        except Exception as error:  # one unreadable run must not take the others down
            logger.warning("run %r is read in part: %s", run, error)
    return Log(MultiplexerDataProvider(multiplexer, path), RequestContext())


def spare_tensorflow() -> None:
    """Makes TensorBoard read files without TensorFlow in this process, unless TensorFlow is loaded already.

    Saves seconds of start-up. For a process of our own only: `tf.summary` may not work in it afterwards.
    """
    if "tensorflow" not in sys.modules:
        sys.modules.setdefault("tensorboard.compat.notf", ModuleType("tensorboard.compat.notf"))
