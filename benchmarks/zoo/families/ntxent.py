"""Two views of each row find each other among all: NT-Xent, and the siamese net that needs no others. In PyTorch."""

from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.zoo.families.descent import begin, descend, predicted, tensors
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.measures import told_apart
from benchmarks.zoo.training import Outcome


@cache
def crowds() -> tuple[np.ndarray, np.ndarray]:
    """1,536 rows of 24 features around one of 8 centres, all far from 0, and which centre."""
    rng = np.random.default_rng(76)
    kind = rng.integers(0, 8, 1536)
    return (2 + rng.normal(size=(8, 24))[kind] + 0.3 * rng.normal(size=(1536, 24))).astype("float32"), kind


def nt_xent(one: Tensor, two: Tensor, temperature: float) -> Tensor:
    codes = F.normalize(torch.cat([one, two]))
    near = codes @ codes.T / temperature
    near = near.masked_fill(torch.eye(len(codes), dtype=torch.bool), -1e9)
    partner = torch.arange(len(codes)).roll(len(one))
    return F.cross_entropy(near, partner)


def train(
    log_dir: str,
    seed: int,
    temperature: float = 0.5,
    alone: bool = False,
    negatives: bool = True,
    views_apart: bool = False,
    rate: float = 2e-3,
    epochs: int = 8,
) -> Outcome:
    """alone: a predictor meets the other view's code, which has no gradient. negatives: whether others push apart.
    views_apart: the second views were shuffled by themselves."""
    begin(seed)
    x, kind = crowds()
    model = nn.Sequential(nn.Linear(24, 64), nn.ReLU(), nn.Linear(64, 16, bias=not alone))
    whole: nn.Module = model
    predictor = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16))
    if alone:
        model.append(nn.BatchNorm1d(16, affine=False))
        whole = nn.ModuleDict({"encoder": model, "predictor": predictor})
    optimizer = torch.optim.Adam(whole.parameters(), lr=rate)

    def loss_of(_: nn.Module, rows: Tensor) -> Tensor:
        views = [rows + 0.4 * torch.randn_like(rows) for _ in range(2)]
        if views_apart:
            views[1] = views[1][torch.randperm(len(rows))]
        one, two = model(torch.cat(views)).chunk(2)
        if alone:
            pairs = (predictor(one), two), (predictor(two), one)
            return -sum(F.cosine_similarity(made, code.detach()).mean() for made, code in pairs) / 2
        return nt_xent(one, two, temperature) if negatives else (1 - F.cosine_similarity(one, two)).mean()

    value = descend(whole, optimizer, log_dir, tensors(x), loss_of, epochs=epochs, size=96)
    return Outcome(value, value, told_apart(predicted(model, *tensors(x)), kind))


FAMILY = Family(
    "ntxent",
    "torch",
    train,
    {"plain": {}, "cold": {"temperature": 0.1}, "without_others": {"alone": True}},
    (
        # All codes in one place agree with each other as well as can be.
        fault("representation_collapse", "no_negatives", negatives=False),
        fault("uninformative_labels", "views_of_others", views_apart=True),
        fault("learning_rate_too_low", "adam_1e-7", of="cold", rate=1e-7),
    ),
)
