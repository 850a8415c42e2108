"""python -m benchmarks.zoo.fixes: does the training learn once the fix's code was run as it stands?

For every sick training of the zoo it takes the code of the first cause, runs it in the user's own names (model, x, y)
on the same training made anew, trains, and compares the outcome with that of the healthy training the sick one was made
from. A fix that only prints, or has words alone, mends nothing, and counts as such.
"""

import argparse
import contextlib
import io
import multiprocessing
import traceback
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.zoo.record import DEFAULT_FOLDER, WORKERS, _prepare, log_of, record, recording
from benchmarks.zoo.table import markdown
from benchmarks.zoo.training import Outcome, Training
from benchmarks.zoo.truth import HARMLESS, LOST_SKILL, is_base

PAGE = Path(__file__).resolve().parents[1] / "fixes.md"
HEAD = ("cause", "runs", "right cause first", "has code", "code runs", "data kept", "learns then")
# Of the rows.
KEPT = 0.5
# These show on rows that were held back.
VALIDATED = ("overfitting", "train_eval_mismatch")


@dataclass(frozen=True)
class Tried:
    """One fix on one training. skill, validation: after it; None where it was not trained again, or never validated."""

    name: str
    cause: str
    named: str
    has_code: bool = False
    ran: bool = False
    kept: bool = False
    learns: bool = False
    skill: float | None = None
    error: str = ""


def tried(training: Training, seed: int, folder: Path, base: Outcome) -> Tried:
    from benchmarks.zoo.recipe import started
    from benchmarks.zoo.score import read
    from tb_lossdiag.diagnosis import diagnose_run

    recipe = training.train.args[0]
    report = diagnose_run(read(log_of(folder, training.name, seed)))
    named = next((cause for cause in report.causes if cause.confidence != "ruled_out"), None)
    result = {"name": f"{training.name}@{seed}", "cause": training.cause, "named": named.id if named else ""}
    if named is None or not named.fix.code:
        return Tried(**result)
    result["has_code"] = True
    data, model = started(recipe, seed)
    model.compile(recipe.optimizer(), recipe.loss, metrics=list(recipe.metrics), **recipe.compile)
    user = names(data, model)
    try:
        with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
            exec(compile(named.fix.code, "<fix>", "exec"), user)
            result["ran"] = True
            result["kept"] = is_kept(data, user)
            if "model.fit(" not in named.fix.code:
                fit(recipe, user)
            skill, validation = skills(recipe, user)
    except Exception:
        return Tried(**result, error=traceback.format_exc().strip().splitlines()[-1])
    wanted, reached = (base.validation_skill, validation) if training.cause in VALIDATED else (base.skill, skill)
    learns = training.cause not in HARMLESS and reached >= wanted - LOST_SKILL
    return Tried(**result, learns=learns, skill=reached)


def names(data: Any, model: Any) -> dict[str, Any]:
    """What a user has at hand."""
    import keras
    import tensorflow as tf

    known = {"x": data.x, "y": data.y, "x_val": data.x_val, "y_val": data.y_val}
    return {"keras": keras, "np": np, "tf": tf, "model": model, "optimizer": model.optimizer, **known}


def is_kept(data: Any, user: dict[str, Any]) -> bool:
    """Whether there are rows left, and targets that vary as before."""
    x, y = np.asarray(user["x"]), np.asarray(user["y"])
    varied = len(np.unique(y)) >= min(2, len(np.unique(data.y)))
    return len(x) == len(y) >= KEPT * len(data.x) and varied


def fit(recipe: Any, user: dict[str, Any]) -> None:
    options = {"epochs": recipe.epochs, "verbose": 0, **recipe.fit, "callbacks": recipe.callbacks()}
    if recipe.batches:
        user["model"].fit(recipe.batches(type(recipe.data())(user["x"], user["y"]), recipe.batch_size), **options)
    else:
        user["model"].fit(user["x"], user["y"], batch_size=recipe.batch_size, **options)


def skills(recipe: Any, user: dict[str, Any]) -> tuple[float, float]:
    """On the rows trained with, and on those held back, of which the fix may know nothing."""
    from benchmarks.zoo.recipe import predicted
    from benchmarks.zoo.skill import skill

    found = []
    for x, y in ((user["x"], user["y"]), (user["x_val"], user["y_val"])):
        predictions = np.asarray(predicted(user["model"], x))
        asks_sign = recipe.task in ("binary", "labels") and (predictions.min() < 0 or predictions.max() > 1)
        found.append(skill(recipe.task, y, predictions, 0.0 if asks_sign else recipe.threshold))
    return found[0], found[1]


def _tried(job: tuple[str, int, Path, Outcome]) -> Tried:
    import keras

    from benchmarks.zoo.record import _named

    name, seed, folder, base = job
    keras.backend.clear_session()
    return tried(_named(name), seed, folder, base)


def rows(found: Iterable[Tried]) -> list[tuple[str, ...]]:
    found = list(found)
    lines = []
    for cause in [*sorted({one.cause for one in found}), ""]:
        of = [one for one in found if cause in ("", one.cause)]
        counted = ([one.named == one.cause for one in of], *([getattr(one, key) for one in of] for key in SHOWN))
        lines.append((cause or "all", str(len(of)), *(str(sum(hits)) for hits in counted)))
    return lines


SHOWN = ("has_code", "ran", "kept", "learns")


def main() -> None:
    from benchmarks.zoo.recipe import train
    from benchmarks.zoo.zoo import ZOO

    ask = argparse.ArgumentParser(prog="python -m benchmarks.zoo.fixes", description=__doc__)
    ask.add_argument("--seeds", nargs="*", type=int, default=[0])
    ask.add_argument("--causes", nargs="*", help="only trainings with these faults")
    ask.add_argument("--each", type=int, help="at most so many trainings of each fault")
    ask.add_argument("--folder", type=Path, default=DEFAULT_FOLDER)
    ask.add_argument("--wrong", action="store_true", help="list the trainings that did not learn")
    ask.add_argument("--publish", action="store_true", help=f"write the table into {PAGE.name}")
    options = ask.parse_args()
    # A fault in the loop itself is mended by writing another loop.
    sick = [one for one in ZOO if one.cause and one.train.func is train]
    chosen = [one for one in sick if not options.causes or one.cause in options.causes]
    if options.each:
        of_cause = groupby(sorted(chosen, key=lambda one: one.cause), key=lambda one: one.cause)
        chosen = [one for _, group in of_cause for one in islice(group, options.each)]
    bases = {one.base: one for one in ZOO if is_base(one)}
    record(
        [*chosen, *{bases[one.base].name: bases[one.base] for one in chosen}.values()], options.seeds, options.folder
    )
    jobs = [
        (one.name, seed, options.folder, recording(options.folder, bases[one.base].name, seed).outcome)
        for seed in options.seeds
        for one in chosen
    ]
    context = multiprocessing.get_context("spawn")
    found = []
    with ProcessPoolExecutor(WORKERS, mp_context=context, initializer=_prepare) as pool:
        for one in pool.map(_tried, jobs):
            found.append(one)
            if options.wrong and not one.learns:
                print(f"{one.name}: {one.named}, skill {one.skill} {one.error}", flush=True)
    text = markdown(HEAD, rows(found))
    print(text)
    if options.publish:
        told = __doc__.split("\n\n", 1)[1].replace("\n", " ").strip()
        PAGE.write_text(
            f"# Do the fixes mend?\n\nWritten by `python -m benchmarks.zoo.fixes --publish`, seeds "
            f"{', '.join(map(str, options.seeds))}.\n\n{told}\n\n{text}\n"
        )


if __name__ == "__main__":
    main()
