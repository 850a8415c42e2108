"""An autoencoder takes the noise from pictures, in PyTorch; what it cannot know is the floor of its loss."""

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.zoo.data import digits
from benchmarks.zoo.families.descent import begin, descend, predicted, tensors
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.measures import explained
from benchmarks.zoo.training import Outcome


class Denoiser(nn.Module):
    """listed: the hidden layers stand in a plain list. end: what comes after the last layer."""

    def __init__(self, listed: bool, normalised: bool, end: type[nn.Module]) -> None:
        super().__init__()
        hidden = [nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 64), nn.ReLU()]
        if normalised:
            hidden.insert(1, nn.BatchNorm1d(64))
        self.hidden = hidden if listed else nn.Sequential(*hidden)
        self.pixels = nn.Linear(64, 64)
        self.end = end()

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.hidden:
            x = layer(x)
        return self.end(self.pixels(x))


def train(
    log_dir: str,
    seed: int,
    listed: bool = False,
    normalised: bool = False,
    end: type[nn.Module] = nn.Sigmoid,
    summed: bool = False,
    clear: str = "before",
    scale: float = 1.0,
    momentum: float | None = None,
    rate: float = 3e-3,
) -> Outcome:
    """summed: the loss is the sum over pixels and rows. scale: of the pixels. momentum: of SGD; Adam without one."""
    begin(seed)
    x = digits().x * np.float32(scale)
    model = Denoiser(listed, normalised, end)
    if momentum is None:
        optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=momentum)
    criterion = nn.MSELoss(reduction="sum" if summed else "mean")

    def loss_of(model: nn.Module, rows: Tensor) -> Tensor:
        noisy = rows + 0.2 * scale * torch.randn_like(rows)
        return criterion(model(noisy), rows)

    given = None if summed else criterion
    value = descend(model, optimizer, log_dir, tensors(x), loss_of, epochs=12, criterion=given, clear=clear)
    return Outcome(value, value, explained(x, predicted(model, *tensors(x))) / 0.7)


FAMILY = Family(
    "denoiser",
    "torch",
    train,
    {
        "plain": {},
        "summed": {"summed": True, "end": nn.Identity},
        "normalised": {"normalised": True},
        "descent": {"momentum": 0.9, "rate": 0.5, "end": nn.Identity},
    },
    (
        fault("gradients_not_cleared", "no_zero_grad", of="descent", clear="never"),
        fault("untracked_weights", "layers_in_a_list", "frozen_layers", of="summed", listed=True),
        fault("output_activation_mismatch", "sigmoid_for_255", "unscaled_targets", scale=255.0),
        fault("updates_not_applied", "cleared_before_the_step", of="descent", clear="between"),
        fault("learning_rate_too_high", "adam_1", rate=1.0),
    ),
)
