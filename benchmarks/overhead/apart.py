"""How is something measured in a process of its own? A function of this package is named and called there.

Only there TensorFlow or torch is loaded: memory, threads and debuggers of one measurement are none of the next.
"""

import importlib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any


def apart(name: str, *arguments: Any) -> Any:
    """The answer of `benchmarks.overhead.<name>`, "module.function". Raises what it raised."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_call, name, arguments).result()


def _call(name: str, arguments: tuple) -> Any:
    module, function = name.rsplit(".", 1)
    return getattr(importlib.import_module(f"benchmarks.overhead.{module}"), function)(*arguments)
