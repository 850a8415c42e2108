"""One transaction in forty is a fraud: a focal loss of the user's own finds it, in PyTorch."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.zoo.data import rare
from benchmarks.zoo.families.descent import begin, descend, predicted, tensors
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome


class Focal(nn.Module):
    """alpha: the weight of a fraud, 1 - alpha that of the rest."""

    def __init__(self, alpha: float, gamma: float) -> None:
        super().__init__()
        self.alpha, self.gamma = alpha, gamma

    def forward(self, logits: Tensor, y: Tensor) -> Tensor:
        each = F.binary_cross_entropy_with_logits(logits, y, reduction="none")
        weight = self.alpha * y + (1 - self.alpha) * (1 - y)
        return (weight * (1 - torch.exp(-each)) ** self.gamma * each).mean()


def train(
    log_dir: str,
    seed: int,
    alpha: float = 0.96,
    gamma: float = 1.0,
    named: bool = True,
    mixed_up: bool = False,
    momentum: float | None = None,
    rate: float = 3e-3,
) -> Outcome:
    """named: whether `watch` is told the loss module. momentum: of SGD; Adam without
    one. mixed_up: the labels are those of other rows."""
    begin(seed)
    x, y, *_ = rare()
    labels = y[np.random.default_rng(0).permutation(len(y))] if mixed_up else y
    criterion = Focal(alpha, gamma)
    model = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 1))
    if momentum is None:
        optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=momentum)
    value = descend(
        model,
        optimizer,
        log_dir,
        tensors(x, labels),
        lambda model, x, y: criterion(model(x), y),
        epochs=6,
        criterion=criterion if named else None,
    )
    return Outcome(value, value, skill("binary", y, predicted(model, *tensors(x)), 0.0))


FAMILY = Family(
    "focal",
    "torch",
    train,
    {
        "plain": {},
        "gamma_2": {"gamma": 2.0, "named": False},
        "descent": {"momentum": 0.9, "rate": 0.2},
    },
    (
        # The weights of the two kinds are exchanged.
        fault("class_imbalance", "alpha_turned_round", alpha=0.04),
        fault("uninformative_labels", "labels_of_others", of="gamma_2", mixed_up=True),
    ),
)
