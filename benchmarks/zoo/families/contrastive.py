"""Pairs of digits, pulled together when alike and pushed apart to a margin when not, in PyTorch."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.zoo.families.descent import begin, descend, predicted, tensors
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.pairs import pairs
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome


class Contrastive(nn.Module):
    def __init__(self, margin: float) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, left: Tensor, right: Tensor, same: Tensor) -> Tensor:
        apart = F.pairwise_distance(left, right)
        return (same * apart**2 + (1 - same) * F.relu(self.margin - apart) ** 2).mean()


def train(
    log_dir: str,
    seed: int,
    share: float = 0.3,
    margin: float = 1.0,
    cosine: bool = False,
    mixed_up: bool = False,
    clear: str = "before",
    momentum: float | None = None,
    rate: float = 2e-3,
) -> Outcome:
    """share: of the pairs that are of one digit. cosine: nn.CosineEmbeddingLoss instead. momentum: of SGD, or Adam."""
    begin(seed)
    left, right, same = pairs(share, count=2000)
    same = same[:, 0]
    if mixed_up:
        same = same[np.random.default_rng(0).permutation(len(same))]
    model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 12))
    if momentum is None:
        optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=momentum)
    criterion = nn.CosineEmbeddingLoss(margin=0.0) if cosine else Contrastive(margin)

    def loss_of(model: nn.Module, left: Tensor, right: Tensor, same: Tensor) -> Tensor:
        codes = model(torch.cat([left, right])).chunk(2)
        return criterion(*codes, 2 * same - 1 if cosine else same)

    value = descend(model, optimizer, log_dir, tensors(left, right, same), loss_of, epochs=8, clear=clear)
    *asked, truth = pairs(0.5, 64)
    one, two = (predicted(model, *tensors(part)) for part in asked)
    if cosine:
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(two, axis=1)
        alike = (one * two).sum(1) / np.maximum(lengths, 1e-9) - 0.5
    else:
        alike = 0.5 - np.linalg.norm(one - two, axis=1)
    return Outcome(value, value, skill("binary", truth, alike, 0.0))


FAMILY = Family(
    "contrastive",
    "torch",
    train,
    {"plain": {}, "cosine": {"cosine": True}, "descent": {"momentum": 0.9, "rate": 0.05}},
    (
        # Nothing is ever pushed apart.
        fault("representation_collapse", "margin_of_0", margin=0.0),
        fault("representation_collapse", "only_pairs_alike", "class_imbalance", share=1.0),
        fault("uninformative_labels", "pairs_mixed_up", mixed_up=True),
        fault("gradients_not_cleared", "no_zero_grad", of="descent", clear="never"),
    ),
)
