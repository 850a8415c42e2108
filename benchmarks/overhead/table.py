"""How is it all shown? As tables of text, which the terminal and the published page share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.overhead.paired import Comparison, Spread, diluted

Rows = list[tuple[str, ...]]
COST = ("model", "arm", "CPU", "wall", "pairs of steps", "goal", "")


@dataclass(frozen=True)
class Table:
    """note: what is to be known before one reads it."""

    title: str
    head: tuple[str, ...]
    rows: Rows
    note: str = ""


def cost(title: str, arm: str, found: Comparison, goal: float | None = None, verdict: str = "") -> tuple[str, ...]:
    limit = "" if goal is None else f"{goal:g}"
    return (title, arm, text(found.cpu), text(found.wall), f"{found.cpu.pairs} of {found.steps}", limit, verdict)


def text(ratio: Spread) -> str:
    digits = 2 if ratio.median >= 1.5 else 3
    return f"{ratio.median:.{digits}f} [{ratio.low:.{digits}f} … {ratio.high:.{digits}f}]"


def longer(found: Comparison, steps: int, wanted: int) -> Comparison:
    """The same samples further apart: `steps` and `wanted` lie between two."""
    by = {"cpu": diluted(found.cpu, steps, wanted), "wall": diluted(found.wall, steps, wanted)}
    return Comparison(found.steps, found.plain, **by)


def parts(found: Mapping[str, Mapping[str, Comparison]]) -> Table:
    """What leaving a part out takes away, in shares of a plain step's CPU time. found: by the title of the model."""
    first = next(iter(found.values()), {})
    names = list(first)
    rows = []
    for title, by_part in found.items():
        left = [by_part[part].cpu.median for part in names]
        shares = [f"{a - b:.2f}" for a, b in pairwise(left)]
        rows.append((title, f"{left[0]:.2f}", *shares, f"{left[-1] - 1:.2f}"))
    return Table(
        "Where the time of a sampled step goes (every=1)",
        ("model", "CPU", *names[1:], "rest"),
        rows,
        "Each part left out after the one before it, in shares of a plain step's CPU time. "
        "Rest: what a twin costs that computes nothing.",
    )


def markdown(table: Table) -> str:
    lines = [f"## {table.title}", "", *([table.note, ""] if table.note else [])]
    lines += [_line(table.head), _line(["---"] * len(table.head)), *map(_line, table.rows)]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
