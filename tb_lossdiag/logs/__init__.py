"""What do the event files say? From TensorBoard's data provider to a Run."""

from tb_lossdiag.logs.runs import list_experiments, read_run
from tb_lossdiag.logs.source import Log

__all__ = ["Log", "list_experiments", "read_run"]
