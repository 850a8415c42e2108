"""Where can I look at it? TensorBoard on a free port, at the Diagnostics tab, until Ctrl-C."""

import socket
import subprocess
import sys
from pathlib import Path


def open_tab(logs: Path) -> None:
    port = _free_port()
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logs), "--port", str(port)]
    print(f"\nThe Diagnostics tab: http://localhost:{port}/#lossdiag   (Ctrl-C ends it)\n", flush=True)
    try:
        subprocess.run(command, check=False)
    except KeyboardInterrupt:
        print()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]
