"""Second derivatives of the outputs by the inputs are told; those by weights, and first ones, are not."""

import pytest
import torch
from recording.reading import Records
from torch import nn

from tb_lossdiag import diagnose
from tb_lossdiag.torch import watch

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


def slope(y, x):
    (found,) = torch.autograd.grad(y.sum(), x, create_graph=True, allow_unused=True, materialize_grads=True)
    return found


def curved(model, x):
    return slope(slope(model(x), x), x)


def steep(model, x):
    return slope(model(x), x).norm(dim=1) - 1


def adapted(model, x):
    """The loss after a step that is differentiated through, as in meta-learning; twice."""
    weight = model[0].weight
    for _ in range(2):
        (change,) = torch.autograd.grad(nn.functional.linear(x, weight).pow(2).mean(), weight, create_graph=True)
        weight = weight - 0.1 * change
    return nn.functional.linear(x, weight)


LOSSES = {"second": (curved, True), "first": (steep, False), "of weights": (adapted, False)}


def trained(log_dir, residual, activation, steps=3):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, 16), activation(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    with watch(model, optimizer, log_dir):
        for _ in range(steps):
            x = torch.rand(32, 1, requires_grad=True)
            optimizer.zero_grad()
            ((residual(model, x) + 1).pow(2).mean() + model(torch.zeros(1, 1)).pow(2).mean()).backward()
            optimizer.step()
    return [parameter.detach().clone() for parameter in model.parameters()]


@pytest.mark.parametrize("kind", LOSSES)
def test_only_second_ones_by_inputs_are_told(tmp_path, kind):
    residual, told = LOSSES[kind]
    trained(tmp_path, residual, nn.Tanh)
    assert Records(tmp_path).card.settings.get("second_derivatives", False) == told


def test_torch_has_its_own_function_back_afterwards(tmp_path):
    before = torch.autograd.grad
    trained(tmp_path, curved, nn.Tanh)
    assert torch.autograd.grad is before


def test_activations_that_have_none_are_named_and_smooth_ones_are_not(tmp_path):
    for name, activation in ACTIVATIONS.items():
        trained(tmp_path / name, curved, activation, 200)
    first = next(iter(diagnose(tmp_path / "relu").values())).causes[0]
    assert (first.id, first.severity) == ("hidden_activation_unsuitable", "warning")
    assert "second derivatives" in first.evidence_for[0].text and "Tanh" in first.fix.code
    assert not [one for one in next(iter(diagnose(tmp_path / "tanh").values())).causes if one.severity != "note"]
