"""How weights started, in the facts that a LayerCard's settings hold."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import nn

from tb_lossdiag.torch import watch
from tb_lossdiag.torch.structure import structure_of
from tb_lossdiag.torch.weights import initial_weights


def facts(module):
    return next(iter(initial_weights(structure_of(module)).values()))


def test_a_kernels_facts_are_numpys():
    layer = nn.Conv2d(3, 4, 5)
    found, kernel = facts(layer), layer.weight.detach().numpy().astype(np.float64)
    assert found["kernel_mean"] == pytest.approx(kernel.mean(), rel=1e-4, abs=1e-7)
    assert found["kernel_std"] == pytest.approx(kernel.std(), rel=1e-5)
    assert found["kernel_fan_in"] == 75
    assert not found["kernel_identical_columns"]
    assert found["bias_max"] == pytest.approx(layer.bias.max().item())


@pytest.mark.parametrize(
    ("layer", "fan_in"),
    [
        (nn.Linear(6, 2), 6),
        (nn.ConvTranspose2d(6, 2, 3), 54),
        (nn.Conv1d(6, 2, 3, groups=2), 9),
        (nn.GRU(6, 2), 6),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_fan_in_is_what_one_unit_sees(layer, fan_in):
    assert facts(layer)["kernel_fan_in"] == fan_in


def test_units_that_start_alike_are_told():
    layer = nn.Linear(3, 4)
    nn.init.constant_(layer.weight, 0.5)
    assert facts(layer)["kernel_identical_columns"]
    with torch.no_grad():
        layer.weight[:] = torch.tensor([1.0, 2.0, 3.0])  # each unit has the same, varied weights
    assert facts(layer)["kernel_identical_columns"]
    with torch.no_grad():
        layer.weight[:] = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
    assert not facts(layer)["kernel_identical_columns"]


def test_only_kernels_have_facts_and_lazy_layers_not_yet():
    assert facts(nn.BatchNorm1d(3)) == facts(nn.Embedding(3, 2)) == facts(nn.ReLU()) == {}
    assert initial_weights(structure_of(nn.LazyLinear(3))) == {}


def test_a_weight_that_each_reading_moves_is_not_read(tmp_path):
    def trained(log_dir=None):
        torch.manual_seed(1)
        model = nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(4, 8)), nn.ReLU(), nn.Linear(8, 2))
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        x, y = torch.randn(16, 4), torch.arange(16) % 2
        with watch(model, optimizer, log_dir, every=1) if log_dir else nullcontext():
            for _ in range(4):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(x), y).backward()
                optimizer.step()
        return model.state_dict()

    plain, recorded = trained(), trained(tmp_path)
    assert all(torch.equal(plain[name], recorded[name]) for name in plain)
