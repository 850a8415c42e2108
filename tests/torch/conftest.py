"""Where are these tests run? In a process of their own: torch's compiler crashes one that has loaded TensorFlow."""

import sys


def pytest_ignore_collect() -> bool | None:
    return True if "tensorflow" in sys.modules else None
