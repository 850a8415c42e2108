"""Where do the sets of versions live? In one environment each below .venv-versions, made once and kept.

pip and venv alone: they come with every Python, and what is tested is what a user's pip makes of our metadata.
"""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from versions.sets import VersionSet

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".venv-versions"
TOOLS = ("pytest>=8", "hypothesis>=6.100", "scipy")
ASKED = """
import json
from importlib.metadata import distributions
print(json.dumps({d.metadata["Name"].lower().replace("_", "-"): d.version for d in distributions()}))
"""


class Failed(Exception):
    """What pip or venv said."""


def environment(chosen: VersionSet, interpreter: str) -> Path:
    """The Python inside of the set's environment, made if it is not there. Raises Failed."""
    key = hashlib.sha256((ROOT / "pyproject.toml").read_bytes())
    key.update("\n".join([interpreter, *chosen.requirements, *TOOLS]).encode())
    place = HOME / chosen.name
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = place / "made.sha256"
    if not (stamp.exists() and stamp.read_text() == key.hexdigest()):
        shutil.rmtree(place, ignore_errors=True)
        _run([interpreter, "-m", "venv", str(place)])
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*install, "--editable", str(ROOT), *chosen.requirements, *TOOLS])
        stamp.write_text(key.hexdigest())
    return python


def versions(python: Path) -> dict[str, str]:
    """Of what is installed there, by lower-case name."""
    return json.loads(subprocess.run([python, "-c", ASKED], capture_output=True, text=True, check=True).stdout)


def remove(chosen: VersionSet) -> None:
    shutil.rmtree(HOME / chosen.name, ignore_errors=True)


def _run(command: list[str]) -> None:
    # The tab is built by who installs the package for use; to read and judge logs it is not needed.
    environment = {**os.environ, "TB_LOSSDIAG_SKIP_FRONTEND": "1"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise Failed(done.stdout.strip())
