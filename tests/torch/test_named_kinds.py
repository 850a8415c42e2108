"""Faults of a PyTorch loop that have a name since public reports showed them, each beside its mended twin."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tb_lossdiag import diagnose
from tb_lossdiag.torch import watch


class Codes(nn.Module):
    """Short codes of signs; mended they let the gradient through."""

    def __init__(self, mended):
        super().__init__()
        self.encoder, self.head = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4)), nn.Linear(4, 6)
        self.mended = mended

    def forward(self, x):
        code = self.encoder(x)
        return self.head(torch.tanh(code) if self.mended else torch.sign(code))


class Tied(nn.Module):
    """Reads a word by the embedding that it also answers with."""

    def __init__(self, mended):
        super().__init__()
        self.words, self.body = nn.Embedding(300, 256), nn.Linear(256, 256)
        nn.init.normal_(self.words.weight, std=0.02 if mended else 1.0)

    def forward(self, x):
        return F.layer_norm(self.body(self.words(x)), (256,)) @ self.words.weight.T


def points(generator):
    kind = torch.randint(0, 6, (32,), generator=generator)
    return F.one_hot(kind, 12).float() + 0.3 * torch.randn(32, 12, generator=generator), kind


def words(generator):
    x = torch.randint(0, 300, (64,), generator=generator)
    return x, (x + 1) % 300


def causes(log_dir, model, data, rate, steps):
    generator, optimizer = torch.Generator().manual_seed(1), torch.optim.Adam(model.parameters(), rate)
    with watch(model, optimizer, log_dir):
        for _ in range(steps):
            x, y = data(generator)
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    return next(iter(diagnose(log_dir).values())).causes


@pytest.mark.parametrize(
    ("kind", "data", "rate", "steps", "cause"),
    [(Codes, points, 1e-3, 600, "disconnected_graph"), (Tied, words, 1e-4, 150, "poor_initialization")],
    ids=["sign", "tied embedding"],
)
def test_it_is_named_first_and_its_twin_is_not_accused(tmp_path, kind, data, rate, steps, cause):
    torch.manual_seed(2)
    assert causes(tmp_path / "faulty", kind(mended=False), data, rate, steps)[0].id == cause
    torch.manual_seed(2)
    assert all(one.severity == "note" for one in causes(tmp_path / "mended", kind(mended=True), data, 3e-3, steps))
