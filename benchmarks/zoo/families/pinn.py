"""Heat in a rod: u'' = -q(x) with u = 0 at both ends, solved by a net in PyTorch. Several passes make one step."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.zoo.families.descent import begin, predicted
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.measures import explained
from benchmarks.zoo.training import Outcome
from tb_lossdiag.torch import watch

WAVE = 2 * math.pi


def slope(y: Tensor, x: Tensor) -> Tensor:
    (found,) = torch.autograd.grad(y.sum(), x, create_graph=True, allow_unused=True, materialize_grads=True)
    return found


def train(
    log_dir: str,
    seed: int,
    activation: type[nn.Module] = nn.Tanh,
    ends: float = 10.0,
    obeyed: float = 0.1,
    length: float = 1.0,
    told: bool = True,
    flat: bool = False,
    rate: float = 4e-3,
    steps: int = 700,
) -> Outcome:
    """ends: the weight of the two ends, obeyed: that of the equation. length: of the rod in the unit that the net is
    given. flat: the heat is a vector, the net's answer a column. told: the terms of the loss."""
    begin(seed)
    model = nn.Sequential(nn.Linear(1, 24), activation(), nn.Linear(24, 24), activation(), nn.Linear(24, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    rng = np.random.default_rng(81)
    value = 0.0
    with watch(model, optimizer, log_dir) as watcher:
        for _ in range(steps):
            x = torch.from_numpy(rng.uniform(0, 1, (48, 1)).astype("float32")).requires_grad_(True)
            heat = WAVE**2 * torch.sin(WAVE * x)
            bend = slope(slope(model(length * x), x), x)
            equation = (bend + (heat.squeeze(1) if flat else heat)).pow(2).mean()
            edges = model(length * torch.tensor([[0.0], [1.0]])).pow(2).mean()
            loss = obeyed * equation + ends * edges
            optimizer.zero_grad()
            loss.backward()
            if told:
                watcher.loss_terms(equation=obeyed * equation, ends=ends * edges)
            optimizer.step()
            value = loss.item()
    x = torch.linspace(0, 1, 200)[:, None]
    truth = torch.sin(WAVE * x).numpy()
    return Outcome(value, value, explained(truth, predicted(model, length * x)))


FAMILY = Family(
    "pinn",
    "torch",
    train,
    {"plain": {}, "untold_swish": {"activation": nn.SiLU, "told": False}},
    (
        fault("unbalanced_loss_terms", "equation_weighs_nothing", obeyed=1e-9),
        fault("hidden_activation_unsuitable", "relu", "dying_relu", "disconnected_graph", activation=nn.ReLU),
        fault("unnormalized_inputs", "length_in_millimetres", "saturated_activations", length=1000.0),
        fault("shape_broadcast", "heat_in_a_vector", of="untold_swish", flat=True),
    ),
)
