"""A decoder-only transformer of a few thousand weights learns the next letter, in PyTorch."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import ExponentialLR, LambdaLR

from benchmarks.zoo.families.descent import begin, descend, predicted, tensors
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.measures import tokens_right
from benchmarks.zoo.training import Outcome

LETTERS, LENGTH, WIDTH = 20, 12, 32


@cache
def text(kind: int = 0) -> np.ndarray:
    """1,000 rows [13] of letters: the next one follows from the two before. kind: which language."""
    rng = np.random.default_rng(80 + kind)
    shift = rng.permutation(LETTERS)
    rows = np.zeros((1000, LENGTH + 1), int)
    rows[:, :2] = rng.integers(0, LETTERS, (1000, 2))
    for i in range(2, LENGTH + 1):
        rows[:, i] = shift[(rows[:, i - 1] + rows[:, i - 2] % 2) % LETTERS]
    return rows


class Adapted(nn.Module):
    """A frozen matrix and a low-rank one beside it."""

    def __init__(self, linear: nn.Linear, rank: int = 8) -> None:
        super().__init__()
        self.linear = linear.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(linear.in_features, rank) / linear.in_features**0.5)
        self.up = nn.Parameter(torch.zeros(rank, linear.out_features))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + 2 * x @ self.down @ self.up


class Decoder(nn.Module):
    """tied: the logits come from the embedding's own table. spread: the table's standard deviation."""

    def __init__(self, tied: bool = False, spread: float = 0.1) -> None:
        super().__init__()
        self.letters = nn.Embedding(LETTERS, WIDTH)
        self.places = nn.Embedding(LENGTH, WIDTH)
        nn.init.normal_(self.letters.weight, std=spread)
        nn.init.normal_(self.places.weight, std=0.1)
        self.keys, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.wide, self.narrow = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(3))
        self.logits = nn.Linear(WIDTH, LETTERS, bias=False)
        if tied:
            self.logits.weight = self.letters.weight

    def forward(self, rows: Tensor) -> Tensor:
        x = self.letters(rows) + self.places.weight
        parts = self.keys(self.norms[0](x)).unflatten(-1, (3, 2, WIDTH // 2)).permute(2, 0, 3, 1, 4)
        looked = F.scaled_dot_product_attention(*parts, is_causal=True)
        x = x + self.out(looked.transpose(1, 2).flatten(2))
        x = x + self.narrow(F.gelu(self.wide(self.norms[1](x))))
        return self.logits(self.norms[2](x))


def train(
    log_dir: str,
    seed: int,
    tied: bool = False,
    spread: float = 0.1,
    adapters: bool = False,
    one_off: int = 0,
    clear: str = "before",
    schedule: Callable[[torch.optim.Optimizer], Any] | None = None,
    schedule_each: str = "step",
    rate: float = 3e-3,
    epochs: int = 8,
) -> Outcome:
    """adapters: a model of another language goes on with low-rank adapters alone.
    one_off: by how many rows inputs and targets were cut apart."""
    begin(seed)
    model = Decoder(tied, spread)
    if adapters:
        _pretrain(model)
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        for name in ("keys", "out", "wide", "narrow", "logits"):
            setattr(model, name, Adapted(getattr(model, name)))
    rows = text(1 if adapters else 0)
    x, y = rows[:, :-1], np.roll(rows[:, 1:], one_off, axis=0)
    trained = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=rate)

    def loss_of(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(model(x).reshape(-1, LETTERS), y.reshape(-1))

    value = descend(
        model,
        optimizer,
        log_dir,
        tensors(x, y),
        loss_of,
        epochs,
        schedule=schedule,
        schedule_each=schedule_each,
        clear=clear,
    )
    return Outcome(value, value, tokens_right(rows[:, 1:], predicted(model, *tensors(x))))


def _pretrain(model: nn.Module) -> None:
    (rows,) = tensors(text())
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(4):
        for part in torch.randperm(len(rows)).split(32):
            logits = model(rows[part, :-1])
            optimizer.zero_grad()
            F.cross_entropy(logits.reshape(-1, LETTERS), rows[part, 1:].reshape(-1)).backward()
            optimizer.step()


def warmed_up(optimizer: torch.optim.Optimizer, steps: int = 40, plan: int = 256) -> LambdaLR:
    def factor(step: int) -> float:
        return min((step + 1) / steps, max(0.02, (plan - step) / (plan - steps)))

    return LambdaLR(optimizer, factor)


FAMILY = Family(
    "decoder",
    "torch",
    train,
    {
        "plain": {},
        "warm_up": {"schedule": warmed_up, "rate": 6e-3},
        "tied": {"tied": True},
        "adapters": {"adapters": True, "rate": 1e-2},
    },
    (
        fault("learning_rate_too_high", "0.3_without_warm_up", of="warm_up", schedule=None, rate=0.3),
        fault("poor_initialization", "tied_drawn_wide", "saturated_loss", of="tied", spread=200.0),
        fault(
            "learning_rate_zero", "decay_each_step", "learning_rate_too_low", schedule=partial(ExponentialLR, gamma=0.7)
        ),
        fault("uninformative_labels", "one_row_off", one_off=1),
        fault("gradients_not_cleared", "no_zero_grad", clear="never"),
    ),
)
