"""What became of the measurements? The tables of a run, from what each measurement answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.overhead import goals, table
from benchmarks.overhead.paired import line
from benchmarks.overhead.table import Table

NEVER = 10**9  # recorded.NEVER, which loads TensorFlow
TITLES = {"mlp": "MLP", "cnn": "CNN", "transformer": "transformer", "deep": "100-layer MLP", "lstm": "LSTM"}


@dataclass
class Found:
    """By (model, whether under XLA), or by model, or by size; what failed or was left out is not in it."""

    steps: dict[tuple[str, bool], Any] = field(default_factory=dict)
    first: dict[tuple[str, bool], Any] = field(default_factory=dict)
    once: dict[tuple[str, bool], Any] = field(default_factory=dict)
    auto: dict[tuple[str, bool], Any] = field(default_factory=dict)
    fits: dict[str, Any] = field(default_factory=dict)
    parts: dict[tuple[str, bool], Any] = field(default_factory=dict)
    peers: dict[str, Any] = field(default_factory=dict)
    debugger: dict[str, Any] = field(default_factory=dict)
    torch: dict[str, Any] = field(default_factory=dict)
    written: dict[int, Any] = field(default_factory=dict)
    layers: dict[int, Any] = field(default_factory=dict)
    elements: dict[int, Any] = field(default_factory=dict)
    memory: dict[tuple[str, int | None], int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


def tables(found: Found) -> list[Table]:
    every = (
        _steps(found),
        _auto(found),
        _first(found),
        _once(found),
        _loop(found),
        _drawing(found),
        table.parts({_title(key): one for key, one in found.parts.items()}),
        _others("Others on the same models", _with_debugger(found)),
        _others("PyTorch, on one thread", found.torch),
        _written(found),
        _grown("layers", "layer", found.layers),
        _grown("the elements of one kernel", "element", found.elements),
        _memory(found),
    )
    return [one for one in every if one.rows]


def _steps(found: Found) -> Table:
    rows = []
    for (name, xla), steps in found.steps.items():
        by = dict(steps.by_cadence)
        rows.append(table.cost(_title((name, xla)), "nothing: plain against plain", steps.control))
        arms = {goals.OFF: by.pop(NEVER)}
        if 100 not in by:
            arms["every=100"] = table.longer(by[10], 10, 100)
        arms |= {f"every={every}": one for every, one in by.items()}
        for arm in (goals.OFF, "every=100", "every=10", "every=1"):
            limit = goals.goal(arm, name)
            told = " (from every=10)" if arm == "every=100" and 100 not in by else ""
            rows.append(
                table.cost(_title((name, xla)), arm + told, arms[arm], limit, goals.verdict(arms[arm].cpu, limit))
            )
        plain = arms[goals.OFF].plain
        between = f"{1 + steps.between / plain:.4f}"
        told = f"{steps.between * 1e6:.0f} µs of {plain * 1e3:.2f} ms"
        rows.append((_title((name, xla)), f"{goals.OFF}, Python alone", between, "", told, "1.005", ""))
    return Table(
        "A step, recorded or not",
        table.COST,
        rows,
        "CPU and wall time with the callback to those without it, medians with 95 % bootstrap intervals. The goal is "
        "held against CPU time, which other programs disturb less.",
    )


def _auto(found: Found) -> Table:
    rows = [
        (
            _title(key),
            f"{one.once:.1f} s",
            f"{one.interval}",
            f"{one.running:.2%}",
            table.text(one.whole),
            f"{goals.goal(goals.AUTO, key[0])}",
            goals.verdict(one.whole, goals.goal(goals.AUTO, key[0])),
        )
        for key, one in found.auto.items()
    ]
    head = ("model", "once: trace + burst", "steps between samples", "then", "2-minute run", "goal", "")
    return Table(
        'every="auto" over a run of two minutes',
        head,
        rows,
        "Put together from the fixed part and the running part, both measured; not one run of two minutes.",
    )


def _first(found: Found) -> Table:
    limit = goals.goal(goals.FIRST, "")
    rows = [
        (
            _title(key),
            f"{one.plain:.2f} s",
            f"{one.twin:.2f} s",
            f"{one.extra:.2f} s",
            table.text(one.ratio),
            f"{limit:g}",
            goals.verdict(one.ratio, limit),
        )
        for key, one in found.first.items()
    ]
    return Table(
        "The first call",
        ("model", "plain", "recorded", "a fit's extra", "extra / plain, CPU", "goal", ""),
        rows,
        "A fit's extra: by how much its first two steps take longer; both functions are traced in them.",
    )


def _once(found: Found) -> Table:
    first = next(iter(found.once.values()), {})
    rows = [(_title(key), *(f"{seconds:.2f}" for seconds in one.values())) for key, one in found.once.items()]
    return Table(
        "Where the time of the first call goes",
        ("model", *first),
        rows,
        "CPU seconds in the first steps of a recorded fit, of which a plain fit pays the first two parts. "
        "Compiled: all but the trace of a first call, in TensorFlow's graph optimiser, in XLA, and in the step itself.",
    )


def _loop(found: Found) -> Table:
    limit = goals.EVERYWHERE[goals.LOOP]
    rows = [
        table.cost(TITLES["mlp"], arm, one, limit, goals.verdict(one.cpu, limit))
        for arm, one in found.fits.get("loop", {}).items()
    ]
    return Table(
        "Fits in a loop, of 100 steps each",
        table.COST,
        rows,
        "Later fits of one model, all of the fit; the first two, in which all is traced, are left out.",
    )


def _drawing(found: Found) -> Table:
    rows = [table.cost(TITLES["mlp"], arm, one) for arm, one in found.fits.get("drawing", {}).items()]
    return Table(
        "A step that draws from TensorFlow's own random operators",
        table.COST,
        rows,
        "Its twin takes every step, as its random state is the twin's; its statistics are computed in samples. "
        "Fits of 100 steps, whose first and last are sampled.",
    )


def _with_debugger(found: Found) -> dict[str, dict[str, Any]]:
    by_model = {name: dict(by_arm) for name, by_arm in found.peers.items()}
    for name, one in found.debugger.items():
        by_model.setdefault(name, {})["TensorFlow Debugger V2, CURT_HEALTH"] = one
    return by_model


def _others(title: str, found: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = [
        (*table.cost(TITLES[name], arm, one)[:-2], f"{one.plain * 1e3:.2f} ms")
        for name, by_arm in found.items()
        for arm, one in by_arm.items()
    ]
    return Table(title, (*table.COST[:-2], "plain step"), rows)


def _written(found: Found) -> Table:
    rows = [(f"{n:,}", f"{one.size:,.0f}", f"{one.seconds * 1e6:.0f}") for n, one in found.written.items()]
    return Table("The writer, a sampled step", ("rows", "bytes", "µs"), rows)


def _grown(what: str, unit: str, grown: Mapping[int, Any]) -> Table:
    rows = [
        (
            f"{n:,}",
            f"{one.rows:,}",
            f"{one.plain * 1e3:.2f}",
            f"{one.extra * 1e3:.2f}",
            f"{one.trace:.1f} s",
            f"{one.first:.1f} s",
        )
        for n, one in grown.items()
    ]
    note = ""
    if len(grown) > 1:
        fit = line([one.rows if unit == "layer" else n for n, one in grown.items()], [g.extra for g in grown.values()])
        per = "µs a row of the layer table" if unit == "layer" else "ns an element"
        slope = fit.slope * (1e6 if unit == "layer" else 1e9)
        note = f"Fitted: {fit.fixed * 1e3:.2f} ms + {slope:.2f} {per}."
    head = (f"{unit}s", "rows", "plain step, ms", "sampled takes longer by, ms", "plain trace", "twin's")
    return Table(f"A sampled step by {what}", head, rows, note)


def _memory(found: Found) -> Table:
    both = [name for name, every in found.memory if every and (name, None) in found.memory]
    peaks = [(name, found.memory[name, None] / 2**20, found.memory[name, 1] / 2**20) for name in both]
    rows = [
        (TITLES.get(name, "MLP, 34M"), f"{plain:.0f} MiB", f"{ours - plain:+.0f} MiB") for name, plain, ours in peaks
    ]
    return Table("Peak memory of a process", ("model", "plain", "every=1 adds"), rows)


def _title(key: tuple[str, bool]) -> str:
    return TITLES[key[0]] + (", XLA" if key[1] else "")
