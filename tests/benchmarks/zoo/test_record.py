import subprocess
import sys


def test_a_worker_that_imports_the_commands_can_still_be_prepared():
    """TensorFlow takes its number of threads only before it starts."""
    names = ("__main__", "calibrate", "record", "fixes", "pairs")
    commands = f"import {', '.join(f'benchmarks.zoo.{name}' for name in names)}"
    code = f"{commands}; from benchmarks.zoo.record import _prepare; _prepare()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
