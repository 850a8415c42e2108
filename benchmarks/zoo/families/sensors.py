"""Windows of three sensors, told apart by attention or a recurrent layer, in PyTorch."""

from functools import cache

import numpy as np
import torch
from torch import Tensor, nn, optim

from benchmarks.zoo.families.descent import begin, descend, predicted, tensors
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome

STEPS, KINDS = 20, 4


@cache
def windows() -> tuple[np.ndarray, np.ndarray]:
    """1,200 windows [STEPS, 3] in which the sensors swing slowly or fast, together or the last one opposed."""
    rng = np.random.default_rng(31)
    kinds = np.arange(1200) % KINDS
    speed = np.where(kinds % 2, 1.1, 0.4)[:, None] * rng.uniform(0.9, 1.1, (1200, 1))
    swing = np.sin(speed * np.arange(STEPS) + rng.uniform(0, 2 * np.pi, (1200, 1)))
    signs = np.where(kinds[:, None] < 2, [1, 1, 1], [1, 1, -1])
    x = swing[:, :, None] * signs[:, None] + rng.normal(0, 0.1, (1200, STEPS, 3))
    return x.astype("float32"), kinds


class Attending(nn.Module):
    def __init__(self, batch_first: bool) -> None:
        super().__init__()
        self.wide = nn.Conv1d(3, 32, 3, padding=1)
        self.attention = nn.MultiheadAttention(32, 2, batch_first=batch_first)
        self.kinds = nn.Linear(32, KINDS)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.wide(x.transpose(1, 2))).transpose(1, 2)
        seen, _ = self.attention(x, x, x, need_weights=False)
        return self.kinds(torch.relu(seen).mean(1))


class Recurrent(nn.Module):
    def __init__(self, batch_first: bool) -> None:
        super().__init__()
        self.memory = nn.GRU(3, 24, batch_first=batch_first)
        self.kinds = nn.Linear(24, KINDS)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.memory(x)
        return self.kinds(states[:, -1])


def train(
    log_dir: str, seed: int, model: type[nn.Module] = Attending, batch_first: bool = True, size: int = 32
) -> Outcome:
    """batch_first: what the layer is told; the windows of a batch stand in front either way."""
    begin(seed)
    x, y = windows()
    data, criterion = tensors(x, y), nn.CrossEntropyLoss()
    made = model(batch_first)
    optimizer = optim.Adam(made.parameters(), lr=5e-3)
    value = descend(
        made, optimizer, log_dir, data, lambda net, x, y: criterion(net(x), y), 15, size=size, criterion=criterion
    )
    return Outcome(value, value, skill("classes", y, predicted(made, data[0])))


FAMILY = Family(
    "sensors",
    "torch",
    train,
    {"plain": {}, "recurrent": {"model": Recurrent}, "batches_of_50": {"size": 50}},
    # Attention that goes along the batch learns to look at its own example alone: no fault that shows.
    (fault("mixed_examples", "memory_along_the_batch", of="recurrent", batch_first=False),),
)
