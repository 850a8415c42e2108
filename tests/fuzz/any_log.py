"""Which files can a log directory hold, and what is asked about it? Hypothesis strategies for whole directories.

A log begins as events that an honest writer leaves; then they are altered one by one, or their files are damaged.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import any_run
import numpy as np
from fuzz.alterations import ALTERATIONS
from fuzz.damage import DAMAGE, filed
from fuzz.sound_events import event_lists, plain
from hypothesis import strategies as st

from tb_lossdiag import schema

WORDS = (
    "exp", "train", "validation", "diagnostics", "eval", "größe 層", "[red]x[/]", "a\x1b[2Jb", "\u202egnp", "a\nb",
    "%s", "a\\b", "'", "x" * 200, " ", "-", "--json", "~", "..x",
)  # fmt: skip
CROWD = 40  # runs beside the others
FILE_NAMES = ("events.out.tfevents.1.host", "events.out.tfevents.2.host.v2", "tfevents", "events.out.tfevents.x\x1by")


@dataclass(frozen=True)
class AnyLog:
    """files: {path below the log directory: bytes}."""

    files: dict[str, bytes]

    def write(self, directory: Path) -> None:
        for name, content in self.files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """For Hypothesis: the bytes themselves say nothing to a reader."""
        printer.text(", ".join(f"{name!r}: {len(content)} bytes" for name, content in self.files.items()))


alterations = st.lists(st.tuples(st.sampled_from(ALTERATIONS), any_run.seeds), min_size=1, max_size=5)
damage = st.lists(st.tuples(st.sampled_from(DAMAGE), any_run.seeds), min_size=1, max_size=3)


@st.composite
def directories(draw: st.DrawFn, broken: bool) -> AnyLog:
    """broken: whether bytes are damaged, or events are altered."""
    files: dict[str, bytes] = {}
    for number in range(draw(st.sampled_from((0, 0, 0, 0, 0, 0, 0, CROWD)))):
        files[f"crowd/{number}/{FILE_NAMES[0]}"] = filed(plain("loss", number % 9, number, False), [])
    for _ in range(draw(st.sampled_from((1, 2, 3)))):
        events = draw(event_lists)
        altered = [] if broken else draw(alterations)
        for alteration, seed in altered:
            alteration(events, np.random.default_rng(seed))
        own = any(value.tag.startswith("lossdiag/") for event in events for value in event.summary.value)
        run = Path("/".join(draw(st.lists(st.sampled_from(WORDS), max_size=2))))
        place = run / (schema.RUN_DIRECTORY if own and draw(st.booleans()) else "")
        if files and draw(st.booleans()):
            place = Path(next(iter(files))).parent
        content = filed(events, draw(damage) if broken else [])
        files[str(place / draw(st.sampled_from(FILE_NAMES)))] = content
    return AnyLog(files)


JUNK = (
    "", "0", "1", "-1", "9" * 30, "٣", "a\x1b[2J", "dense", "dense_0", "loss", "gradient_norm", "%00", "<b>", "NaN",
    "1e3",
)  # fmt: skip
ROUTES = (
    "runs", "report", "report.md", "series", "layers", "layer", "setup", "matrix", "compare", "difference",
    "histograms", "index.js", "",
)  # fmt: skip
PARAMETERS = ("run", "layer", "statistic", "width", "row", "first", "last", "mine")
requests = st.tuples(
    st.sampled_from(ROUTES), st.dictionaries(st.sampled_from(PARAMETERS), st.sampled_from(JUNK), max_size=4)
)
COMMANDS = (
    [],
    ["report"],
    ["report", "--json"],
    ["report", "--markdown"],
    ["check"],
    ["compare"],
    ["compare", "--json"],
)
questions = st.fixed_dictionaries(
    {
        "command": st.sampled_from(COMMANDS),
        "encoding": st.sampled_from(("utf-8", "ascii", "cp1252")),
        "columns": st.sampled_from((40, 80, 200)),
        "requests": st.lists(requests, max_size=8),
    }
)
