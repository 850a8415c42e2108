"""python -m benchmarks.zoo.calibrate: how sure may the diagnosis be, and where do its thresholds stand?

On the tuning half only. Measures how often a cause that was named first was right, by confidence, and writes that to
tb_lossdiag/diagnosis/reliability.py, from where every report quotes it. Prints which pairs of causes stand in the wrong
order, and for every check how the healthy runs lie against its threshold.
"""

import argparse
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

import tb_lossdiag
from benchmarks.zoo.record import DEFAULT_FOLDER, log_of, record, recording
from benchmarks.zoo.score import read
from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.report import Report

RELIABILITY = Path(tb_lossdiag.__file__).parent / "diagnosis" / "reliability.py"


def main() -> None:
    # Late: a worker that records imports this module first, and the zoo's regularizers would start TensorFlow in it.
    from benchmarks.zoo.zoo import TRAININGS

    ask = argparse.ArgumentParser(prog="python -m benchmarks.zoo.calibrate", description=__doc__)
    ask.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    ask.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="where recordings are kept")
    options = ask.parse_args()
    chosen = [one for one in TRAININGS if not one.held_out]
    record(chosen, options.seeds, options.folder)
    known = [(one, seed) for one in chosen for seed in options.seeds]
    known = [pair for pair in known if (done := recording(options.folder, pair[0].name, pair[1])) and not done.error]
    with ProcessPoolExecutor(2) as pool:
        reports = pool.map(_report, [log_of(options.folder, one.name, seed) for one, seed in known], chunksize=8)
    truths = [set(one.truth) for one, _ in known]
    pairs = list(zip(truths, reports, strict=True))
    counts = reliability(pairs)
    before = RELIABILITY.read_text().partition("RIGHT")[0]
    lines = [
        f"    ({cause!r}, {how!r}): {tuple(count)},".replace("'", '"') for (cause, how), count in sorted(counts.items())
    ]
    RELIABILITY.write_text("\n".join([f"{before}RIGHT = {{", *lines, "}", ""]))
    print(f"wrote {RELIABILITY.name}")
    print("\nranked above the true cause:", *misranked(pairs), sep="\n  ")
    print("\nthresholds and healthy runs:", *margins([report for truth, report in pairs if not truth]), sep="\n  ")


def _report(log_dir: Path) -> Report:
    return diagnose_run(read(log_dir))


def reliability(pairs: list[tuple[set[str], Report]]) -> dict[tuple[str, str], list[int]]:
    """{(cause, confidence): [times right, times named first]} over the runs in which it was named first."""
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for truth, report in pairs:
        first = next((cause for cause in report.causes if cause.id == report.verdict.cause), None)
        if first is not None:
            entry = counts[first.id, first.confidence]
            entry[0] += first.id in truth
            entry[1] += 1
    return counts


def misranked(pairs: list[tuple[set[str], Report]]) -> list[str]:
    """Which cause stood above the true one, and how often."""
    counts: Counter[tuple[str, str]] = Counter()
    for truth, report in pairs:
        ids = [cause.id for cause in report.causes if cause.confidence != "ruled_out"]
        place = next((i for i, name in enumerate(ids) if name in truth), None)
        if truth and ids and place != 0:
            counts[ids[0], min(truth) if place is None else ids[place]] += 1
    return [f"{count:3d}  {above} above {true}" for (above, true), count in counts.most_common()]


def margins(healthy: list[Report]) -> list[str]:
    """For every check that compares a number: its threshold, and the healthy runs' spread."""
    seen: dict[str, list[tuple[float, float]]] = defaultdict(list)
    found: Counter[str] = Counter()
    for report in healthy:
        for check in report.checks:
            found[check.id] += check.found
            for evidence in check.evidence[:1]:
                if evidence.value is not None and evidence.threshold is not None and np.isfinite(evidence.value):
                    seen[check.id].append((evidence.value, evidence.threshold))
    return [
        f"{name:24s} threshold {np.median([t for _, t in values]):9.3g}   healthy "
        + " … ".join(f"{q:.3g}" for q in np.quantile([v for v, _ in values], (0, 0.05, 0.5, 0.95, 1)))
        + f"   found in {found[name]}/{len(healthy)}"
        for name, values in sorted(seen.items())
    ]


if __name__ == "__main__":
    main()
