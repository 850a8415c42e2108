"""A process that is asked about many log directories, one after the other, and that may end at any of them."""

import json
import selectors
import subprocess
import sys
from pathlib import Path
from typing import Any

QUESTIONS = Path(__file__).with_name("questions.py")
ROOT = QUESTIONS.parents[2]
# Processor time is bounded inside; this is for a process that waits for something that never comes.
PATIENCE_SECONDS = 300
SHOWN = 5000  # characters of what an ended process said last


class Asked:
    """Starts the process when it is first asked, and again after it has ended.

    stderr: the file it complains to. program: what answers a line of JSON for each line of JSON.
    """

    def __init__(self, stderr: Path, program: Path = QUESTIONS) -> None:
        self._process: subprocess.Popen | None = None
        self._stderr = stderr
        self._program = program

    def __enter__(self) -> "Asked":
        return self

    def __exit__(self, *exception: object) -> None:
        self._end()

    def fault(self, directory: Path, question: dict[str, Any]) -> str | None:
        """What goes wrong when everything is asked about this directory: a traceback or how the process ended."""
        if self._process is None:
            self._start()
        print(json.dumps({"directory": str(directory), "question": question}), file=self._process.stdin, flush=True)
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            answered = selector.select(PATIENCE_SECONDS)
        line = self._process.stdout.readline() if answered else ""
        if line:
            return json.loads(line)
        ended = f"the process ended with {self._process.wait()}" if answered else f"no answer in {PATIENCE_SECONDS} s"
        self._end()
        return f"{ended}\n{self._stderr.read_text(errors='replace')[-SHOWN:]}"

    def _start(self) -> None:
        with open(self._stderr, "wb") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, str(self._program), "--serve"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=ROOT,
                text=True,
            )

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
