"""How do tests see a training on JAX? Scripts run in processes of their own, with Keras on JAX; tests read results."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
# Only where two fits are compared bit by bit does it matter how fast the code is that XLA makes of them.
UNOPTIMISED = "--xla_backend_optimization_level=0"
XLA_FLAGS = {"same": "", "distributed": "--xla_force_host_platform_device_count=2"}


class Trained:
    """log(name): the log directory of a training; facts: what its process said of each."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.facts = json.loads((directory / "facts.json").read_text())

    def log(self, name: str) -> Path:
        return self.directory / name


@pytest.fixture(scope="session")
def run_on_jax(tmp_path_factory):
    """A function: what Python prints, run with these arguments, environment variables, and Keras on JAX."""
    compiled = tmp_path_factory.mktemp("compiled")
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": os.pathsep.join(map(str, (HERE.parent.parent, HERE.parent))),
        "JAX_COMPILATION_CACHE_DIR": str(compiled),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }

    def run(*arguments, **variables) -> str:
        command = [sys.executable, *arguments]
        done = subprocess.run(command, env={**environment, **variables}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory, run_on_jax):
    """A function: group of trainings.py -> Trained; each group is trained once."""
    known = {}

    def train(group: str) -> Trained:
        if group not in known:
            directory = tmp_path_factory.mktemp(group)
            run_on_jax(HERE / "trainings.py", group, directory, XLA_FLAGS=XLA_FLAGS.get(group, UNOPTIMISED))
            known[group] = Trained(directory)
        return known[group]

    return train
