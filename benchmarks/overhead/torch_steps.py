"""What does `tb_lossdiag.torch.watch` cost a plain PyTorch loop, and `wandb.watch` where it is installed?

Two models alike, one watched: hooks cannot be taken off for a while. Torch is eager, so both run the same code. On one
thread: two of torch's wait for each other by spinning, which on a machine in use makes any step ten times as long.
"""

import importlib.util
import math
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import cycle, pairwise

import torch
from torch import nn

from benchmarks.overhead.paired import Comparison, Seconds, alternate
from benchmarks.overhead.table import longer
from tb_lossdiag.torch import watch

BATCH = 64
BATCHES = 32
STRETCH = 0.05
LONGEST = 5.0  # seconds of one stretch; a cycle that takes longer is told from a shorter one
WARM_UP = 30  # past the first 20 steps, all of which "auto" samples
AUTO_STEPS = 200  # so many hold a sample or two of "auto", and fewer where a step takes long
WANDB_FOLDER = "WANDB_SITE_PACKAGES"  # names a folder with wandb in it, which is no dependency of ours

Watch = Callable[[nn.Module, torch.optim.Optimizer, nn.Module, str, ExitStack], Callable[[float], None]]


def mlp() -> nn.Module:
    sizes = (128, 512, 256, 128)
    hidden = [m for a, b in pairwise(sizes) for m in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(128, 10))


def cnn() -> nn.Module:
    def block(a: int, b: int) -> list[nn.Module]:
        return [nn.Conv2d(a, b, 3, padding=1), nn.ReLU()]

    return nn.Sequential(
        *(*block(3, 32), *block(32, 64), nn.MaxPool2d(2), *block(64, 128), nn.MaxPool2d(2), *block(128, 192)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(192, 768), nn.ReLU(), nn.Linear(768, 10)),
    )


SUBJECTS = {"mlp": (mlp, (128,)), "cnn": (cnn, (3, 32, 32))}


def measure(name: str, seconds: float) -> dict[str, Comparison]:
    torch.set_num_threads(1)
    found = {"nothing: plain against plain": _compared(name, _unwatched, 1, seconds)}
    found |= _by_cadence(name, "watch(every={})", _ours, seconds)
    found["watch(every='auto')"] = _compared(name, _ours("auto"), "auto", seconds)
    if os.environ.get(WANDB_FOLDER):
        sys.path.append(os.environ[WANDB_FOLDER])  # behind what is installed here
    if importlib.util.find_spec("wandb"):
        found |= _by_cadence(name, 'wandb.watch(log="all", log_freq={})', _wandb, seconds)
    return found


def _by_cadence(name: str, title: str, watched_every: Callable[[int], Watch], seconds: float) -> dict[str, Comparison]:
    found = {every: _compared(name, watched_every(every), every, seconds) for every in (1, 10)}
    if 100 * found[1].plain > LONGEST:
        rare, told = longer(found[10], 10, 100), " (from every 10)"
    else:
        rare, told = _compared(name, watched_every(100), 100, seconds), ""
    return {**{title.format(every): one for every, one in found.items()}, title.format(100) + told: rare}


class Loop:
    """A training loop as it stands in a tutorial. report: given each step's loss, or nothing."""

    def __init__(self, name: str) -> None:
        torch.manual_seed(0)
        build, shape = SUBJECTS[name]
        self.model, self.criterion = build(), nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.model.parameters())
        self.data = cycle([(torch.randn(BATCH, *shape), torch.randint(10, (BATCH,))) for _ in range(BATCHES)])
        self.report: Callable[[float], None] = lambda loss: None

    def run(self, steps: int) -> Seconds:
        began = time.process_time(), time.perf_counter()
        for _ in range(steps):
            x, y = next(self.data)
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            self.report(loss.item())
        return Seconds(time.process_time() - began[0], time.perf_counter() - began[1])


def _compared(name: str, watched_by: Watch, every: int | str, seconds: float) -> Comparison:
    plain, watched = Loop(name), Loop(name)
    with tempfile.TemporaryDirectory() as logs, ExitStack() as stack:
        watched.report = watched_by(watched.model, watched.optimizer, watched.criterion, logs, stack)
        # A sample lies a third into each stretch: the steps after it belong to its price.
        ahead = WARM_UP if every == "auto" else (-WARM_UP - max(1, every // 3)) % every + WARM_UP
        step = plain.run(WARM_UP).wall / WARM_UP
        watched.run(ahead)
        if every == "auto":
            steps = min(AUTO_STEPS, math.ceil(LONGEST / step))
        else:
            steps = every * max(1, round(STRETCH / (every * step)))
        return alternate(
            lambda is_plain: (plain if is_plain else watched).run(steps),
            steps,
            seconds,
            time.perf_counter,
            random.Random(0),
        )


def _unwatched(model, optimizer, criterion, logs, stack):
    return lambda loss: None


def _ours(every: int | str) -> Watch:
    def begin(model, optimizer, criterion, logs, stack):
        stack.enter_context(watch(model, optimizer, logs, loss=criterion, every=every))
        return lambda loss: None

    return begin


def _wandb(every: int) -> Watch:
    """Its histograms are sent with the next `wandb.log`, so each step logs its loss, as its users do."""

    def begin(model, optimizer, criterion, logs, stack):
        import wandb

        run = stack.enter_context(
            wandb.init(mode="offline", dir=logs, settings=wandb.Settings(silent=True, console="off"))
        )
        run.watch(model, criterion, log="all", log_freq=every)
        return lambda loss: run.log({"loss": loss})

    return begin
