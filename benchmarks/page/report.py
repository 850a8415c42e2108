"""What became of the measurements? Tables of the loads, beside the goals and beside TensorBoard's own tabs."""

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.overhead.table import Table, markdown
from benchmarks.page.goals import AGAIN_SECONDS, BUNDLE_BYTES, CPU_SECONDS, FIRST_SECONDS, GOALS, RUNS, SIZE
from benchmarks.page.loads import Load, Other
from benchmarks.page.many import LAYERS, SAMPLED, STEPS, WRITTEN, List


def against_goals(loads: Mapping[int, Sequence[Load]]) -> Table:
    rows = []
    for layers, ones in loads.items():
        for goal in GOALS:
            values = [goal.measured(one) for one in ones]
            middle, limit = np.median(values), goal.limit_for(layers)
            spread = f"{min(values):.0f} … {max(values):.0f}"
            told = ("", "") if limit is None else (f"{limit:.0f}", "met" if middle <= limit else "missed")
            rows.append((f"{layers:,}", goal.title, f"{middle:.0f} {goal.unit}".strip(), spread, *told))
    return Table(
        "The Diagnostics tab",
        ("layers", "", "median", "lowest … highest", "goal", ""),
        rows,
        "Times to the first findings and to the heatmap count from the start of our frame; hover and zoom from the "
        "event to the paint of what it changed, with every module opened. The heap is the whole page's after a "
        "collection: scripts, document and typed arrays, TensorBoard's own part included. "
        "Of a layer table above 64 MB the backend reads a sample of its records. "
        f"Goals are for {SIZE} layers; {2 * SIZE:,} may take twice as much.",
    )


def beside_tensorboard(loads: Mapping[int, Sequence[Load]], others: Mapping[tuple[str, int], Sequence[Other]]) -> Table:
    rows = []
    for (tab, layers), ones in others.items():
        own, first = np.median([one.first for one in loads[layers]]), np.median([one.first for one in ones])
        own_heap, heap = (np.median([one.heap for one in part]) / 1e6 for part in (loads[layers], ones))
        shown = f"{ones[0].shown} of {layers + 1 if tab == 'Time Series' else layers}"
        rows.append((f"{layers:,}", "Diagnostics", f"{own:.0f} ms", "1", f"{own_heap:.0f} MB", "1", f"all {layers:,}"))
        ratio, heap_ratio = f"{first / own:.2f}", f"{heap / own_heap:.2f}"
        rows.append((f"{layers:,}", tab, f"{first:.0f} ms", ratio, f"{heap:.0f} MB", heap_ratio, shown))
    return Table(
        "Beside TensorBoard's own tabs",
        ("layers", "tab", "first answer", "ratio", "heap", "ratio", "layers in view"),
        rows,
        "From opening TensorBoard's page to the first findings, or to the first picture of the other tab. The other "
        "logs hold what people write today: a gradient norm per layer and step as a scalar, and a histogram per layer "
        "at 50 steps, which is what TensorBoard keeps of however many there are.",
    )


def of_many(lists: Sequence[List], when: str) -> Table:
    rows = []
    for one in lists:
        share = one.runs / RUNS
        measured = (
            (f"first answer, {one.ready:,} verdicts in it", f"{one.first:.2f} s", FIRST_SECONDS, one.first, "s"),
            ("CPU time until the last verdict", f"{one.cpu:.1f} s", CPU_SECONDS * share, one.cpu, "s"),
            ("until the last verdict", f"{one.complete:.0f} s", None, one.complete, "s"),
            ("asked again", f"{1e3 * one.again:.0f} ms", 1e3 * AGAIN_SECONDS, 1e3 * one.again, "ms"),
            ("asked again, CPU time", f"{1e3 * one.again_cpu:.0f} ms", 1e3 * AGAIN_SECONDS, 1e3 * one.again_cpu, "ms"),
            ("asked again, with all tags listed anew", f"{1e3 * one.fresh:.0f} ms", None, 1e3 * one.fresh, "ms"),
            ("another tab's answer before", _waits(one.before), None, 0, ""),
            ("another tab's answer meanwhile", _waits(one.meanwhile), None, 0, ""),
            ("memory that the process grew by", f"{one.grown / 1e6:.0f} MB", None, 0, ""),
        )
        for title, told, limit, value, unit in measured:
            verdict = ("", "") if limit is None else (f"{limit:g} {unit}", "met" if value <= limit else "missed")
            rows.append((f"{one.runs:,}", one.loader, title, told, *verdict))
    return Table(
        "The list of many runs",
        ("runs", "loader", "", "", "goal", ""),
        rows,
        f"{when} Runs of {STEPS} steps with {STEPS // SAMPLED} records of {LAYERS} layers, {WRITTEN} different ones "
        "and copies of these, that TensorBoard has read already. The other tab asks for data/plugin/scalars/tags; its "
        "waits are the median and the 95 % quantile, before the first list and while verdicts are made. Goals are for "
        f"{RUNS:,} runs; fewer may take CPU time in proportion.",
    )


def _waits(seconds: Sequence[float]) -> str:
    if not seconds:
        return "nothing asked"
    return f"{1e3 * np.median(seconds):.0f} ms, {1e3 * np.quantile(seconds, 0.95):.0f} ms"


def written(page: str, tables: Sequence[Table], head: str | None) -> str:
    """The page with these tables in the place of the ones of the same title; the others stay.

    head: what stands above them all; None keeps what is there.
    """
    top, *parts = page.split("\n## ")
    sections = {part.splitlines()[0]: f"## {part}".strip() for part in parts}
    sections |= {table.title: markdown(table).strip() for table in tables}
    title = "# How fast the Diagnostics tab is"
    start = f"{title}\n\n{head}" if head else top.strip() or title
    return "\n\n".join([start, *sections.values()]) + "\n"


def bundle(size: int) -> Table:
    verdict = "met" if size <= BUNDLE_BYTES else "missed"
    row = ("index.js and index.css, gzip", f"{size / 1e3:.1f} kB", f"{BUNDLE_BYTES / 1e3:.0f} kB", verdict)
    return Table("The bundle", ("", "size", "goal", ""), [row])
