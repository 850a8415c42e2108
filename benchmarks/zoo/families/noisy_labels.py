"""Two labels in five are wrong, so no loss can come near 0; the right ones are learned all the same. In PyTorch."""

from functools import cache

import numpy as np
import torch
from torch import nn

from benchmarks.zoo.data import digits
from benchmarks.zoo.families.descent import begin, descend, predicted, tensors
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome


@cache
def mislabelled(share: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels, labels of which a share are another digit's, and the true ones."""
    x, y, *_ = digits()
    rng = np.random.default_rng(82)
    wrong = rng.random(len(y)) < share
    return x, np.where(wrong, (y + rng.integers(1, 10, len(y))) % 10, y), y


def train(
    log_dir: str,
    seed: int,
    share: float = 0.4,
    smoothing: float = 0.0,
    named: bool = True,
    penalty: float = 0.0,
    rate: float = 2e-3,
    epochs: int = 6,
) -> Outcome:
    """share: of the labels that are wrong. smoothing: of the labels. penalty: on squared weights, added to the loss."""
    begin(seed)
    x, labels, truth = mislabelled(share)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    criterion = nn.CrossEntropyLoss(label_smoothing=smoothing)

    def loss_of(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = criterion(model(x), y)
        return loss + penalty * sum(one.pow(2).sum() for one in model.parameters()) if penalty else loss

    data = tensors(x, labels)
    value = descend(model, optimizer, log_dir, data, loss_of, epochs, criterion=criterion if named else None)
    return Outcome(value, value, skill("classes", truth, predicted(model, *tensors(x))))


FAMILY = Family(
    "noisy_labels",
    "torch",
    train,
    {"plain": {}, "smoothed": {"smoothing": 0.2}, "unnamed": {"named": False, "share": 0.3}},
    (
        # As many as by chance.
        fault("uninformative_labels", "nine_in_ten", share=0.9),
        fault("penalty_dominates", "weight_1", of="unnamed", penalty=1.0),
        fault("learning_rate_too_low", "adam_1e-6", of="smoothed", rate=1e-6),
    ),
)
