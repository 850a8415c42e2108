"""How do `python3 demo` and `python3 tests` run where there is only Python? Make .venv, install, start again inside.

Standard library only: this file runs before anything is installed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"


def inside(extra: str) -> None:
    """Returns inside the project's virtual environment with the package and its `extra` installed.

    Outside of it, sets it up and replaces this process by the same command inside. The package is installed again when
    its own set-up or the frontend's sources changed, so that nobody looks at a stale tab.
    """
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        _make_venv()
    wanted = _fingerprint(extra)
    stamp = VENV / f"installed-{extra}.sha256"
    if not (stamp.exists() and stamp.read_text() == wanted):
        print(f"Installing tb_lossdiag[{extra}] into {VENV.name} (the first time takes some minutes) …", flush=True)
        pip = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--editable",
            f"{ROOT}[{extra}]",
        ]
        if subprocess.run(pip, stdout=subprocess.DEVNULL if extra == "demo" else None).returncode:
            sys.exit("The installation failed; what pip said is above.")
        stamp.write_text(wanted)
    if Path(sys.prefix).resolve() != VENV.resolve():
        command = [str(python), *sys.argv]
        if os.name == "nt":
            sys.exit(subprocess.run(command).returncode)
        os.execv(command[0], command)


def install_with_apt(*packages: str) -> bool:
    """Whether Debian's packages could be installed: needs root and apt-get."""
    if os.name == "nt" or os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, stdout=subprocess.DEVNULL)
    done = subprocess.run(["apt-get", "install", "-y", "-qq", *packages], env=quiet, stdout=subprocess.DEVNULL)
    return done.returncode == 0


def _make_venv() -> None:
    make = [sys.executable, "-m", "venv", str(VENV)]
    if subprocess.run(make, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    if not install_with_apt("python3-venv"):
        sys.exit("This Python has no venv module. On Debian or Ubuntu, as root: apt-get install python3-venv")
    subprocess.run(make, check=True)


def _fingerprint(extra: str) -> str:
    digest = hashlib.sha256(extra.encode())
    frontend = (path for path in (ROOT / "frontend").rglob("*") if path.is_file() and "node_modules" not in path.parts)
    for path in sorted([ROOT / "pyproject.toml", ROOT / "setup.py", *frontend]):
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()
