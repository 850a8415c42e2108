"""Faults of a PyTorch loop that have a name since public reports showed them, each beside its mended twin."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tb_lossdiag import diagnose
from tb_lossdiag.torch import watch


@dataclass(frozen=True)
class Program:
    """model: of whether it is mended. data: a batch, of a generator and the same. rates: faulty, mended."""

    model: Callable[[bool], nn.Module]
    data: Callable[[torch.Generator, bool], tuple]
    rates: tuple[float, float]
    steps: int
    cause: str
    loss: Callable[..., Tensor] = F.cross_entropy


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


class Reader(nn.Module):
    """Reads a strip of symbols from left to right; answers [steps, batch, symbols and a blank]."""

    def __init__(self):
        super().__init__()
        self.see, self.name = nn.Sequential(nn.Linear(5, 32), nn.ReLU()), nn.Linear(32, 6)

    def forward(self, x):
        return self.name(self.see(x)).log_softmax(2).transpose(0, 1)


class Mean(nn.Module):
    def forward(self, x):
        return x.mean(1)


def deep(mended):
    """Many layers as torch draws them: the signal fades by a half in each. Mended they are drawn as He does."""
    sizes = [12, *[48] * 24]
    layers = [nn.Linear(*pair) for pair in pairwise(sizes)]
    for layer in layers if mended else ():
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU())), nn.Linear(48, 6))


def transformer(mended):
    layer = nn.TransformerEncoderLayer(48, 4, 96, dropout=0.0, batch_first=True)
    body = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
    return nn.Sequential(nn.Embedding(200, 48), body, Mean(), nn.Linear(48, 4))


def points(generator, mended):
    kind = torch.randint(0, 6, (32,), generator=generator)
    return F.one_hot(kind, 12).float() + 0.3 * torch.randn(32, 12, generator=generator), (kind,)


def words(generator, mended):
    x = torch.randint(0, 300, (64,), generator=generator)
    return x, ((x + 1) % 300,)


def sentences(generator, mended):
    subject = torch.randint(0, 4, (32,), generator=generator)
    x = torch.randint(40, 200, (32, 16), generator=generator)
    x[:, :3] = subject[:, None] * 10 + torch.randint(0, 10, (32, 3), generator=generator)
    return x, (subject,)


def strips(generator, mended):
    """Eight places, and labels of three symbols; a faulty batch in eight has one of ten, which no alignment holds."""
    long = not mended and bool(torch.rand(1, generator=generator) < 0.125)
    lengths = torch.full((16,), 3)
    symbols = torch.randint(1, 6, (16, 3), generator=generator)
    place = torch.tensor([1, 3, 6])
    x = 0.1 * torch.randn(16, 8, 5, generator=generator)
    x[:, place] += F.one_hot(symbols - 1, 5)
    labels = F.pad(symbols, (0, 7))
    if long:
        lengths[0], labels[0] = 10, torch.randint(1, 6, (10,), generator=generator)
    return x, (labels, torch.full((16,), 8), lengths)


PROGRAMS = {
    "sign": Program(Codes, points, (1e-3, 3e-3), 600, "disconnected_graph"),
    "tied embedding": Program(Tied, words, (1e-4, 3e-3), 150, "poor_initialization"),
    "labels too long for CTC": Program(lambda _: Reader(), strips, (4e-3, 4e-3), 200, "invalid_labels", F.ctc_loss),
    "a signal that fades": Program(deep, points, (1e-3, 1e-3), 300, "vanishing_gradients"),
    "bold first steps": Program(transformer, sentences, (2e-2, 1e-3), 300, "learning_rate_too_high"),
}


def causes(log_dir, program, mended):
    torch.manual_seed(2)
    model = program.model(mended)
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(model.parameters(), program.rates[mended])
    with watch(model, optimizer, log_dir):
        for _ in range(program.steps):
            x, targets = program.data(generator, mended)
            optimizer.zero_grad()
            program.loss(model(x), *targets).backward()
            optimizer.step()
    return next(iter(diagnose(log_dir).values())).causes


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_it_is_named_first_and_its_twin_is_not_accused(tmp_path, program):
    assert causes(tmp_path / "faulty", program, mended=False)[0].id == program.cause
    assert all(one.severity == "note" for one in causes(tmp_path / "mended", program, mended=True))
