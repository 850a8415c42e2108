"""A convolutional net with batch normalisation in PyTorch, where modes, lists and targets are the user's business."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR, StepLR

from benchmarks.zoo.data import shapes
from benchmarks.zoo.families.descent import begin, descend, predicted, tensors
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.measures import explained
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome


class Net(nn.Module):
    """One unit answers how bright, four which shape."""

    def __init__(self, answers: int, normalised: bool) -> None:
        super().__init__()
        self.blocks = nn.Sequential(self._block(1, 8, normalised), self._block(8, 16, normalised))
        self.answer = nn.Linear(16 * 9, answers)

    def forward(self, x: Tensor) -> Tensor:
        return self.answer(self.blocks(x).flatten(1))

    @staticmethod
    def _block(inputs: int, filters: int, normalised: bool) -> nn.Module:
        normal = nn.BatchNorm2d(filters) if normalised else nn.Identity()
        return nn.Sequential(nn.Conv2d(inputs, filters, 3, padding=1), normal, nn.ReLU(), nn.MaxPool2d(2))


def train(
    log_dir: str,
    seed: int,
    normalised: bool = True,
    mode: str = "train",
    scale: float = 255.0,
    brightness: bool = False,
    floor: float = 1.0,
    named: bool = True,
    schedule: Callable[[torch.optim.Optimizer], Any] | None = None,
    schedule_each: str = "epoch",
    rate: float = 0.02,
) -> Outcome:
    """mode: what the model is left in. brightness: the number of bright pixels beyond five is asked for, its
    logarithm taken in the loop. floor: what is added before the logarithm. named: nn.CrossEntropyLoss, told."""
    begin(seed)
    x, y, *_ = shapes()
    x = np.moveaxis(x, -1, 1)
    bright = np.maximum((x > 0.5).sum((1, 2, 3)) - 5, 0)[:, None].astype("float32")
    x = np.float32(scale) * x
    model = Net(1 if brightness else 4, normalised)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    criterion = nn.MSELoss() if brightness else nn.CrossEntropyLoss()

    def loss_of(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        if brightness:
            return criterion(model(x), torch.log(y + floor))
        return criterion(model(x), y) if named else F.cross_entropy(model(x), y)

    value = descend(
        model,
        optimizer,
        log_dir,
        tensors(x, bright if brightness else y),
        loss_of,
        epochs=6,
        criterion=criterion if named else None,
        schedule=schedule,
        schedule_each=schedule_each,
        mode=mode,
    )
    made = predicted(model, *tensors(x))
    found = explained(np.log(bright + 1), made) if brightness else skill("classes", y, made)
    return Outcome(value, value, found)


FAMILY = Family(
    "torch_images",
    "torch",
    train,
    {
        "plain": {},
        "cosine_decay": {"schedule": partial(CosineAnnealingLR, T_max=6), "named": False},
        "step_decay": {"schedule": partial(StepLR, step_size=3, gamma=0.3), "scale": 1.0},
        "brightness": {"brightness": True, "rate": 0.01},
        "not_normalised": {"normalised": False, "scale": 1.0},
    },
    (
        # Batch normalisation never sees the pixels' scale.
        fault("train_eval_mismatch", "left_in_eval", "unnormalized_inputs", mode="eval"),
        fault("nonfinite_inputs", "log_of_no_pixels", "invalid_labels", of="brightness", floor=0.0),
        fault("learning_rate_zero", "step_per_batch", "learning_rate_too_low", of="step_decay", schedule_each="step"),
    ),
)
