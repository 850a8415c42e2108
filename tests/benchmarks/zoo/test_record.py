import subprocess
import sys

import pytest


@pytest.mark.parametrize("command", ["__main__", "calibrate", "record"])
def test_a_worker_that_imports_the_command_can_still_be_prepared(command):
    """TensorFlow takes its number of threads only before it starts."""
    code = f"import benchmarks.zoo.{command}; from benchmarks.zoo.record import _prepare; _prepare()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
