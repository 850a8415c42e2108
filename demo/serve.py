"""Where can I look at it? TensorBoard on a free port, at the Diagnostics tab, until Ctrl-C."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def open_tab(logs: Path) -> None:
    """Prints the tab's address and serves it until Ctrl-C."""
    with running(logs) as (address, process):
        print(f"\nThe Diagnostics tab: {address}#lossdiag   (Ctrl-C ends it)\n", flush=True)
        try:
            process.wait()
        except KeyboardInterrupt:
            print()


@contextmanager
def running(logs: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    """A TensorBoard process on a port of its own choice, and its address with a slash at the end."""
    command = [sys.executable, "-m", "tensorboard.main", f"--logdir={logs}", "--port=0"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = []
    try:
        for line in process.stderr:
            said.append(line)
            if address := re.search(r"http://\S+", line):
                yield address[0], process
                return
        raise RuntimeError(f"TensorBoard ended without an address:\n{''.join(said)}")
    finally:
        process.terminate()
        process.communicate()
