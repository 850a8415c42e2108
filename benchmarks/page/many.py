"""How does the list of runs do with a thousand of them? Through a TensorBoard process, with either of its loaders."""

import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import numpy as np

from benchmarks.page import training
from benchmarks.page.serving import tensorboard
from tb_lossdiag.recording.writer import DiagnosticsWriter

STEPS, LAYERS = 400, 8
SAMPLED = 10  # steps between two layer records
WRITTEN = 20  # different runs; the others are copies of their files
LOADERS = {"data server": "true", "Python": "false"}
RUNS = "data/plugin/lossdiag/runs"
OTHER = "data/plugin/scalars/tags"  # what another tab asks for
ASKED = 100
QUIET_CPU_SECONDS = 0.1  # in two seconds: TensorBoard has read the log
LISTED_ANEW_SECONDS = 20  # a list of tags is used for a hundred times as long as it took
MOST_SECONDS = 600  # a list that is not ready by then is not going to be
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class List:
    """One list of runs. Times in seconds but for those of the other tab, in ms each.

    first: until the first answer, `ready` of `runs` verdicts in it. complete, cpu: until the last verdict, of which CPU
    time of TensorBoard's process. again, again_cpu: asked once more, with nothing new. fresh: asked when the tags are
    listed anew.
    before, meanwhile: how long the other tab waited for its answers. grown: bytes that the process has grown by.
    """

    runs: int
    loader: str
    first: float
    ready: int
    complete: float
    cpu: float
    again: float
    again_cpu: float
    fresh: float
    before: list[float]
    meanwhile: list[float]
    grown: int


def write(log_dir: Path, runs: int) -> None:
    card = training.card(LAYERS)
    rng = np.random.default_rng(0)
    kinds = np.array([row.kind for row in card.rows])
    for index in range(runs):
        here = log_dir / "sweep" / f"run_{index:04d}"
        if index >= WRITTEN:
            shutil.copytree(log_dir / "sweep" / f"run_{index % WRITTEN:04d}", here)
            continue
        with DiagnosticsWriter(here, card) as writer:
            norms = 0.1 * 10.0 ** np.linspace(-(index % 4) * 2, 0, len(kinds))
            for step in range(1, STEPS + 1):
                if step % SAMPLED == 0:
                    noise = rng.uniform(0.9, 1.1, len(kinds))
                    cells = {"gradient_norm": np.where(kinds == "variable", norms * noise, np.nan)}
                    cells["update_ratio"] = np.where(kinds == "variable", 1e-3 * noise, np.nan)
                    cells["activation_std"] = np.where(kinds == "output", 0.6 * noise, np.nan)
                    writer.write_layers(step, cells)
                loss = 2.3 * np.exp(-step / (100 * (1 + index % 5))) + rng.normal(0, 0.02)
                writer.write_step(step, loss=loss, learning_rate=0.01, gradient_norm=float(np.linalg.norm(norms)))


def measure(log_dir: Path, runs: int, loader: str) -> List:
    with tensorboard(log_dir, "data/runs", f"--load_fast={LOADERS[loader]}") as server:
        while _cpu_in(server.pid, 2) > QUIET_CPU_SECONDS:
            pass
        before = [_asked(server.address + OTHER)[0] for _ in range(ASKED)]
        cpu, size, began = _cpu(server.pid), _size(server.pid), time.monotonic()
        first, lines = _asked(server.address + RUNS)
        ready = _ready(lines)
        if len(lines["runs"]) != runs:
            raise RuntimeError(f"{len(lines['runs'])} of {runs} runs are listed")
        meanwhile = []
        while _ready(lines) < runs:
            meanwhile += [_asked(server.address + OTHER)[0] for _ in range(ASKED // 10)]
            time.sleep(0.5)
            lines = _asked(server.address + RUNS)[1]
            if time.monotonic() - began > MOST_SECONDS:
                raise TimeoutError(f"{_ready(lines)} of {runs} verdicts after {MOST_SECONDS} s")
        complete, cpu, grown = time.monotonic() - began, _cpu(server.pid) - cpu, _size(server.pid) - size
        used = _cpu(server.pid)
        answers = [_asked(server.address + RUNS)[0] for _ in range(ASKED // 4)]
        used = (_cpu(server.pid) - used) / len(answers)
        again = float(np.median(answers))
        time.sleep(LISTED_ANEW_SECONDS)
        fresh = _asked(server.address + RUNS)[0]
    return List(runs, loader, first, ready, complete, cpu, again, used, fresh, before, meanwhile, grown)


def _asked(address: str) -> tuple[float, dict]:
    began = time.monotonic()
    answer = urlopen(address).read()
    return time.monotonic() - began, json.loads(answer)


def _ready(lines: dict) -> int:
    return sum(run["state"] != "pending" for run in lines["runs"])


def _cpu(pid: int) -> float:
    """CPU seconds of the process, all threads, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _cpu_in(pid: int, seconds: float) -> float:
    before = _cpu(pid)
    time.sleep(seconds)
    return _cpu(pid) - before


def _size(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
