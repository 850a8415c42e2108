"""How are the zoo's trainings recorded? Two at a time, each once per seed, kept until its code changes.

.venv/bin/python -m benchmarks.zoo.record [--names PATTERN ...] [--seeds 0 1 2]

<folder>/<name>@<seed>/log holds the recording and done.json beside it how the training ended.
"""

import argparse
import gc
import json
import multiprocessing
import os
import shutil
import time
import traceback
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path

from benchmarks.zoo.training import Outcome, Training

WORKERS = 2
# Keras and TensorFlow keep some of every model they traced: after 200 trainings a worker held 5 GB.
TRAININGS_PER_WORKER = 40
DEFAULT_FOLDER = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tb_lossdiag" / "zoo"


@dataclass(frozen=True)
class Recording:
    """One finished training. outcome: None where it raised, and then `error` says what."""

    name: str
    seed: int
    fingerprint: str
    seconds: float
    outcome: Outcome | None = None
    error: str = ""


def place(folder: Path, name: str, seed: int) -> Path:
    return Path(folder) / f"{name}@{seed}"


def log_of(folder: Path, name: str, seed: int) -> Path:
    """The log directory of one recorded training."""
    return place(folder, name, seed) / "log"


def recording(folder: Path, name: str, seed: int) -> Recording | None:
    """How this training ended; None when it was not recorded."""
    try:
        done = json.loads((place(folder, name, seed) / "done.json").read_text())
    except FileNotFoundError:
        return None
    return Recording(**{**done, "outcome": done["outcome"] and Outcome(**done["outcome"])})


def record(trainings: Iterable[Training], seeds: Iterable[int] = (0, 1, 2), folder: Path = DEFAULT_FOLDER) -> None:
    """Trains what the folder does not hold yet as the code is now."""
    from benchmarks.zoo.fingerprint import fingerprint

    seeds = tuple(seeds)
    prints = {training.name: fingerprint(training) for training in trainings}
    wanted = []
    for seed in seeds:
        for name, print_now in prints.items():
            known = recording(folder, name, seed)
            if known is None or known.fingerprint != print_now:
                wanted.append((folder, name, seed, print_now))
    # Fresh workers from time to time; letting the pool replace its own (max_tasks_per_child) hangs under Python 3.11.
    for begin in range(0, len(wanted), WORKERS * TRAININGS_PER_WORKER):
        _record_some(wanted[begin : begin + WORKERS * TRAININGS_PER_WORKER], begin, len(wanted))


def _record_some(wanted: list[tuple], before: int, total: int) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(WORKERS, len(wanted)), mp_context=context, initializer=_prepare) as pool:
        pending = [pool.submit(_record, *one) for one in wanted]
        for count, future in enumerate(as_completed(pending), before + 1):
            done = future.result()
            words = done.error.strip().splitlines()[-1] if done.error else _in_words(done.outcome)
            print(f"{count}/{total} {done.name}@{done.seed} {done.seconds:.1f} s  {words}", flush=True)


def _prepare() -> None:
    """One core per worker; set before TensorFlow starts."""
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", OMP_NUM_THREADS="1")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def _record(folder: Path, name: str, seed: int, print_now: str) -> Recording:
    import keras

    training = _named(name)
    at = place(folder, name, seed)
    shutil.rmtree(at, ignore_errors=True)
    at.mkdir(parents=True)
    keras.backend.clear_session()
    gc.freeze()  # what Keras keeps of earlier trainings is not looked through again at each of its collections
    began = time.process_time()
    outcome, error = None, ""
    try:
        outcome = training.train(str(at / "log"), seed)
    except Exception:
        error = traceback.format_exc()
    done = Recording(name, seed, print_now, round(time.process_time() - began, 2), outcome, error)
    (at / "done.json").write_text(json.dumps(asdict(done), indent=1))
    return done


def _named(name: str) -> Training:
    """One of the zoo's, or one made of two of them."""
    from benchmarks.zoo.both import all_pairs
    from benchmarks.zoo.zoo import TRAININGS

    known = next((one for one in TRAININGS if one.name == name), None)
    return known or next(pair.training for pair in all_pairs() if pair.training.name == name)


def _in_words(outcome: Outcome) -> str:
    return f"loss {outcome.train_loss:.4g}, in inference mode {outcome.inference_loss:.4g}, skill {outcome.skill:.2f}"


def main() -> None:
    from benchmarks.zoo.zoo import TRAININGS

    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--names", nargs="*", default=["*"], help="names or patterns such as 'dying_relu-*'")
    ask.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    ask.add_argument("--folder", type=Path, default=DEFAULT_FOLDER)
    options = ask.parse_args()
    chosen = [one for one in TRAININGS if any(fnmatch(one.name, pattern) for pattern in options.names)]
    record(chosen, options.seeds, options.folder)


if __name__ == "__main__":
    main()
