"""Which Pythons are on this machine? Those on PATH by their usual names, those of pyenv, and the one that runs this."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

# A name on PATH may be a shim that starts nothing, and Debian's Python may come without what makes environments.
ASKED = "import ensurepip, sys, venv; print('{}.{}'.format(*sys.version_info))"
SECONDS = 20


def interpreter(version: str) -> str | None:
    """The command of a Python "3.10" that can make an environment; None where there is none."""
    return next((command for command in _candidates(version) if _answers(command, version)), None)


def _candidates(version: str) -> Iterable[str]:
    if version == "{}.{}".format(*sys.version_info):
        yield sys.executable
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield on_path
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    newest_first = sorted(pyenv.glob(f"{version}.*"), key=_numbers, reverse=True)
    yield from (str(path / "bin" / "python") for path in newest_first)


def _numbers(path: Path) -> list[int]:
    return [int(part) if part.isdigit() else -1 for part in path.name.split(".")]


def _answers(command: str, version: str) -> bool:
    try:
        done = subprocess.run([command, "-c", ASKED], capture_output=True, text=True, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout.strip() == version
