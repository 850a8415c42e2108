"""Whether the examples of a batch run into each other is asked of a copy of the model, once."""

import pytest
import torch
from recording.reading import Records
from torch import nn
from torch.nn import functional as F

from tb_lossdiag import diagnose
from tb_lossdiag.torch import watch
from tb_lossdiag.torch.evaluation import Batch
from tb_lossdiag.torch.mixing import mixing

X = torch.randn(16, 12, 4, generator=torch.Generator().manual_seed(1))


class Reads(nn.Module):
    """Rows of a sequence by a recurrent layer, and what `read` makes of the input and of its outputs."""

    def __init__(self, read, layer=None):
        super().__init__()
        self.layer, self.head = layer or nn.GRU(4, 8, batch_first=True), nn.Linear(8, 3)
        self.read = read

    def forward(self, x):
        return self.read(self, x)


def last(model, x):
    return model.head(model.layer(x)[0][:, -1])


def along_the_batch(model, x):
    return model.head(model.layer(x)[0][:, -1])


def viewed(model, x):
    return model.head(model.layer(x.view(x.shape[1], x.shape[0], 4))[0][-1])


def permuted(model, x):
    return model.head(model.layer(x.permute(1, 0, 2))[0][-1])


def asked(model, x=X):
    return mixing(model, Batch((x,), {}), len(x))


@pytest.mark.parametrize(
    ("model", "layer", "at"),
    [
        (Reads(along_the_batch, nn.GRU(4, 8)), "layer", "output"),
        (Reads(viewed, nn.GRU(4, 8)), "head", "input"),
        (Reads(lambda model, x: F.log_softmax(last(model, x), dim=0)), "", "output"),
        (Reads(lambda model, x: last(model, x - x.mean(0))), "layer", "input"),
    ],
    ids=["no batch_first", "view for permute", "softmax over the batch", "less the mean of the batch"],
)
def test_a_model_that_mixes_examples_is_known_and_where_it_begins(model, layer, at):
    assert asked(model) == {"mixed": True, "layer": layer, "at": at}


@pytest.mark.parametrize(
    "model",
    [
        Reads(last),
        Reads(permuted, nn.GRU(4, 8)),
        nn.Sequential(nn.Flatten(), nn.Linear(48, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 2)),
        nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), 1),
        nn.Sequential(nn.Conv1d(12, 6, 3), nn.InstanceNorm1d(6), nn.GroupNorm(2, 6), nn.Softmax(1)),
    ],
    ids=["recurrent", "permuted", "batch norm", "attention", "norms of one example"],
)
def test_a_model_that_keeps_its_examples_apart_is_trusted(model):
    assert asked(model) == {"mixed": False}


def test_steps_in_front_of_the_examples_may_mix():
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8), 1, enable_nested_tensor=False)
    assert asked(encoder, X) == {"mixed": False}
    assert asked(Reads(lambda model, x: model.head(model.layer(x)[0]), nn.GRU(4, 8))) == {"mixed": False}
    last_step = Reads(lambda model, x: model.head(model.layer(x)[0][-1]), nn.GRU(4, 8))
    assert asked(last_step, torch.randn(16, 16, 4)) is None


class Noisy(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))

    def forward(self, x):
        return self.weight * x + torch.randn_like(x)


class WithNeighbours(Noisy):
    def forward(self, x, edges):
        return self.weight * x[edges].sum(1)


def test_what_cannot_be_told_is_not_told():
    assert asked(Noisy()) is None
    edges = torch.zeros(20, 2, dtype=torch.long)
    assert mixing(WithNeighbours(), Batch((X, edges), {}), 16) is None
    assert asked(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(12, track_running_stats=False))) is None
    assert asked(Reads(last), X[:4]) is None
    hooked = Reads(last)
    hooked.layer.register_forward_hook(lambda *_: None)
    assert asked(hooked) is None


class Remembers(Reads):
    """Changes a tensor of its own in place, which is no buffer, and counts its passes."""

    def __init__(self):
        super().__init__(last)
        self.memory, self.passes = torch.zeros(3), [0]

    def forward(self, x):
        self.passes[0] += 1
        output = super().forward(x)
        self.memory += output.detach().sum(0)
        return output


def trained(model, log_dir=None, steps=4):
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    def loop():
        for _ in range(steps):
            optimizer.zero_grad()
            F.cross_entropy(model(X), torch.arange(16) % 3).backward()
            optimizer.step()

    if log_dir is None:
        loop()
        return model
    with watch(model, optimizer, log_dir, every=1):
        loop()
    return model


def test_asking_leaves_nothing_behind(tmp_path):
    torch.manual_seed(3)
    plain, recorded = Remembers(), Remembers()
    recorded.load_state_dict(plain.state_dict())
    trained(plain)
    trained(recorded, tmp_path)
    assert recorded.passes == plain.passes == [4] and torch.equal(recorded.memory, plain.memory)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), recorded.parameters(), strict=True))


def test_the_card_tells_it_and_the_diagnosis_names_it(tmp_path):
    torch.manual_seed(3)
    model = Reads(lambda model, x: F.log_softmax(last(model, x), dim=0))
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    generator = torch.Generator().manual_seed(2)
    with watch(model, optimizer, tmp_path):
        for _ in range(300):
            x, y = torch.randn(32, 12, 4, generator=generator), torch.randint(0, 3, (32,), generator=generator)
            x[:, :, 0] += 2.0 * y[:, None]
            optimizer.zero_grad()
            F.nll_loss(model(x), y).backward()
            optimizer.step()
    assert Records(tmp_path).card.settings["mixing"] == {"mixed": True, "layer": "", "at": "output"}
    first = next(iter(diagnose(tmp_path).values())).causes[0]
    assert first.id == "mixed_examples" and "softmax" in first.fix.text
