"""What is a paper about? A graph convolution learns it from few papers, their words and who cites whom. In PyTorch."""

from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.zoo.families.descent import begin, predicted, tensors
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome
from tb_lossdiag.torch import watch

PAPERS, WORDS, SUBJECTS, KNOWN = 400, 60, 4, 80


@cache
def graph() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Words of each paper [PAPERS, WORDS], the shares in which papers pass on to each other, and the subjects."""
    rng = np.random.default_rng(112)
    subject = np.arange(PAPERS) % SUBJECTS
    prefers = (np.arange(WORDS) % SUBJECTS)[None] == subject[:, None]
    words = (rng.random((PAPERS, WORDS)) < np.where(prefers, 0.25, 0.1)).astype("float32")
    near = subject[:, None] == subject[None]
    cites = np.triu(rng.random((PAPERS, PAPERS)) < np.where(near, 0.04, 0.004), 1)
    linked = (cites | cites.T | np.eye(PAPERS, dtype=bool)).astype("float32")
    root = np.sqrt(linked.sum(1))
    return words, linked / root[:, None] / root[None], subject


class Convolution(nn.Module):
    """What the neighbours say, through one matrix. beside: a paper's own words go through another."""

    def __init__(self, inputs: int, outputs: int, beside: bool) -> None:
        super().__init__()
        self.neighbours = nn.Linear(inputs, outputs)
        self.own = nn.Linear(inputs, outputs) if beside else None

    def forward(self, shares: Tensor, x: Tensor) -> Tensor:
        told = self.neighbours(shares @ x)
        return told if self.own is None else told + self.own(x)


class Reader(nn.Module):
    """listed: the convolutions are kept in a plain list, of which the module knows nothing."""

    def __init__(self, shares: Tensor, beside: bool, dropout: float, listed: bool) -> None:
        super().__init__()
        self.register_buffer("shares", shares)
        made = [Convolution(WORDS, 8, beside), Convolution(8, 8, beside)]
        self.convolutions = made if listed else nn.ModuleList(made)
        self.dropout = nn.Dropout(dropout)
        self.subject = nn.Linear(8, SUBJECTS)

    def forward(self, x: Tensor) -> Tensor:
        for convolution in self.convolutions:
            x = F.relu(convolution(self.shares, self.dropout(x)))
        return self.subject(x)


def train(
    log_dir: str,
    seed: int,
    beside: bool = False,
    dropout: float = 0.0,
    decay: float = 0.0,
    listed: bool = False,
    made_anew: bool = False,
    kind: type[torch.optim.Optimizer] = torch.optim.Adam,
    rate: float = 1e-2,
    steps: int = 200,
) -> Outcome:
    """made_anew: the model is, after the optimizer got its parameters. Its skill is that on all papers."""
    begin(seed)
    words, shares, subject = graph()
    x, shares, y = tensors(words, shares, subject)
    known = torch.from_numpy(np.random.default_rng(113).permutation(PAPERS)[:KNOWN])
    model = Reader(shares, beside, dropout, listed)
    optimizer = kind(model.parameters(), lr=rate, weight_decay=decay)
    if made_anew:
        model = Reader(shares, beside, dropout, listed)
    criterion = nn.CrossEntropyLoss()
    model.train()
    loss = torch.tensor(0.0)
    with watch(model, optimizer, log_dir, loss=criterion):
        for _ in range(steps):
            optimizer.zero_grad()
            loss = criterion(model(x)[known], y[known])
            loss.backward()
            optimizer.step()
    return Outcome(loss.item(), loss.item(), skill("classes", subject, predicted(model, x)))


FAMILY = Family(
    "citations",
    "torch",
    train,
    {
        "plain": {},
        "dropout": {"dropout": 0.3, "decay": 5e-4},
        "own_words_beside": {"beside": True, "decay": 1e-3},
    },
    (
        fault("untracked_weights", "plain_list", "frozen_layers", listed=True),
        fault("updates_not_applied", "model_made_anew", "untracked_weights", "frozen_layers", made_anew=True),
        fault("penalty_dominates", "decay_of_1", of="dropout", decay=1.0),
        fault(
            "unsuitable_optimizer", "sgd_1e-3", "learning_rate_too_low", of="dropout", kind=torch.optim.SGD, rate=1e-3
        ),
    ),
    kept_out=True,
)
