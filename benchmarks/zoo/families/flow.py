"""A normalising flow learns the density of two moons, in PyTorch."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from benchmarks.zoo.families.descent import begin, descend, tensors
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.training import Outcome

EPOCHS = 40
NOISE, CENTRE, SPREAD = 0.2, np.array([0.5, 0.25]), np.array([0.87, 0.5])


def arcs(angle: np.ndarray) -> np.ndarray:
    """Points on two half circles; angles beyond pi are on the second."""
    lower = angle >= np.pi
    x, y = np.cos(angle), np.sin(angle)
    return np.stack([np.where(lower, 1 + x, x), np.where(lower, 0.5 + y, y)], -1)


@cache
def points(seed: int = 110) -> np.ndarray:
    """2,000 points around the arcs, standardised."""
    rng = np.random.default_rng(seed)
    made = arcs(rng.uniform(0, 2 * np.pi, 2000)) + rng.normal(0, NOISE, (2000, 2))
    return (made - CENTRE) / SPREAD


@cache
def bounds() -> tuple[float, float]:
    """The mean logarithm of the density at other points: a normal distribution's, and the true one's."""
    x = points(111)
    steps = (np.arange(800) + 0.5) * 2 * np.pi / 800
    squares = ((x[:, None] * SPREAD + CENTRE - arcs(steps)) ** 2).sum(-1)
    true = np.log(np.exp(-squares / (2 * NOISE**2)).mean(1) / (2 * np.pi * NOISE**2) * SPREAD.prod())
    _, log_det = np.linalg.slogdet(2 * np.pi * np.e * np.cov(x.T))
    return -0.5 * log_det, float(true.mean())


class Coupling(nn.Module):
    """One coordinate is shifted and stretched by what the other one says. bound: of the stretch's logarithm."""

    def __init__(self, moved: int, width: int, bound: float) -> None:
        super().__init__()
        self.moved, self.bound = moved, bound
        self.net = nn.Sequential(
            nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 2)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        shift, stretch = self.net(x[:, 1 - self.moved, None]).unbind(1)
        stretch = self.bound * torch.tanh(stretch)
        changed = x[:, self.moved] * torch.exp(stretch) + shift
        pair = (changed, x[:, 1]) if self.moved == 0 else (x[:, 0], changed)
        return torch.stack(pair, 1), stretch


class Flow(nn.Module):
    def __init__(self, couplings: int, width: int, bound: float) -> None:
        super().__init__()
        self.couplings = nn.ModuleList(Coupling(i % 2, width, bound) for i in range(couplings))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        log_det = x.new_zeros(len(x))
        for coupling in self.couplings:
            x, stretch = coupling(x)
            log_det = log_det + stretch
        return x, log_det


def density(z: Tensor, log_det: Tensor, sign: float = 1.0) -> Tensor:
    """The mean logarithm of the density."""
    return (-0.5 * (z**2).sum(1) - np.log(2 * np.pi) + sign * log_det).mean()


def train(
    log_dir: str,
    seed: int,
    couplings: int = 8,
    bound: float = 1.0,
    sign: float = 1.0,
    unit: float = 1.0,
    schedule: Callable[[torch.optim.Optimizer], Any] | None = None,
    rate: float = 8e-3,
) -> Outcome:
    """sign: of the volume's term. unit: of the coordinates. Its skill: how much of the way from a normal distribution
    to the true density it has come, at points it did not see."""
    begin(seed)
    model = Flow(couplings, 24, bound)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    (data,) = tensors(points() * unit)
    value = descend(
        model,
        optimizer,
        log_dir,
        (data,),
        lambda model, x: -density(*model(x), sign),
        epochs=EPOCHS,
        size=100,
        schedule=schedule,
    )
    with torch.no_grad():
        found = float(density(*model(*tensors(points(111) * unit)))) + 2 * np.log(unit)
    normal, true = bounds()
    return Outcome(value, value, max(-1.0, float(found - normal) / float(true - normal)) if np.isfinite(found) else 0.0)


FAMILY = Family(
    "flow",
    "torch",
    train,
    {
        "plain": {},
        "cosine": {"schedule": partial(CosineAnnealingLR, T_max=EPOCHS), "rate": 1e-2},
        "ten_couplings": {"couplings": 10, "rate": 5e-3},
    },
    (
        fault("insufficient_capacity", "one_coupling", couplings=1),
        fault("unbounded_loss", "volume_with_wrong_sign", sign=-1.0),
        fault("learning_rate_too_high", "adam_1", of="ten_couplings", rate=1.0),
        # What goes in is what is to be explained.
        fault("unnormalized_inputs", "in_thousandths", "unscaled_targets", of="cosine", unit=1000.0),
    ),
    kept_out=True,
)
