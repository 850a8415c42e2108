"""How fast is the Diagnostics tab on large runs? In Chromium, beside TensorBoard's own tabs on the same training.

    .venv/bin/python -m benchmarks.page
    .venv/bin/python -m benchmarks.page --layers 500 --loads 3 --logs /tmp/logs --markdown benchmarks/page.md
    .venv/bin/python -m benchmarks.page --layers --runs 1000 --markdown benchmarks/page.md

The last measures the list of runs alone and leaves the rest of the page as it is. Logs are made up and written first,
which takes a minute; with --logs they are kept and used again.
"""

import argparse
import gzip
import os
import platform
import tempfile
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.page import loads, many, report, training
from benchmarks.page.serving import chromium, tensorboard
from tb_lossdiag.plugin.assets import STATIC

LAYERS = (500, 1000)
COMPARED = 500  # layers of the logs that TensorBoard's own tabs are opened on
RUNS = (125, 1000)
LOADS = 5
OURS = ("ours", training.write_ours, "data/plugin/lossdiag/runs")
# Name, hash, a picture and what is in it once it is drawn, how the log is written, and the route that tells whether
# TensorBoard has read it.
OTHERS = (
    ("Time Series", "timeseries", "scalar-card", "canvas", training.write_scalars, "data/plugin/scalars/tags"),
    (
        "Histograms",
        "histograms",
        "vz-histogram-timeseries",
        ".histogram",
        training.write_histograms,
        "data/plugin/histograms/tags",
    ),
)


def main() -> None:
    ask = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    ask.add_argument("--layers", nargs="*", type=int, default=LAYERS)
    ask.add_argument("--runs", nargs="*", type=int, default=RUNS)
    ask.add_argument("--loads", type=int, default=LOADS)
    ask.add_argument("--logs", type=Path, help="keep the logs here")
    ask.add_argument("--markdown", type=Path, help="write the tables into this file too")
    options = ask.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as scratch:
        logs = options.logs or Path(scratch)
        found = {layers: _ours(logs, layers, options.loads) for layers in options.layers}
        others = {}
        if COMPARED in found:
            for name, tab, picture, drawn, write, probe in OTHERS:
                log_dir = _written(logs / f"{tab}-{COMPARED}", COMPARED, write)
                with tensorboard(log_dir, probe) as server, chromium() as browser:
                    others[name, COMPARED] = [
                        loads.theirs(browser, server.address, tab, picture, drawn) for _ in range(options.loads)
                    ]
        lists = [
            many.measure(_written(logs / f"many-{runs}", runs, many.write), runs, loader)
            for runs in options.runs
            for loader in many.LOADERS
        ]
    busy = f"Load when it began {load:.1f}, when it ended {os.getloadavg()[0]:.1f}."
    tables = [report.bundle(_bundle_bytes())]
    if found:
        tables = [report.against_goals(found), report.beside_tensorboard(found, others), *tables]
    if lists:
        tables.append(report.of_many(lists, f"{date.today()}. {busy}"))
    head = (
        f"{date.today()}, {os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, "
        f"TensorBoard {version('tensorboard')}, Debian's Chromium without a GPU, window 1400 x 1000. Medians over "
        f"{options.loads} loads, each in a fresh browser context, of a run with {training.RECORDS:,} records that "
        f"TensorBoard has read already. {busy}"
    )
    if options.markdown:
        page = options.markdown.read_text() if options.markdown.exists() else ""
        options.markdown.write_text(report.written(page, tables, head if found else None))
    console = Console()
    console.print(head if found else busy)
    for one in tables:
        shown = Table(*one.head, box=None, header_style="bold", title=one.title, title_justify="left", caption=one.note)
        for row in one.rows:
            shown.add_row(*row)
        console.print(shown)


def _ours(logs: Path, layers: int, count: int) -> list[loads.Load]:
    name, write, probe = OURS
    log_dir = _written(logs / f"{name}-{layers}", layers, write)
    with tensorboard(log_dir, probe) as server, chromium() as browser:
        return [loads.ours(browser, server.address) for _ in range(count)]


def _written(log_dir: Path, layers: int, write: Callable[[Path, int], None]) -> Path:
    if not log_dir.exists():
        unfinished = log_dir.with_suffix(".unfinished")
        write(unfinished, layers)
        unfinished.rename(log_dir)
    return log_dir


def _bundle_bytes() -> int:
    return sum(len(gzip.compress((STATIC / name).read_bytes())) for name in ("index.js", "index.css"))


if __name__ == "__main__":
    main()
