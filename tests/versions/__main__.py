"""python -m tests.versions: run a selection of the tests with every supported set of versions, and print a table.

--oldest runs only the oldest set for which a Python is found; each test run does that. --keep leaves the environments
of the others where they are, some 1.4 GB each; the oldest one's always stays. Words choose sets by their name.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from versions.environments import ROOT, Failed, environment, remove, versions
from versions.interpreters import interpreter
from versions.sets import MATRIX, OLDEST, VersionSet

TITLES = ("Python", "TensorFlow", "Keras", "TensorBoard", "numpy", "what was run", "outcome")
SECONDS = 3600  # a selection takes 2 minutes, that without TensorFlow 10; only one that hangs runs into it


def main() -> int:
    ask = argparse.ArgumentParser(prog="python -m tests.versions", description=__doc__)
    ask.add_argument("--oldest", action="store_true", help="only the oldest set for which a Python is found")
    ask.add_argument("--keep", action="store_true", help="keep the environments")
    ask.add_argument("names", nargs="*", metavar="WORD", help="only sets with one of these in their name")
    options = ask.parse_args()
    return oldest() if options.oldest else matrix(options.names, options.keep)


def oldest() -> int:
    for chosen in OLDEST:
        command = interpreter(chosen.python)
        if command is None:
            continue
        if chosen is not OLDEST[0]:
            print(f"No Python {OLDEST[0].python} was found; the oldest versions for {chosen.python} are tried instead.")
        row, said = tried(chosen, command)
        print(said, f"{chosen.name}: {row[-1]}", sep="\n", flush=True)
        return not row[-1].startswith("passed")
    print(
        f"None of these Pythons was found: {', '.join(chosen.python for chosen in OLDEST)}. No old versions are tried."
    )
    return 0


def matrix(names: list[str], keep: bool) -> int:
    rows = []
    for chosen in MATRIX:
        if names and not any(name in chosen.name for name in names):
            continue
        command = interpreter(chosen.python)
        if command is None:
            rows.append((chosen.python, *("",) * 5, "not run: no such Python was found"))
            continue
        print(f"── {chosen.name}", flush=True)
        row, said = tried(chosen, command)
        rows.append(row)
        if not row[-1].startswith("passed"):
            print(said, flush=True)
        print(row[-1], flush=True)
        if not keep and chosen not in OLDEST:
            remove(chosen)
    print("", *table(rows), sep="\n")
    return not all(row[-1].startswith("passed") for row in rows)


def tried(chosen: VersionSet, command: str) -> tuple[tuple[str, ...], str]:
    """(what the table says, what pytest said)."""
    what = ", ".join(chosen.selection)
    try:
        python = environment(chosen, command)
    except Failed as error:
        return (chosen.python, *("",) * 4, what, "not installed"), str(error)
    installed = versions(python)
    tensorflow = installed.get("tensorflow-cpu") or installed.get("tensorflow") or ""
    known = (tensorflow, *(installed.get(name, "") for name in ("keras", "tensorboard", "numpy")))
    selected = [str(ROOT / "tests" / path) for path in chosen.selection]
    settings = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "TF_ENABLE_ONEDNN_OPTS": "0"}
    began = time.monotonic()
    try:
        done = subprocess.run(
            # Old libraries are deprecated by a newer Python; of ours the other tests take a warning for an error.
            [python, "-m", "pytest", "-p", "no:cacheprovider", "-W", "ignore::DeprecationWarning", *selected],
            cwd=ROOT,
            env={**os.environ, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=SECONDS,
        )
        said, counted = done.stdout, _counted(done.stdout)
        outcome = f"{'failed' if done.returncode else 'passed'}: {counted}"
    except subprocess.TimeoutExpired as error:
        said = (error.stdout or b"").decode(errors="replace")  # as bytes, whatever was asked for
        outcome = f"failed: no end after {SECONDS} s"
    return (chosen.python, *known, what, f"{outcome}, {time.monotonic() - began:.0f} s"), said


def _counted(said: str) -> str:
    """ "3 failed, 40 passed" of pytest's last line, or what that was instead."""
    last = (said.strip().splitlines() or ["nothing was said"])[-1]
    return ", ".join(re.findall(r"\d+ (?:failed|passed|skipped|errors?)", last)) or last


def table(rows: list[tuple[str, ...]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (TITLES, ("---",) * len(TITLES), *rows)]


if __name__ == "__main__":
    sys.exit(main())
