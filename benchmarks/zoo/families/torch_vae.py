"""A variational autoencoder of grey pictures in PyTorch; the terms of its loss are told, or not."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.zoo.data import digits
from benchmarks.zoo.families.descent import batches, begin, tensors
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.measures import explained
from benchmarks.zoo.training import Outcome
from tb_lossdiag.torch import watch


class Autoencoder(nn.Module):
    def __init__(self, code: int = 8) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
        self.mean, self.log_variance = nn.Linear(64, code), nn.Linear(64, code)
        self.decoder = nn.Sequential(nn.Linear(code, 64), nn.ReLU(), nn.Linear(64, 64), nn.Sigmoid())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        hidden = self.encoder(x)
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        return self.decoder(mean + torch.randn_like(mean) * (0.5 * log_variance).exp()), mean, log_variance


def train(
    log_dir: str,
    seed: int,
    summed: bool = True,
    weight: float = 1.0,
    warm_up: int = 0,
    told: bool = True,
    entropy: bool = True,
    rate: float = 5e-3,
) -> Outcome:
    """summed: over pixels, or their mean. weight: of the Kullback-Leibler term, from 0 on over `warm_up` steps. told:
    the terms. entropy: the reconstruction is judged by cross-entropy, else by its squared error."""
    begin(seed)
    (x,) = tensors(digits().x)
    model = Autoencoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    losses: list[float] = []
    step = 0
    with watch(model, optimizer, log_dir) as watcher:
        for _ in range(15):
            losses = []
            for (rows,) in batches(64, x):
                optimizer.zero_grad()
                made, mean, log_variance = model(rows)
                each = F.binary_cross_entropy(made, rows, reduction="none") if entropy else 8 * (made - rows) ** 2
                reconstruction = each.sum(1).mean() if summed else each.mean()
                kl = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(1).mean()
                loss = reconstruction + weight * min(1.0, step / warm_up if warm_up else 1.0) * kl
                loss.backward()
                if told:
                    watcher.loss_terms(reconstruction=reconstruction, kl=kl)
                optimizer.step()
                losses.append(loss.item())
                step += 1
    with torch.no_grad():
        made = model.decoder(model.mean(model.encoder(x))).numpy()
    value = float(np.mean(losses))
    return Outcome(value, value, explained(x.numpy(), made) / 0.5)


FAMILY = Family(
    "torch_vae",
    "torch",
    train,
    {
        "plain": {},
        "warmed_up": {"warm_up": 150},
        "squared_untold": {"entropy": False, "told": False},
    },
    (
        fault("posterior_collapse", "mean_of_pixels", "unbalanced_loss_terms", summed=False),
        fault("posterior_collapse", "untold_weight_80", "unbalanced_loss_terms", of="squared_untold", weight=80.0),
        fault("learning_rate_too_low", "adam_1e-6", rate=1e-6),
    ),
)
