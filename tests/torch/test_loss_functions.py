"""Torch's loss functions are heard by whatever name they are called, and nobody notices."""

import pickle
from contextlib import contextmanager

import pytest
import torch
from recording.reading import Records
from recording.torch_loops import batches
from torch import nn
from torch.nn import functional as F
from torch.nn.functional import mse_loss as taken_before

from tb_lossdiag.torch import watch
from tb_lossdiag.torch.loss_functions import CLASSES, hear, unhear

X = torch.zeros(4, 3, requires_grad=True)
Y, LABELS, SIGNS = torch.ones(4, 3), torch.tensor([0, 2, 1, 1]), torch.tensor([1.0, -1.0, 1.0, 1.0])


class Hearer:
    def __init__(self):
        self.calls = []

    def heard(self, name, function, arguments):
        self.calls.append((name, function, arguments))


@contextmanager
def hearing():
    hearer = Hearer()
    hear(hearer)
    yield hearer.calls
    unhear(hearer)


CALLS = {
    "binary_cross_entropy": lambda: F.binary_cross_entropy(X.sigmoid(), Y),
    "binary_cross_entropy_with_logits": lambda: F.binary_cross_entropy_with_logits(X, Y),
    "cosine_embedding_loss": lambda: F.cosine_embedding_loss(X, Y, SIGNS),
    "cross_entropy": lambda: F.cross_entropy(X, LABELS),
    "ctc_loss": lambda: F.ctc_loss(X[:, None], LABELS[None, :1], torch.tensor([4]), torch.tensor([1])),
    "gaussian_nll_loss": lambda: F.gaussian_nll_loss(X, Y, Y),
    "hinge_embedding_loss": lambda: F.hinge_embedding_loss(X, Y),
    "huber_loss": lambda: F.huber_loss(X, Y),
    "kl_div": lambda: F.kl_div(X, Y, reduction="batchmean"),
    "l1_loss": lambda: F.l1_loss(X, Y),
    "margin_ranking_loss": lambda: F.margin_ranking_loss(X[:, 0], Y[:, 0], SIGNS),
    "mse_loss": lambda: F.mse_loss(X, Y),
    "multi_margin_loss": lambda: F.multi_margin_loss(X, LABELS),
    "multilabel_margin_loss": lambda: F.multilabel_margin_loss(X, Y.long()),
    "multilabel_soft_margin_loss": lambda: F.multilabel_soft_margin_loss(X, Y),
    "nll_loss": lambda: F.nll_loss(X, LABELS),
    "poisson_nll_loss": lambda: F.poisson_nll_loss(X, Y),
    "smooth_l1_loss": lambda: F.smooth_l1_loss(X, Y),
    "soft_margin_loss": lambda: F.soft_margin_loss(X, Y),
    "triplet_margin_loss": lambda: F.triplet_margin_loss(X, Y, 2 * Y),
    "triplet_margin_with_distance_loss": lambda: F.triplet_margin_with_distance_loss(X, Y, 2 * Y),
}


@pytest.mark.parametrize("name", CLASSES)
def test_each_is_heard_once_with_its_arguments(name):
    with hearing() as calls:
        CALLS[name]()
    [(heard, function, arguments)] = calls
    assert (heard, function) == (name, getattr(F, name))
    function(**arguments)


def test_one_is_heard_by_a_name_taken_before_by_its_module_and_inside_a_model():
    with hearing() as calls:
        taken_before(X, Y)
        nn.MSELoss(reduction="sum")(X, Y)
    assert [name for name, _, _ in calls] == ["mse_loss", "mse_loss"]
    assert calls[1][2]["reduction"] == "sum"


def test_nothing_changes_for_whoever_holds_compares_or_pickles_one():
    before, question = F.mse_loss, F.has_torch_function_variadic
    with hearing():
        assert F.mse_loss is before
        assert pickle.loads(pickle.dumps(before)) is before
    assert F.has_torch_function_variadic is question


def test_neither_what_has_no_gradient_nor_what_is_compiled_is_heard():
    with hearing() as calls:
        with torch.no_grad():
            F.mse_loss(X, Y)
        compiled = torch.compile(lambda x: F.mse_loss(x, Y), backend="aot_eager", fullgraph=True)
        assert compiled(X).item() == 1.0
    assert calls == []


class Drops(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.drop, self.last = nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 3)

    def forward(self, x):
        hidden = F.dropout(self.drop(self.first(x)), 0.95, self.training)
        return self.last(F.dropout(hidden, 0.9, training=False))


def test_a_dropout_called_as_a_function_is_on_the_card_and_a_layers_is_not_there_twice(tmp_path):
    model = Drops()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, tmp_path):
        for x, y in batches(2):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    assert Records(tmp_path).card.settings["dropouts"] == [0.95]
