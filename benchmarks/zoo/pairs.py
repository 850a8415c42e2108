"""python -m benchmarks.zoo.pairs: are both faults of a training found, where it has two?

Puts any two faults of the zoo that can stand in one training into one, for every healthy training they are made from,
records it, and asks for the causes. Both true ones have to be among the first two. With --ablation it reads, in the
trainings with one fault only, which other causes are argued: what the one fault removes with it, and so may explain.
"""

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.zoo import score
from benchmarks.zoo.record import DEFAULT_FOLDER, log_of, record, recording
from benchmarks.zoo.score import Share
from benchmarks.zoo.training import Training

if TYPE_CHECKING:  # a worker that records imports this first, and the zoo would start TensorFlow in it
    from benchmarks.zoo.both import Pair

PAGE = Path(__file__).resolve().parents[1] / "pairs.md"


def judged(pair: "Pair", seed: int, folder: Path) -> tuple[str, int, str] | None:
    """(name, how many of its faults are among the first two causes, what was said); None where it was not trained."""
    name = pair.training.name
    done = recording(folder, name, seed)
    if done is None or done.error:
        return None
    causes = score.ours(pair.training, seed, score.read(log_of(folder, name, seed))).causes
    hits = sum(not set(one.truth).isdisjoint(causes[:2]) for one in (pair.first, pair.second))
    return f"{name}@{seed}", hits, ", ".join(causes[:3])


def ablation(trainings: list[Training], seeds: list[int], folder: Path) -> Counter:
    """(cause that is there, cause that is argued beside it) -> in how many trainings with one fault."""
    from tb_lossdiag.diagnosis import diagnose_run

    found: Counter = Counter()
    for training in trainings:
        for seed in seeds:
            done = recording(folder, training.name, seed)
            if training.cause and done is not None and not done.error:
                report = diagnose_run(score.read(log_of(folder, training.name, seed)))
                others = {cause.id for cause in report.causes if cause.confidence != "ruled_out"} - set(training.truth)
                found.update((training.cause, other) for other in others)
    return found


def main() -> None:
    from benchmarks.zoo.both import all_pairs, is_possible
    from benchmarks.zoo.zoo import ZOO

    ask = argparse.ArgumentParser(prog="python -m benchmarks.zoo.pairs", description=__doc__)
    ask.add_argument("--seeds", nargs="*", type=int, default=[0])
    ask.add_argument("--bases", nargs="*", help="only pairs of these recipes, such as digits")
    ask.add_argument("--every", type=int, default=1, help="take every nth pair")
    ask.add_argument("--folder", type=Path, default=DEFAULT_FOLDER)
    ask.add_argument("--ablation", action="store_true", help="what is argued beside the one fault of single trainings")
    ask.add_argument("--wrong", action="store_true", help="list the pairs of which not both were found")
    ask.add_argument("--publish", action="store_true", help=f"write the table into {PAGE.name}")
    options = ask.parse_args()
    if options.ablation:
        record(ZOO, options.seeds, options.folder)
        for (cause, other), count in sorted(ablation(list(ZOO), options.seeds, options.folder).items()):
            print(f"{cause}: {other} {count}")
        return
    made = [one for one in all_pairs() if not options.bases or one.training.base in options.bases]
    chosen = [one for one in made[:: options.every] if is_possible(one)]
    record([one.training for one in chosen], options.seeds, options.folder)
    rows = [judged(one, seed, options.folder) for seed in options.seeds for one in chosen]
    rows = [row for row in rows if row is not None]
    text = table(rows)
    print(text)
    if options.wrong:
        print(*(f"{found} of 2  {name}: {told}" for name, found, told in rows if found < 2), sep="\n")
    if options.publish:
        PAGE.write_text(f"# Two faults at once\n\nWritten by `python -m benchmarks.zoo.pairs --publish`.\n\n{text}\n")


def table(rows: list[tuple[str, int, str]]) -> str:
    """How often both, and how often one, by the two causes."""
    kinds: dict[str, list[int]] = {}
    for name, found, _ in rows:
        kinds.setdefault(name.split("-", 1)[0], []).append(found)
    lines = ["| two faults | trainings | both among the first two | one of them |", "| --- | --- | --- | --- |"]
    for kind, hits in sorted(kinds.items()):
        lines.append(f"| {kind} | {len(hits)} | {sum(hit == 2 for hit in hits)} | {sum(hit == 1 for hit in hits)} |")
    both, one = (Share(sum(found >= least for _, found, _ in rows), len(rows)) for least in (2, 1))
    return "\n".join([*lines, "", f"Both: {both}. At least one: {one}."])


if __name__ == "__main__":
    main()
