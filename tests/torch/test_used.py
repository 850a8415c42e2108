"""Of a model that is called several times a step, those calls count that the gradients came from."""

import math

import numpy as np
import pytest
import torch
from recording.reading import Records
from recording.torch_loops import batches, mlp
from torch import nn
from torch.nn import functional as F

from tb_lossdiag.torch import watch

G = torch.Generator().manual_seed(1)


def test_of_an_equation_and_its_boundary_the_larger_batch_is_shown(tmp_path):
    model = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, tmp_path, every=1):
        for _ in range(2):
            x = (300 * torch.randn(50, 1, generator=G)).requires_grad_()
            y = model(x)
            slope = torch.autograd.grad(y.sum(), x, create_graph=True)[0]
            start = model(torch.zeros(1, 1))
            loss = (slope + y).pow(2).mean() + (start - 1).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    records = Records(tmp_path)
    assert records.card.settings["calls_per_step"] == 2
    assert records.card.batch_size == 50
    assert (records.data("input:input", "max") > 100).all()
    assert [row.name for row in records.card.data_rows] == ["input:input", "prediction:prediction"]


def test_micro_batches_of_one_form_are_one_batch(tmp_path):
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    x, y = torch.randn(16, 4, generator=G), torch.arange(16.0)[:, None]
    with watch(model, optimizer, tmp_path):
        for part in (slice(0, 8), slice(8, 16)):
            F.mse_loss(model(x[part]), y[part]).backward()
        optimizer.step()
    assert Records(tmp_path).data("target:target", "mean")[0] == 7.5


@pytest.mark.parametrize(
    ("loss", "weighted"),
    [
        (lambda p, y: F.cross_entropy(p, y), False),
        (lambda p, y: F.cross_entropy(p, y, reduction="none").mean(), False),
        (lambda p, y: F.cross_entropy(p, y) + 0.1 * p.square().mean(), True),
        (lambda p, y: (F.cross_entropy(p, y, reduction="none") * torch.linspace(-1, 1, 8)).mean(), True),
        (lambda p, y: F.cross_entropy(p, y) / 4, True),
    ],
    ids=["alone", "averaged by hand", "with a penalty", "by advantage", "divided"],
)
def test_a_recognised_loss_that_is_not_all_of_it_counts_as_weighted(tmp_path, loss, weighted):
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, tmp_path):
        x, y = batches()[0]
        loss(model(x), y).backward()
        optimizer.step()
    assert Records(tmp_path).card.settings["sample_weight"] is weighted


def test_under_a_default_device_a_loss_is_one_call(tmp_path):
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, tmp_path), torch.device("cpu"):
        F.huber_loss(model(torch.ones(8, 4)), torch.ones(8, 1)).backward()
        optimizer.step()
    assert len([row for row in Records(tmp_path).card.data_rows if row.kind == "target"]) == 1


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_what_torch_func_transforms_is_not_looked_at_and_the_step_is_recorded(tmp_path):
    model = nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)

    def loss(weights, x, y):
        return F.cross_entropy(torch.func.functional_call(model, weights, x[None]), y[None])

    with watch(model, optimizer, tmp_path):
        weights = {name: weight.detach() for name, weight in model.named_parameters()}
        each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))
        gradients = each(weights, torch.ones(8, 4), torch.zeros(8, dtype=torch.long))
        for name, weight in model.named_parameters():
            weight.grad = gradients[name].mean(0)
        optimizer.step()
    records = Records(tmp_path)
    assert records.column("gradient_norm")[1] > 0
    assert records.card.data_rows == ()


def test_heads_of_one_form_keep_their_own_rows(tmp_path):
    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(4, 1), nn.Linear(4, 1)

        def forward(self, x):
            return self.first(x), self.second(x)

    model = Heads()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, tmp_path):
        x = torch.randn(8, 4, generator=G)
        first, second = model(x)
        (F.mse_loss(first, torch.zeros(8, 1)) + F.mse_loss(second, torch.ones(8, 1))).backward()
        optimizer.step()
    records = Records(tmp_path)
    assert [records.data(f"target:{name}", "mean")[0] for name in ("target", "target #2")] == [0.0, 1.0]
    assert np.isfinite(records.data("prediction:prediction #2", "loss_shuffled")).all()


def test_a_loss_in_the_models_own_forward_pass_is_recognised_with_the_softmax_before_it(tmp_path):
    class Language(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.out = nn.Embedding(7, 4), nn.Linear(4, 7)

        def forward(self, ids, targets):
            logits = F.softmax(self.out(self.embedding(ids)), dim=-1)
            return logits, F.cross_entropy(logits.view(-1, 7), targets.reshape(-1))

    model = Language()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, tmp_path):
        ids = torch.randint(0, 7, (8, 5), generator=G)
        model(ids, targets=ids)[1].backward()
        optimizer.step()
    card = Records(tmp_path).card
    assert card.loss == {"name": "SparseCategoricalCrossentropy", "from_logits": True, "reads_logits": False}
    assert card.layer("out").activation == "softmax"
    assert (card.batch_size, card.settings["classes"]) == (8, 7)


def test_a_loss_of_another_models_output_does_not_count(tmp_path):
    model, other = mlp(), mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, tmp_path):
        x, y = batches()[0]
        (F.cross_entropy(model(x), y) + F.mse_loss(other(x), torch.zeros(8, 3))).backward()
        optimizer.step()
    records = Records(tmp_path)
    assert records.card.loss["name"] == "SparseCategoricalCrossentropy"
    assert len([row for row in records.card.data_rows if row.kind == "target"]) == 1


def test_eval_left_on_after_a_validation_is_seen(tmp_path):
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, tmp_path, every=1):
        for step, (x, y) in enumerate(batches(5)):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            if step == 1:
                model.eval()
                model(100 * x)
    records = Records(tmp_path)
    assert list(records.column("training_mode").values()) == [1, 1, 0, 0, 0]
    assert np.isfinite(list(records.column("loss").values())).all()
    assert (records.data("input:input", "max") < 100).all()


def test_a_sequences_batch_is_that_of_its_targets(tmp_path):
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.out = nn.LSTM(4, 6), nn.Linear(6, 3)

        def forward(self, x):
            return self.out(self.rnn(x)[0][-1])

    model = Last()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, tmp_path):
        F.cross_entropy(model(torch.randn(11, 5, 4)), torch.tensor([0, 1, 2, 0, 1])).backward()
        optimizer.step()
    assert Records(tmp_path).card.batch_size == 5


def test_a_graph_that_is_differentiated_twice_is_one_call(tmp_path):
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, tmp_path):
        output = model(torch.ones(8, 4))
        output.pow(2).mean().backward(retain_graph=True)
        output.abs().mean().backward()
        optimizer.step()
    records = Records(tmp_path)
    assert [row.name for row in records.card.data_rows] == ["input:input", "prediction:prediction"]
    assert "calls_per_step" not in records.card.settings and records.card.batch_size == 8


def test_of_a_model_that_learns_from_a_copy_of_itself_the_batch_is_shown_not_the_single_states(tmp_path):
    """Q-learning: many single states are looked at between two steps, with and without a gradient."""
    model, target = nn.Linear(4, 2), nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, tmp_path, every=1):
        for _ in range(3):
            for _ in range(6):
                model(torch.full((1, 4), 100.0)).argmax()
            states, actions = torch.randn(32, 4, generator=G), torch.randint(0, 2, (32, 1), generator=G)
            with torch.no_grad():
                goals = target(states).amax(1, keepdim=True)
            optimizer.zero_grad()
            F.smooth_l1_loss(model(states).gather(1, actions), goals).backward()
            optimizer.step()
    records = Records(tmp_path)
    assert records.card.batch_size == 32 and "calls_per_step" not in records.card.settings
    assert (records.data("input:input", "max") < 100).all()
    assert np.isfinite(records.data("prediction:prediction", "loss_shuffled")).all()


def test_all_calls_of_a_decoder_count(tmp_path):
    model = nn.GRUCell(3, 4)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, tmp_path):
        state = torch.zeros(8, 4)
        for _ in range(9):
            state = model(torch.ones(8, 3), state)
        state.pow(2).mean().backward()
        optimizer.step()
    card = Records(tmp_path).card
    assert (card.settings["calls_per_step"], card.batch_size) == (9, 8)


def test_gradients_that_come_without_a_backward_pass_count_the_last_call(tmp_path):
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, tmp_path):
        loss = F.mse_loss(model(torch.ones(8, 4)), torch.ones(8, 1))
        for parameter, gradient in zip(
            model.parameters(), torch.autograd.grad(loss, list(model.parameters())), strict=True
        ):
            parameter.grad = gradient
        optimizer.step()
    records = Records(tmp_path)
    assert records.card.loss["name"] == "MeanSquaredError"
    assert math.isnan(records.column("gradient_carried")[1])
