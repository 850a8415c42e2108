"""What is wrong with the trainings in a log directory? Asked from Python (`diagnose`) or a shell (`tb-lossdiag`).

What needs numpy and TensorBoard is imported when it is first used, which takes half a second: until then Ctrl-C would
end in a traceback from within an import.
"""

import importlib

from tb_lossdiag.cli.process import main

__all__ = ["diagnose", "main", "run"]

_HOMES = {"diagnose": "trainings", "run": "commands"}


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
