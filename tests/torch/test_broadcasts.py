"""Predictions and targets of different rank that met in a loss are told, and pairs that somebody meant are not."""

import pytest
import torch
from recording.reading import Records
from torch import nn
from torch.nn import functional as F
from torch.nn.functional import mse_loss as taken_before
from torch.utils.checkpoint import checkpoint

from tb_lossdiag.torch import watch

B = 8
X = torch.randn(B, 4, generator=torch.Generator().manual_seed(1))
Y = X.sum(1)


def told(log_dir, loss, model=None, x=X):
    """The card's broadcasts of one step with this loss of what the model gives."""
    model = model or nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, log_dir):
        loss(model(x)).backward()
        optimizer.step()
    return Records(log_dir).card.settings.get("broadcasts", [])


COLUMN_AND_ROW = {
    "mse_loss": (lambda p: F.mse_loss(p, Y), "mse_loss"),
    "the other way round": (lambda p: F.mse_loss(p[:, 0], Y[:, None]), "mse_loss"),
    "a module": (lambda p: nn.SmoothL1Loss()(p, Y), "smooth_l1_loss"),
    "l1_loss": (lambda p: F.l1_loss(p, Y), "l1_loss"),
    "a name taken before": (lambda p: taken_before(p, Y), "mse_loss"),
    "a difference": (lambda p: ((p - Y) ** 2).mean(), "sub"),
    "a difference turned round": (lambda p: (Y - p).abs().mean(), "sub"),
    "a row less a column": (lambda p: (p.squeeze(1) - Y[:, None]).pow(2).mean(), "sub"),
    "a chosen output": (lambda p: (p.gather(1, torch.zeros(B, 1, dtype=torch.long)) - Y).pow(2).mean(), "sub"),
    "a product": (lambda p: -(p[:, 0] * Y[:, None]).mean(), "mul"),
    "a log-likelihood": (lambda p: -(Y * p.sigmoid().log()).mean(), "mul"),
}


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("case", COLUMN_AND_ROW)
def test_a_column_against_a_row_is_told(tmp_path, case):
    loss, operation = COLUMN_AND_ROW[case]
    [broadcast] = told(tmp_path, loss)
    assert broadcast["operation"] == operation
    assert sorted([broadcast["left"], broadcast["right"]]) == [[B], [B, 1]]
    assert broadcast["result"] == [B, B]
    assert broadcast["where"].startswith("test_broadcasts.py:") or operation in ("sub", "mul") or "taken" in case


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("loss", [F.mse_loss, lambda p, m: (p * m).sum() / B], ids=["mse_loss", "by hand"])
def test_images_against_masks_without_their_channel_are_told(tmp_path, loss):
    masks = torch.ones(B, 5, 5)
    [broadcast] = told(tmp_path, lambda p: loss(p, masks), nn.Conv2d(1, 1, 1), torch.ones(B, 1, 5, 5))
    assert (broadcast["left"], broadcast["right"], broadcast["result"]) == (
        [B, 1, 5, 5],
        [B, 5, 5],
        [B, B, 5, 5],
    )


RISKS = (Y[:, None] >= Y).float()


class Attention(nn.Module):
    """Scores of each with each, masked, in the model itself."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.out = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 1)

    def forward(self, x):
        scores = self.q(x) @ self.k(x).T + torch.zeros(B, B).fill_diagonal_(-9.0)
        return self.out(scores.softmax(-1) @ x)


HEALTHY = {
    "one form": lambda p: F.mse_loss(p, Y[:, None]),
    "one form by hand": lambda p: ((p[:, 0] - Y) ** 2).mean(),
    "a number": lambda p: ((p - 1.0) ** 2).mean(),
    "one target for all": lambda p: ((p - torch.ones(1)) ** 2).mean(),
    "weights by class": lambda p: (torch.cat([p, p], 1) * torch.tensor([0.3, 0.7])).mean(),
    "pairs of outputs": lambda p: F.softplus(p - p.T).mean(),
    "pairs of outputs of two ranks": lambda p: F.softplus(p[:, None, 0] - p[:, 0]).mean(),
    "a survival model's risk sets": lambda p: -(p[:, 0] - (p[:, 0].exp() * RISKS).sum(1).log()).mean(),
    "pairs with targets on purpose": lambda p: (p[:, 0].unsqueeze(1) - Y).abs().mean(),
    "the nearest target": lambda p: (p - Y).abs().amin(1).mean(),
    "thresholds": lambda p: F.softplus(p - torch.arange(3.0)).mean(),
    "labels of classes": lambda p: F.cross_entropy(torch.cat([p, -p], 1), (Y > 0).long()),
}


@pytest.mark.parametrize("case", HEALTHY)
def test_what_somebody_meant_is_not_told(tmp_path, case):
    assert told(tmp_path, HEALTHY[case]) == []


def test_attention_is_not_told(tmp_path):
    assert told(tmp_path, lambda p: ((p[:, 0] - Y) ** 2).mean(), Attention()) == []


def test_of_one_example_nothing_is_told(tmp_path):
    assert told(tmp_path, lambda p: ((p - Y[:1]) ** 2).mean(), x=X[:1]) == []


def test_a_checkpointed_loss_is_not_unpacked_by_us(tmp_path):
    broadcasts = told(tmp_path, lambda p: checkpoint(lambda q: (q * Y).mean(), p, use_reentrant=False))
    assert broadcasts == []


def test_a_derivative_against_an_input_that_has_a_gradient_itself_is_told(tmp_path):
    def loss(p):
        (slope,) = torch.autograd.grad(p.sum(), inputs, create_graph=True)
        return (slope[:, :1] + inputs.sin()[:, 0]).pow(2).mean()

    inputs = X.clone().requires_grad_(True)
    [broadcast] = told(tmp_path, loss, nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)), inputs)
    assert (broadcast["operation"], broadcast["left"], broadcast["right"]) == ("add", [B, 1], [B])


def test_an_output_beside_another_of_the_model_is_not_told(tmp_path):
    model = nn.Linear(4, 1)
    assert told(tmp_path, lambda p: (p + model(X)[:, 0]).pow(2).mean(), model) == []
