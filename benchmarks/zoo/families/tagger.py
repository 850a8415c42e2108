"""Which words of a sentence name a person, a place or a time? Every word gets a tag, padding none, in PyTorch."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from benchmarks.zoo.families.descent import batches, begin, predicted, tensors
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.measures import tokens_right
from benchmarks.zoo.training import Outcome
from tb_lossdiag.torch import watch

WORDS, LENGTH, TAGS, NONE = 60, 14, 4, -100
# After one of the first three words a name follows, of one of three kinds; the names themselves are the same.
CUES, NAMES = (1, 2, 3), 30


@cache
def sentences() -> tuple[np.ndarray, np.ndarray]:
    """1,000 sentences [LENGTH] of words, 0 where they have ended, and the tags, NONE there."""
    rng = np.random.default_rng(114)
    words = rng.integers(4, WORDS, (1000, LENGTH))
    tags = np.zeros_like(words)
    for row, tag in zip(words, tags, strict=True):
        at = int(rng.integers(0, 3))
        while at < LENGTH - 2:
            kind, long = int(rng.integers(0, 3)), int(rng.integers(1, 3))
            row[at] = CUES[kind]
            row[at + 1 : at + 1 + long] = rng.integers(NAMES, WORDS, long)
            tag[at + 1 : at + 1 + long] = kind + 1
            row[at + 1 + long : at + 2 + long] = rng.integers(4, NAMES)
            at += long + int(rng.integers(1, 4))
    ended = np.arange(LENGTH) >= rng.integers(7, LENGTH + 1, 1000)[:, None]
    return np.where(ended, 0, words), np.where(ended, NONE, tags)


class Tagger(nn.Module):
    """batch_first: what the recurrent layer is told; sentences stand in front either way."""

    def __init__(self, recurrent: bool, batch_first: bool) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, 24, padding_idx=0)
        self.memory = nn.LSTM(24, 24, batch_first=batch_first, bidirectional=True) if recurrent else None
        self.near = None if recurrent else nn.Conv1d(24, 48, 5, padding=2)
        self.tags = nn.Linear(48, TAGS)

    def forward(self, x: Tensor) -> Tensor:
        x = self.words(x)
        if self.memory is not None:
            return self.tags(self.memory(x)[0])
        return self.tags(F.relu(self.near(x.transpose(1, 2))).transpose(1, 2))


OPTIMIZER = partial(torch.optim.Adam, lr=5e-3)


def train(
    log_dir: str,
    seed: int,
    recurrent: bool = True,
    batch_first: bool = True,
    optimizer: Callable[..., torch.optim.Optimizer] = OPTIMIZER,
    schedule: Callable[[torch.optim.Optimizer], Any] | None = None,
    clip: float | None = None,
    cleared: bool = True,
    epochs: int = 8,
) -> Outcome:
    """clip: the gradient's largest norm. cleared: whether gradients are, before each backward pass."""
    begin(seed)
    words, tags = sentences()
    model = Tagger(recurrent, batch_first)
    made = optimizer(model.parameters())
    scheduler = schedule(made) if schedule else None
    criterion = nn.CrossEntropyLoss(ignore_index=NONE)
    losses: list[float] = []
    model.train()
    with watch(model, made, log_dir, epochs=epochs) as watcher:
        for epoch in range(epochs):
            losses = []
            for x, y in batches(32, *tensors(words, tags)):
                if cleared:
                    made.zero_grad()
                loss = criterion(model(x).reshape(-1, TAGS), y.reshape(-1))
                loss.backward()
                if clip is not None:
                    nn.utils.clip_grad_norm_(model.parameters(), clip)
                made.step()
                if scheduler:
                    scheduler.step()
                losses.append(loss.item())
            watcher.epoch(epoch)
    value = float(np.mean(losses))
    return Outcome(value, value, tokens_right(tags, predicted(model, *tensors(words)), tags != NONE))


def warmed_up(optimizer: torch.optim.Optimizer, whole: bool = False, steps: int = 1000) -> LambdaLR:
    """whole: the share of the warm-up that is done is a whole number."""
    return LambdaLR(optimizer, lambda step: (step + 1) // steps if whole else min(1.0, 5 * (step + 1) / steps))


DESCENT = partial(torch.optim.SGD, lr=0.3, momentum=0.9)

FAMILY = Family(
    "tagger",
    "torch",
    train,
    {
        "plain": {},
        "convolution": {"recurrent": False, "clip": 1.0},
        "descent": {"optimizer": DESCENT},
        "warmed_up": {"schedule": warmed_up, "optimizer": partial(torch.optim.AdamW, lr=1e-2)},
    },
    (
        fault("gradients_not_cleared", "no_zero_grad", of="descent", cleared=False),
        fault("clipping_too_tight", "clipped_at_1e-4", "learning_rate_too_low", of="descent", clip=1e-4),
        fault("learning_rate_zero", "whole_shares", of="warmed_up", schedule=partial(warmed_up, whole=True)),
        fault("mixed_examples", "along_the_batch", batch_first=False),
    ),
    kept_out=True,
)
