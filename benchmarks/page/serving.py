"""How does a browser reach the tab? Through a TensorBoard process and Debian's Chromium, as a reader's would."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from urllib.request import urlopen

from playwright.sync_api import Browser, sync_playwright

VIEWPORT = {"width": 1400, "height": 1000}
READ_SECONDS = 120  # a log that TensorBoard has not read by then is not going to be


@dataclass(frozen=True)
class Server:
    address: str
    pid: int


@contextmanager
def tensorboard(log_dir: Path, probe: str, *flags: str) -> Iterator[Server]:
    """The server, once `probe`, a route below it that answers JSON, has something to say. Raises TimeoutError."""
    command = [sys.executable, "-m", "tensorboard.main", f"--logdir={log_dir}", "--port=0", *flags]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        address = next(found[0] for line in process.stderr if (found := re.search(r"http://\S+/", line)))
        began = time.monotonic()
        while not _has_all(address, probe):
            if time.monotonic() - began > READ_SECONDS:
                raise TimeoutError(f"TensorBoard has not read {log_dir} after {READ_SECONDS} s")
            time.sleep(0.5)
        yield Server(address, process.pid)
    finally:
        process.terminate()
        process.communicate()


def _has_all(address: str, probe: str) -> bool:
    """Whether the answer is there and says twice the same: TensorBoard shows what it has while it reads on."""
    first = json.load(urlopen(address + probe))
    time.sleep(1)
    return bool(first and first != {"runs": []}) and first == json.load(urlopen(address + probe))


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=which("chromium"), args=["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"]
        )
        yield browser
        browser.close()
