import subprocess
import sys


def test_a_worker_that_imports_the_commands_can_still_be_prepared():
    """TensorFlow takes its number of threads only before it starts."""
    commands = "import benchmarks.zoo.__main__, benchmarks.zoo.calibrate, benchmarks.zoo.record"
    code = f"{commands}; from benchmarks.zoo.record import _prepare; _prepare()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
