"""python -m benchmarks.zoo: how often is the diagnosis right, and how often is everybody else's?

Records the zoo (or reuses what is recorded), asks this project and its peers about every run, and prints detection,
cause, false alarms and time to detection with 95 % intervals. Thresholds are tuned on one half of the zoo only; the
published figures are those of the other half. `--split families` asks about the families of other programs, those that
may be tuned on and those that are kept out of it apart.
"""

import argparse
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.zoo import score, table
from benchmarks.zoo.record import DEFAULT_FOLDER, log_of, record, recording
from benchmarks.zoo.training import Training

README = Path(__file__).resolve().parents[2] / "README.md"
BEGIN, END = "<!-- zoo: python -m benchmarks.zoo --readme -->", "<!-- zoo end -->"
FAMILIES_BEGIN, FAMILIES_END = (
    "<!-- families: python -m benchmarks.zoo --split families --readme -->",
    "<!-- families end -->",
)
TUNED, KEPT_OUT = "families that may be tuned on", "families kept out of tuning"


def main() -> None:
    # Late: a worker that records imports this module first, and the zoo's regularizers would start TensorFlow in it.
    from benchmarks.zoo.zoo import TRAININGS

    ask = argparse.ArgumentParser(prog="python -m benchmarks.zoo", description=__doc__)
    ask.add_argument("--split", choices=("held-out", "tune", "all", "families"), default="held-out")
    ask.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    ask.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="where recordings are kept")
    ask.add_argument("--no-peers", action="store_true", help="only this project")
    ask.add_argument("--wrong", action="store_true", help="list what was missed, misnamed or accused for nothing")
    ask.add_argument("--readme", action="store_true", help="write the tables into README.md")
    options = ask.parse_args()
    groups = parts(TRAININGS, options.split)
    record([one for group in groups.values() for one in group], options.seeds, options.folder)
    judged = {
        name: judge(group, options.seeds, options.folder, peers=not options.no_peers) for name, group in groups.items()
    }
    for name, answers in judged.items():
        show(answers, name, options.wrong)
    if options.readme:
        publish(judged, families=options.split == "families")


def parts(trainings: Iterable[Training], split: str) -> dict[str, list[Training]]:
    """The trainings that a split asks about, in groups that are scored apart."""
    if split == "families":
        ours = [one for one in trainings if one.family]
        return {TUNED: [one for one in ours if not one.held_out], KEPT_OUT: [one for one in ours if one.held_out]}
    recipes = [one for one in trainings if not one.family]
    return {split: [one for one in recipes if split == "all" or one.held_out == (split == "held-out")]}


def judge(
    trainings: list[Training], seeds: list[int], folder: Path, peers: bool = True
) -> dict[str, list[score.Judged]]:
    """Every tool's answers, by tool, ours first. A training that raised is left out and told."""
    jobs = []
    for training, seed in ((one, seed) for seed in seeds for one in trainings):
        done = recording(folder, training.name, seed)
        if done is None or done.error or not log_of(folder, training.name, seed).exists():
            words = done.error.strip().splitlines()[-1:] if done else ["missing"]
            print(f"not recorded: {training.name}@{seed}: {' '.join(words) or 'it left no log'}")
        else:
            jobs.append((training.name, seed, folder, peers))
    answers: dict[str, list[score.Judged]] = {}
    with ProcessPoolExecutor(2) as pool:
        for by_tool in pool.map(_judge, jobs, chunksize=8):
            for tool, judged in by_tool.items():
                answers.setdefault(tool, []).append(judged)
    return answers


def _judge(job: tuple[str, int, Path, bool]) -> dict[str, score.Judged]:
    from benchmarks.zoo.zoo import TRAININGS

    name, seed, folder, peers = job
    (training,) = (one for one in TRAININGS if one.name == name)
    log_dir = log_of(folder, name, seed)
    run = score.read(log_dir)
    found = {"tb_lossdiag": score.ours(training, seed, run)}
    return found | (score.peers(training, seed, run, log_dir) if peers else {})


def show(answers: dict[str, list[score.Judged]], split: str, wrong: bool) -> None:
    """Of the families that are kept out of tuning the totals only: what was said of which would tune the next rule."""
    console, own = Console(), answers["tb_lossdiag"]
    sick, healthy = table.apart(own)
    console.print(f"{split}: {len(sick)} sick and {len(healthy)} healthy runs; shares with 95 % intervals")
    tables = [(table.TOOLS, table.tools(answers)), (table.CAUSES, table.causes(own))]
    for head, rows in tables[:1] if split == KEPT_OUT else tables:
        shown = Table(*head, box=None, header_style="bold")
        for row in rows:
            shown.add_row(*row)
        console.print(shown)
    console.print(f"healthy runs accused at any look while training: {table.live(own)}")
    not_run = sum(one.not_run for one in own) / max(len(own), 1)
    console.print(f"checks without their data: {not_run:.1f} a run")
    console.print(f"sick runs told that all is well: {table.assured(own)}")
    if wrong and split != KEPT_OUT:
        print(*table.wrong(own), sep="\n")


def publish(judged: dict[str, dict[str, list[score.Judged]]], families: bool) -> None:
    """Writes each group's tables between the marks in README.md; of the families the tools alone."""
    block = []
    for name, answers in judged.items():
        own = answers["tb_lossdiag"]
        sick, healthy = table.apart(own)
        block += [
            f"{len(sick)} sick and {len(healthy)} healthy runs ({name}), shares with 95 % intervals:",
            table.markdown(table.TOOLS, table.tools(answers)),
            f"Healthy runs accused at any look while they were still training: {table.live(own)}. "
            f"Sick runs told that all is well: {table.assured(own)}.",
        ]
        block += [] if families else [table.markdown(table.CAUSES, table.causes(own))]
    begin, end = (FAMILIES_BEGIN, FAMILIES_END) if families else (BEGIN, END)
    text = README.read_text()
    before, after = text[: text.index(begin)], text[text.index(end) :]
    README.write_text(f"{before}{begin}\n\n" + "\n\n".join(block) + f"\n\n{after}")


if __name__ == "__main__":
    main()
