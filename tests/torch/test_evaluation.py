"""The batch's loss in evaluation mode, by a pass that leaves nothing behind."""

import copy
import math

import pytest
import torch
from recording.reading import Records
from torch import nn
from torch.nn import functional as F

from tb_lossdiag.torch import watch

X = torch.randn(16, 4, generator=torch.Generator().manual_seed(1))
LABELS = torch.arange(16) % 3


class Net(nn.Module):
    """Dropout, a batch norm, an attribute that a pass sets, and noise."""

    def __init__(self, gives_loss=False):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
        self.gives_loss, self.passes, self.last = gives_loss, 0, None
        self.register_buffer("sum", torch.zeros(()))

    def forward(self, x, labels=None):
        self.passes += 1
        self.last = x + torch.randn_like(x)
        self.sum += 1
        logits = self.body(x)
        return (logits, F.cross_entropy(logits, labels)) if self.gives_loss else logits


def trained(log_dir, model, hook=None, steps=2):
    """(evaluation losses, state, the model)."""
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    if hook:
        model.body[0].register_forward_hook(hook)

    def loop():
        for _ in range(steps):
            optimizer.zero_grad()
            loss = model(X, LABELS)[1] if model.gives_loss else F.cross_entropy(model(X), LABELS)
            loss.backward()
            optimizer.step()

    if log_dir is None:
        loop()
        return None
    with watch(model, optimizer, log_dir, every=1):
        loop()
    return Records(log_dir).column("evaluation_loss")


@pytest.mark.parametrize("gives_loss", [False, True], ids=["logits", "the loss too"])
def test_the_evaluation_loss_is_that_of_the_weights_before_the_update(tmp_path, gives_loss):
    torch.manual_seed(3)
    model = Net(gives_loss)
    before, bare = copy.deepcopy(model), copy.deepcopy(model)
    losses = trained(tmp_path, model)
    trained(None, bare)
    torch.manual_seed(0)
    before(X, LABELS)  # a training pass: its moving averages have been updated by then
    before.eval()
    logits = before(X, LABELS)[0] if gives_loss else before(X)
    assert losses[1] == pytest.approx(F.cross_entropy(logits, LABELS).item(), rel=1e-5)
    assert math.isnan(losses[2])  # at the rate of histograms
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), bare.state_dict().values(), strict=True))
    assert model.passes == bare.passes == 2 and model.training and torch.equal(model.last, bare.last)


def test_no_pass_is_made_where_a_users_hook_would_be_called(tmp_path):
    seen = []
    losses = trained(tmp_path, Net(), hook=lambda *passed: seen.append(passed))
    assert math.isnan(losses[1])
    assert len(seen) == 2


def test_no_pass_is_made_of_a_model_that_does_the_same_in_both_modes(tmp_path):
    model = Net()
    model.body = nn.Sequential(nn.Linear(4, 3))
    assert math.isnan(trained(tmp_path, model)[1])


def test_a_model_that_raises_in_evaluation_mode_goes_on_training(tmp_path):
    class Fragile(Net):
        def forward(self, x):
            if not self.training:
                raise ValueError("not now")
            return super().forward(x)

    model = Fragile()
    assert math.isnan(trained(tmp_path, model)[1])
    assert model.training and model.body[3].training
