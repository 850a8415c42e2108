"""A generator and a discriminator of points, in PyTorch: neither loss says how good the points are."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.zoo.families.descent import begin
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.training import Outcome
from tb_lossdiag.torch import watch

CENTRE, SPREAD = np.array([2.0, -1.0]), np.array([[1.0, 0.4], [0.0, 0.6]])


def train(
    log_dir: str,
    seed: int,
    critic: bool = False,
    watched: str = "generator",
    exchanged: bool = False,
    detached: bool = False,
    rate: float = 2e-3,
    steps: int = 500,
) -> Outcome:
    """critic: a Wasserstein critic with clipped weights, or a discriminator. watched: the player that is recorded.
    exchanged: the generator's optimizer holds the discriminator's parameters. detached: the generator's points reach
    its own loss as numbers. Its skill: how much of the way the generator's mean and spread have come."""
    begin(seed)
    rng = np.random.default_rng(78)
    real = torch.from_numpy((CENTRE + rng.normal(size=(2560, 2)) @ SPREAD).astype("float32"))
    generator = nn.Sequential(nn.Linear(4, 24), nn.Tanh(), nn.Linear(24, 2))
    judge = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    held = judge if exchanged else generator
    ours = torch.optim.Adam(held.parameters(), lr=rate, betas=(0.5, 0.9))
    theirs = torch.optim.Adam(judge.parameters(), lr=rate, betas=(0.5, 0.9))
    before = _distance(generator, real)
    player, optimizer = (generator, ours) if watched == "generator" else (judge, theirs)
    values: list[float] = []
    with watch(player, optimizer, log_dir):
        for _ in range(steps):
            rows = real[torch.randint(len(real), (64,))]
            made = generator(torch.randn(64, 4))
            on_real, on_made = judge(rows), judge(made.detach())
            if critic:
                told = on_made.mean() - on_real.mean()
            else:
                told = F.softplus(-on_real).mean() + F.softplus(on_made).mean()
            theirs.zero_grad()
            told.backward()
            theirs.step()
            if critic:
                with torch.no_grad():
                    for weight in judge.parameters():
                        weight.clamp_(-0.2, 0.2)
            judged = judge(made.detach() if detached else made)
            fooled = -judged.mean() if critic else F.softplus(-judged).mean()
            ours.zero_grad()
            fooled.backward()
            ours.step()
            values.append((fooled if watched == "generator" else told).item())
    value = float(np.mean(values[-40:]))
    return Outcome(value, value, max(-1.0, 1 - _distance(generator, real) / before))


def _distance(generator: nn.Module, real: torch.Tensor) -> float:
    noise = torch.from_numpy(np.random.default_rng(79).normal(size=(2560, 4)).astype("float32"))
    with torch.no_grad():
        made = generator(noise)
    return float((made.mean(0) - real.mean(0)).norm() + (made.std(0) - real.std(0)).norm())


FAMILY = Family(
    "gan",
    "torch",
    train,
    {
        "plain": {},
        "discriminator_watched": {"watched": "discriminator"},
        "critic": {"critic": True},
        "critic_watched": {"critic": True, "watched": "critic"},
    },
    (
        fault("updates_not_applied", "parameters_of_the_other", "frozen_layers", "untracked_weights", exchanged=True),
        fault("disconnected_graph", "points_detached", "updates_not_applied", detached=True),
    ),
)
