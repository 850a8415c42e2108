"""Three tasks on one trunk, each with a loss of its own, in PyTorch."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.zoo.data import digits
from benchmarks.zoo.families.descent import batches, begin, tensors
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.measures import explained
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome
from tb_lossdiag.torch import watch


class Tasks(nn.Module):
    """named: answers a dict, else a tuple."""

    def __init__(self, named: bool) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
        self.heads = nn.ModuleDict({"digit": nn.Linear(32, 10), "ink": nn.Linear(32, 1), "even": nn.Linear(32, 1)})
        self.named = named

    def forward(self, x: Tensor) -> dict[str, Tensor] | tuple[Tensor, ...]:
        shared = self.trunk(x)
        answers = {name: head(shared) for name, head in self.heads.items()}
        return answers if self.named else tuple(answers.values())


def train(
    log_dir: str,
    seed: int,
    named: bool = True,
    told: bool = True,
    ink: float = 1.0,
    digit_weight: float = 1.0,
    no_graph: bool = False,
    rate: float = 3e-3,
) -> Outcome:
    """ink: the unit that the amount of ink is measured in. told: the terms of the loss. no_graph: the digit's loss is
    added as a number. Its skill is that of the worst task."""
    begin(seed)
    x, digit, *_ = digits()
    amount = x.sum(1, keepdims=True)
    amount = (amount - amount.mean()) / amount.std() * np.float32(ink)
    even = (digit % 2 == 0)[:, None].astype("float32")
    model = Tasks(named)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    whole = tensors(x, digit, amount, even)
    losses: list[float] = []
    with watch(model, optimizer, log_dir) as watcher:
        for epoch in range(10):
            losses = []
            for rows, *targets in batches(32, *whole):
                answers = model(rows)
                answers = tuple(answers.values()) if named else answers
                terms = {
                    "digit": digit_weight * F.cross_entropy(answers[0], targets[0]),
                    "ink": F.mse_loss(answers[1], targets[1]),
                    "even": F.binary_cross_entropy_with_logits(answers[2], targets[2]),
                }
                loss = sum(term.item() if no_graph and name == "digit" else term for name, term in terms.items())
                optimizer.zero_grad()
                loss.backward()
                if told:
                    watcher.loss_terms(**terms)
                optimizer.step()
                losses.append(loss.item())
            watcher.epoch(epoch)
    model.eval()
    with torch.no_grad():
        answers = model(whole[0])
        found = [one.numpy() for one in (answers.values() if named else answers)]
    skills = skill("classes", digit, found[0]), explained(amount, found[1]), skill("binary", even, found[2], 0.0)
    value = float(np.mean(losses))
    return Outcome(value, value, min(skills))


FAMILY = Family(
    "shared_trunk",
    "torch",
    train,
    {"plain": {}, "untold_tuple": {"named": False, "told": False}},
    (
        fault("unbalanced_loss_terms", "ink_in_thousandths", "unscaled_targets", ink=1000.0),
        fault("unbalanced_loss_terms", "untold_ink", "unscaled_targets", of="untold_tuple", ink=1000.0),
        fault("unbalanced_loss_terms", "digit_weighs_nothing", digit_weight=1e-9),
        fault("disconnected_graph", "digit_as_a_number", "frozen_layers", no_graph=True),
    ),
)
