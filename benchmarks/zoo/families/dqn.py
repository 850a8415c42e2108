"""Q-learning on a small corridor, in PyTorch: the targets move with the net, and the loss need not fall."""

import copy
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.zoo.families.descent import begin
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.measures import explained
from benchmarks.zoo.training import Outcome
from tb_lossdiag.torch import watch

PLACES, DISCOUNT, PRIZE_AT = 8, 0.9, 7


def moved(place: Tensor, action: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where each action leads, its prize, and whether the walk ends. Action 1 goes right, 0 left, 2 nowhere; every
    step costs a little."""
    after = (place + (action == 1).long() - (action == 0).long()).clamp(0, PRIZE_AT)
    over = (after == PRIZE_AT).float()
    return after, over - 0.05, over


def seen(place: Tensor) -> Tensor:
    """A place as soft bumps."""
    return torch.exp(-((place[:, None] - torch.arange(PLACES)) ** 2).float())


def train(
    log_dir: str,
    seed: int,
    loss: Callable[[Tensor, Tensor], Tensor] = F.mse_loss,
    column: bool = False,
    of_target: bool = False,
    rate: float = 3e-3,
    copied_each: int = 25,
    steps: int = 700,
) -> Outcome:
    """column: the chosen values are [n, 1], the targets [n]. of_target: the optimizer holds the target net's
    parameters. copied_each: how many steps lie between two copies to the target net. Its skill: how often the greedy
    action goes towards the prize, above chance, or how well it knows what a place is worth, whichever is less."""
    begin(seed)
    net = nn.Sequential(nn.Linear(PLACES, 32), nn.ReLU(), nn.Linear(32, 3))
    target = copy.deepcopy(net)
    optimizer = torch.optim.Adam((target if of_target else net).parameters(), lr=rate)
    values: list[float] = []
    with watch(net, optimizer, log_dir):
        for step in range(steps):
            place, action = torch.randint(0, PRIZE_AT, (64,)), torch.randint(0, 3, (64,))
            after, prize, over = moved(place, action)
            with torch.no_grad():
                wanted = prize + DISCOUNT * (1 - over) * target(seen(after)).max(1).values
            chosen = net(seen(place)).gather(1, action[:, None])
            value = loss(chosen if column else chosen[:, 0], wanted)
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            values.append(value.item())
            if step % copied_each == 0 and not of_target:
                target.load_state_dict(net.state_dict())
    with torch.no_grad():
        worth = net(seen(torch.arange(PRIZE_AT))).numpy()
    last = float(np.mean(values[-40:]))
    towards = float((np.mean(worth.argmax(1) == 1) - 1 / 3) * 1.5)
    return Outcome(last, last, min(towards, explained(best_worth(), worth.max(1))))


def best_worth() -> np.ndarray:
    """What each place is worth to a walk that goes right."""
    left = np.arange(PRIZE_AT)[::-1]
    return DISCOUNT**left - 0.05 * (1 - DISCOUNT ** (left + 1)) / (1 - DISCOUNT)


def squared(chosen: Tensor, wanted: Tensor) -> Tensor:
    """Written out, so that nobody warns of shapes."""
    return ((chosen - wanted) ** 2).mean()


FAMILY = Family(
    "dqn",
    "torch",
    train,
    {
        "plain": {},
        "huber": {"loss": F.smooth_l1_loss, "copied_each": 10},
        "written_out": {"loss": squared},
    },
    (
        fault("shape_broadcast", "chosen_in_a_column", of="written_out", column=True),
        fault("updates_not_applied", "optimizer_of_the_target", "untracked_weights", "frozen_layers", of_target=True),
        fault("learning_rate_too_high", "adam_3", of="huber", rate=3.0),
    ),
)
