"""Where does a word's vector point? Regression of a direction by cosine similarity, in PyTorch."""

from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.zoo.families.descent import begin, descend, predicted, tensors
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.training import Outcome


@cache
def directions() -> tuple[np.ndarray, np.ndarray]:
    """1,500 rows of 16 features and vectors of 12 numbers, whose length says nothing."""
    rng = np.random.default_rng(74)
    x = rng.normal(size=(1500, 16)).astype("float32")
    y = np.tanh(x @ rng.normal(size=(16, 24)) / 2) @ rng.normal(size=(24, 12))
    return x, (y * rng.uniform(0.2, 5, (1500, 1))).astype("float32")


def train(
    log_dir: str,
    seed: int,
    module: bool = False,
    clear: str = "before",
    mixed_up: bool = False,
    of_another: bool = False,
    momentum: float | None = None,
    rate: float = 3e-3,
) -> Outcome:
    """module: the loss is nn.CosineEmbeddingLoss and not written out. of_another: the optimizer was made before the
    model was made anew. momentum: of SGD; Adam without one."""
    begin(seed)
    x, y = directions()
    targets = y[np.random.default_rng(0).permutation(len(y))] if mixed_up else y
    made = [nn.Sequential(nn.Linear(16, 48), nn.GELU(), nn.Linear(48, 12)) for _ in range(2)]
    model, held = made[0], made[1] if of_another else made[0]
    if momentum is None:
        optimizer = torch.optim.Adam(held.parameters(), lr=rate)
    else:
        optimizer = torch.optim.SGD(held.parameters(), lr=rate, momentum=momentum)
    criterion = nn.CosineEmbeddingLoss()

    def loss_of(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        if module:
            return criterion(model(x), y, torch.ones(len(x)))
        return (1 - F.cosine_similarity(model(x), y)).mean()

    value = descend(model, optimizer, log_dir, tensors(x, targets), loss_of, epochs=8, clear=clear)
    pointed = predicted(model, *tensors(x))
    cosines = (pointed * y).sum(1) / np.maximum(np.linalg.norm(pointed, axis=1) * np.linalg.norm(y, axis=1), 1e-9)
    return Outcome(value, value, float(np.nan_to_num(cosines.mean())))


FAMILY = Family(
    "cosine",
    "torch",
    train,
    {"plain": {}, "module": {"module": True}, "descent": {"momentum": 0.9, "rate": 0.1}},
    (
        fault("updates_not_applied", "cleared_before_the_step", of="descent", clear="between"),
        fault("updates_not_applied", "optimizer_of_another", of_another=True),
        fault("uninformative_labels", "vectors_of_others", of="module", mixed_up=True),
        fault("learning_rate_too_low", "adam_1e-6", rate=1e-6),
    ),
)
