"""Is a model of odd parts recorded, each part under its own name?"""

import numpy as np
import torch
from recording.reading import Records
from recording.torch_loops import batches, plain
from torch import nn
from torch.nn import functional as F

from tb_lossdiag.torch import watch


class Odd(nn.Module):
    """A shared and a repeated layer, a tuple and a dict, an unused head, a frozen layer, functions, own parameters."""

    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.zeros(4))
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.rnn = nn.LSTM(4, 6, batch_first=True)
        self.shared = nn.Linear(6, 6)
        self.alias = self.shared
        self.unused = nn.Linear(6, 2)
        self.norm = nn.LayerNorm(6)
        self.out = nn.Linear(6, 3)

    def forward(self, x, *, scale):
        states, _ = self.rnn(self.frozen(x + self.token)[:, None, :])
        x = F.relu(self.shared(states[:, -1] * scale))
        x = torch.tanh(self.norm(self.alias(x)))
        return {"logits": self.out(x)}


def test_a_model_of_odd_parts_is_recorded(tmp_path):
    torch.manual_seed(0)
    model, criterion = Odd(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    with watch(model, optimizer, tmp_path, loss=criterion):
        for x, y in batches(3):
            optimizer.zero_grad()
            criterion(model(x, scale=torch.tensor(2.0))["logits"], y).backward()
            optimizer.step()
    records = Records(tmp_path)
    assert [row.name for row in records.card.rows] == [
        "frozen",
        *("rnn/weight_ih_l0", "rnn/weight_hh_l0", "rnn/ih_l0/bias", "rnn/hh_l0/bias", "rnn"),
        *("shared/weight", "shared/bias", "shared", "shared #2"),
        *("norm/gamma", "norm/beta", "norm", "out/weight", "out/bias", "out"),
        *("token", "unused/weight", "unused/bias"),
    ]
    assert {layer.path: layer.activation for layer in records.card.layers} == {
        **{"frozen": "linear", "rnn": "tanh", "shared": "relu", "norm": "tanh", "out": "linear"}
    }
    assert records.card.layer("out").inputs == ("norm",)
    assert records.events("no_gradient") == [
        {"step": 1, "kind": "no_gradient", "rows": ["unused/weight", "unused/bias"]}
    ]
    assert np.isnan(records.cell("unused/weight", "gradient_norm")).all()
    assert np.isfinite(records.cell("shared", "activation_dead_share")).all()
    assert [row.name for row in records.card.data_rows if row.kind == "input"] == ["input:x", "input:scale"]


def test_of_a_frozen_layer_it_is_not_known_what_follows(tmp_path):
    model, criterion = nn.Sequential(nn.Linear(4, 8).requires_grad_(False), nn.Linear(8, 3)), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, tmp_path, loss=criterion):
        plain(model, optimizer, criterion, steps=1)
    records = Records(tmp_path)
    assert [layer.activation for layer in records.card.layers] == ["unknown", "linear"]
    assert np.isfinite(records.cell("0", "activation_std")).all()
