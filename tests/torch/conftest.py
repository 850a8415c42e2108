"""Where are these tests run? In a process of their own without TensorFlow: torch's compiler crashes one that has loaded
it, and Keras, which is on PyTorch here, loads it wherever it is installed.
"""

import os
import sys

if "tensorflow" not in sys.modules:
    sys.modules["tensorflow"] = None  # no module of that name is found
    os.environ["KERAS_BACKEND"] = "torch"


def pytest_ignore_collect() -> bool | None:
    return None if sys.modules["tensorflow"] is None else True
