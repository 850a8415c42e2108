"""What does recording cost? Steps, first calls, memory and bytes, beside what others cost on the same models.

    .venv/bin/python -m benchmarks.overhead
    .venv/bin/python -m benchmarks.overhead --models mlp --parts steps first --seconds 3

Each measurement has a process of its own. WANDB_SITE_PACKAGES names a folder that wandb is installed in; without it
wandb is not measured.
"""

import argparse
import os
import platform
import time
from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.overhead import goals, page, table
from benchmarks.overhead.apart import apart

SUBJECTS = tuple(page.TITLES)
PROFILED = (*((name, False) for name in goals.BY_MODEL["every=1"]), ("mlp", True), ("deep", True))  # (model, XLA)
WATCHED_BY_DEBUGGER = ("mlp", "cnn")
WITH_TORCH = ("mlp", "cnn")
PARTS = ("steps", "first", "fits", "profile", "peers", "torch", "sizes")
ROWS, LAYERS, ELEMENTS = (11, 118, 302, 1000), (10, 30, 100, 300, 1000), (10**5, 10**6, 10**7, 10**8)
FAT = ("mlp", "cnn", "wide")  # whose peak memory is compared
WIDTH = 140  # of a table; wrapped cells cannot be compared


def main() -> None:
    ask = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__)
    ask.add_argument("--models", nargs="*", choices=SUBJECTS, default=SUBJECTS)
    ask.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS)
    ask.add_argument("--seconds", type=float, default=3.0, help="about so long for each comparison")
    ask.add_argument("--repeats", type=int, default=2, help="of first calls")
    ask.add_argument("--no-xla", action="store_true")
    ask.add_argument("--markdown", type=Path, help="write the tables into this file too")
    options = ask.parse_args()
    os.environ["PYTHONWARNINGS"] = "ignore"  # of the processes; Keras tells each fit that it does not shuffle
    began, load = time.monotonic(), os.getloadavg()
    found = page.Found()
    for _ in measured(options, found):
        tables, head = page.tables(found), _circumstances(time.monotonic() - began, load)
        if options.markdown:  # after each, for a run that is stopped
            missing = ["## Not measured", "", *(f"- {line}" for line in found.failed)] if found.failed else []
            parts = ["# What recording costs", head, *map(table.markdown, tables), "\n".join(missing)]
            options.markdown.write_text("\n\n".join(part for part in parts if part) + "\n")
    console = Console()
    console.width = max(console.width, WIDTH)
    console.print(head)
    for one in tables:
        shown = Table(*one.head, box=None, header_style="bold", title=one.title, title_justify="left", caption=one.note)
        for row in one.rows:
            shown.add_row(*(cell.replace("[", r"\[") for cell in row))
        console.print(shown)
    console.print(*found.failed, sep="\n")


def measured(options: argparse.Namespace, found: page.Found) -> Iterator[None]:
    """Stops after each measurement, which is in `found` then."""
    if "torch" in options.parts and not os.environ.get("WANDB_SITE_PACKAGES"):
        found.failed.append("wandb.watch: WANDB_SITE_PACKAGES is not set")
    for into, key, name, *arguments in jobs(options, found):
        began = time.monotonic()
        try:
            into[key] = apart(name, *arguments)
        except Exception as error:  # it is told at the end and does not cost the others
            found.failed.append(f"{name}{tuple(arguments)}: {type(error).__name__}: {error}"[:200])
        print(f"{time.monotonic() - began:5.0f} s  {name}{tuple(arguments)}"[:100], flush=True)
        yield


def jobs(options: argparse.Namespace, found: page.Found) -> Iterator[tuple]:
    """(dictionary, key in it, function, arguments …); asked for one by one, as some need what others answered."""
    seconds = options.seconds
    kinds = [(name, xla) for xla in ((False,) if options.no_xla else (False, True)) for name in options.models]
    for name, xla in kinds:
        if "steps" in options.parts:
            yield found.steps, (name, xla), "steps.measure", name, xla, seconds
        if "first" in options.parts:
            yield found.first, (name, xla), "first_call.measure", name, xla, options.repeats
            yield found.once, (name, xla), "once.measure", name, xla
        if (name, xla) in found.steps and (name, xla) in found.first:
            yield found.auto, (name, xla), "auto.auto", found.steps[name, xla], found.first[name, xla]
    if "fits" in options.parts:
        yield found.fits, "loop", "whole_fits.in_a_loop", seconds
        yield found.fits, "drawing", "whole_fits.drawing", seconds
    for name, xla in kinds:
        if "profile" in options.parts and (name, xla) in PROFILED:
            yield found.parts, (name, xla), "parts.measure", name, xla, seconds / 2
    for name in options.models:
        if "peers" in options.parts:
            yield found.peers, name, "peers.measure", name, seconds
        if "peers" in options.parts and name in WATCHED_BY_DEBUGGER:
            yield found.debugger, name, "debugger.measure", name
        if "torch" in options.parts and name in WITH_TORCH:
            yield found.torch, name, "torch_steps.measure", name, seconds
    if "sizes" in options.parts:
        yield from ((found.written, rows, "sizes.written", rows) for rows in ROWS)
        yield from ((found.memory, (name, n), "sizes.peak_memory", name, n) for name in FAT for n in (None, 1))
        yield from ((found.elements, elements, "sizes.by_elements", elements, seconds / 2) for elements in ELEMENTS)
        yield from ((found.layers, layers, "sizes.by_layers", layers, seconds / 2) for layers in LAYERS)


def _circumstances(seconds: float, load: tuple[float, ...]) -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in ("tensorflow", "keras", "torch", "numpy"))
    return (
        f"{date.today()}, {os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, "
        f"{libraries}. Load when it began {load[0]:.1f}, when it ended {os.getloadavg()[0]:.1f}, of which one is ours; "
        f"{seconds / 60:.0f} minutes."
    )


if __name__ == "__main__":
    main()
