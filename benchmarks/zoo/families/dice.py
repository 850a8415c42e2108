"""Segmentation by the dice index, in PyTorch."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.zoo.data import Data
from benchmarks.zoo.families.descent import begin, descend, predicted, tensors
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.pictures import blobs, masks_255
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(1, 8, 3, padding=1)
        self.middle = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.up = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.out = nn.Conv2d(16, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        fine = F.relu(self.down(x))
        coarse = F.relu(self.up(F.relu(self.middle(fine))))
        return self.out(torch.cat([fine, coarse], 1))


def dice(logits: Tensor, y: Tensor) -> Tensor:
    p = torch.sigmoid(logits).flatten(1)
    y = y.flatten(1)
    return (1 - (2 * (p * y).sum(1) + 1) / (p.sum(1) + y.sum(1) + 1)).mean()


def dice_and_bce(logits: Tensor, y: Tensor) -> Tensor:
    return dice(logits, y) + F.binary_cross_entropy_with_logits(logits, y)


def train(
    log_dir: str,
    seed: int,
    loss: Callable[[Tensor, Tensor], Tensor] = dice,
    data: Callable[[], Data] = blobs,
    rate: float = 5e-3,
) -> Outcome:
    begin(seed)
    x, y = (np.moveaxis(part, -1, 1) for part in data()[:2])
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    value = descend(model, optimizer, log_dir, tensors(x, y), lambda model, x, y: loss(model(x), y), epochs=10, size=16)
    truth, made = blobs().y.reshape(-1, 1) > 0, predicted(model, *tensors(x)).reshape(-1, 1)
    return Outcome(value, value, skill("binary", truth, made, 0.0))


FAMILY = Family(
    "dice",
    "torch",
    train,
    {"plain": {}, "and_bce": {"loss": dice_and_bce}},
    (fault("invalid_labels", "masks_255_and_bce", "unbounded_loss", of="and_bce", data=masks_255),),
)
