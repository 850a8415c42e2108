"""How hard each part of a loss pulls at the shared weights is what autograd says when it is asked; nobody notices."""

import copy
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from recording.reading import Records
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from tb_lossdiag.torch import watch
from tb_lossdiag.torch.pulls import AFTER, APART, HOOKED, KEPT, MANY, MOST_PARTS, PYTHON, UNSHARED

X = torch.randn(16, 4, generator=torch.Generator().manual_seed(1))
KINDS, SIZES = torch.arange(16) % 3, X[:, :1] * 100.0


class Net(nn.Module):
    """Two heads on a trunk with dropout and a batch norm."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.trunk = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.3))
        self.kind, self.size = nn.Linear(8, 3), nn.Linear(8, 1)

    def forward(self, x):
        x = self.trunk(x)
        return self.kind(x), self.size(x)


def parts_of(model):
    kind, size = model(X)
    return F.cross_entropy(kind, KINDS), F.mse_loss(size, SIZES)


def told_with_weight(model, told):
    kind, size = parts_of(model)
    told(kind=kind, size=size)
    return kind + 0.01 * size


def trained(log_dir, step=told_with_weight, model=None, steps=2, backward=torch.Tensor.backward):
    """(the model, its optimizer) after some steps, which are recorded where there is a log_dir."""
    model = Net() if model is None else model
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)

    def loop(told):
        for _ in range(steps):
            optimizer.zero_grad()
            backward(step(model, told))
            optimizer.step()

    if log_dir is None:
        loop(lambda **terms: None)
    else:
        with watch(model, optimizer, log_dir, every=1) as watcher:
            loop(watcher.loss_terms)
    return model, optimizer


def same(first, second):
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def pulls(log_dir):
    records = Records(log_dir)
    assert records.events("recording_stopped") == []
    return {row.name: records.data(row.name, "gradient_norm") for row in records.card.data_rows if row.kind == "loss"}


def reason(log_dir):
    assert all(np.isnan(of_term).all() for of_term in pulls(log_dir).values())
    return Records(log_dir).card.settings.get("pull_not_measured")


def by_hand(model, *weights):
    """The norm of each part's gradient at the trunk, times its weight in the sum, for the first step."""
    torch.manual_seed(0)
    shared = list(model.trunk.parameters())
    found = []
    for part, weight in zip(parts_of(model), weights, strict=True):
        gradients = torch.autograd.grad(weight * part, shared, retain_graph=True)
        found.append(float(torch.cat([gradient.flatten() for gradient in gradients]).norm()))
    return found


def test_the_norms_are_of_the_terms_as_they_count_and_the_training_is_the_same(tmp_path):
    bare, _ = trained(None)
    model, _ = trained(tmp_path)
    assert same(bare, model)
    found = pulls(tmp_path)
    assert [found["loss:kind"][0], found["loss:size"][0]] == pytest.approx(by_hand(Net(), 1.0, 0.01), rel=1e-5)
    assert np.isnan([found["loss:kind"][1], found["loss:size"][1]]).all()  # at the rate of histograms
    assert "pull_not_measured" not in Records(tmp_path).card.settings


def test_terms_may_be_told_one_by_one_and_with_others_that_have_no_gradient(tmp_path):
    def step(model, told):
        kind, size = parts_of(model)
        told(kind=kind)
        told(size=size, error=size.detach(), share=0.5)
        return kind + 0.01 * size

    trained(tmp_path, step)
    found = {name: of_term[0] for name, of_term in pulls(tmp_path).items()}
    assert [found["loss:kind"], found["loss:size"]] == pytest.approx(by_hand(Net(), 1.0, 0.01), rel=1e-5)
    assert np.isnan([found["loss:error"], found["loss:share"]]).all()


def test_outputs_whose_losses_are_recognised_have_them_where_no_terms_are_told(tmp_path):
    def step(model, told):
        kind, size = parts_of(model)
        return kind + 0.01 * size

    bare, _ = trained(None, step)
    model, _ = trained(tmp_path, step)
    assert same(bare, model)
    records = Records(tmp_path)
    rows = [row.name for row in records.card.data_rows if row.kind == "prediction"]
    found = [records.data(row, "gradient_norm")[0] for row in rows]
    assert found == pytest.approx(by_hand(Net(), 1.0, 0.01), rel=1e-5)


def test_what_a_scaler_multiplies_is_divided_by_it(tmp_path):
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)

    def step(model, told):
        return scaler.scale(told_with_weight(model, told))

    trained(tmp_path, step)
    found = [of_term[0] for of_term in pulls(tmp_path).values()]
    assert found == pytest.approx(by_hand(Net(), 1.0, 0.01), rel=1e-4)


def test_of_gradients_that_are_added_up_the_first_batch_counts(tmp_path):
    def backward(loss):
        loss.backward()
        told_with_weight(model, watcher.loss_terms).backward()

    model = Net()
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    with watch(model, optimizer, tmp_path, every=1) as watcher:
        backward(told_with_weight(model, watcher.loss_terms))
        optimizer.step()
    found = [of_term[0] for of_term in pulls(tmp_path).values()]
    assert found == pytest.approx(by_hand(Net(), 1.0, 0.01), rel=1e-5)


def test_a_loss_that_is_differentiated_twice_is_differentiated_twice(tmp_path):
    def step(model, told):
        x = X.clone().requires_grad_()
        kind, size = model(x)
        (slope,) = torch.autograd.grad(size.sum(), x, create_graph=True)
        parts = {"kind": F.cross_entropy(kind, KINDS), "slope": slope.square().mean()}
        told(**parts)
        return sum(parts.values())

    bare, _ = trained(None, step)
    model, _ = trained(tmp_path, step)
    assert same(bare, model)
    assert all(of_term[0] > 0 for of_term in pulls(tmp_path).values())


def test_a_sum_that_is_told_beside_its_terms_is_left_out(tmp_path):
    def step(model, told):
        kind, size = parts_of(model)
        loss = kind + 0.01 * size
        told(kind=kind, size=size, all=loss)
        return loss

    trained(tmp_path, step)
    found = {name: of_term[0] for name, of_term in pulls(tmp_path).items()}
    assert np.isnan(found["loss:all"])
    assert [found["loss:kind"], found["loss:size"]] == pytest.approx(by_hand(Net(), 1.0, 0.01), rel=1e-5)


def told_after(model, told):
    kind, size = parts_of(model)
    (kind + size).backward()
    told(kind=kind, size=size)
    return (0.0 * model.size.weight).sum()


def told_as_numbers(model, told):
    kind, size = parts_of(model)
    told(kind=kind.item(), size=size.item())
    return kind + size


def told_as_multiples(model, told):
    kind, size = parts_of(model)
    told(kind=1.0 * kind, size=0.01 * size)
    return kind + 0.01 * size


def added_in_place(model, told):
    kind, size = parts_of(model)
    told(kind=kind, size=size)
    kind += size
    return kind


def many_terms(model, told):
    parts = {f"part_{place}": part for place, part in enumerate(model(X)[0].square().mean(0).repeat(4))}
    assert len(parts) > MOST_PARTS
    told(**parts)
    return sum(parts.values())


def nothing_shared(model, told):
    parts = {"kind": model.kind.weight.square().sum(), "size": model.size.weight.square().sum()}
    told(**parts)
    return sum(parts.values())


UNTOLD = {
    "after the backward pass": (told_after, AFTER),
    "as multiples": (told_as_multiples, APART),
    "very many": (many_terms, MANY),
    "without shared weights": (nothing_shared, UNSHARED),
}


@pytest.mark.parametrize("name", UNTOLD)
def test_what_cannot_be_measured_is_left_out_and_the_reason_is_told(tmp_path, name):
    step, expected = UNTOLD[name]
    bare, _ = trained(None, step)
    model, _ = trained(tmp_path, step)
    assert same(bare, model)
    assert reason(tmp_path) == expected


@pytest.mark.parametrize("step", [told_as_numbers, added_in_place])
def test_numbers_and_what_has_become_another_are_no_terms_to_differentiate(tmp_path, step):
    bare, _ = trained(None, step)
    model, _ = trained(tmp_path, step)
    assert same(bare, model)
    assert all(np.isnan(of_term).all() for of_term in pulls(tmp_path).values())


class Twice(torch.autograd.Function):
    """Counts how often it is differentiated."""

    calls = 0

    @staticmethod
    def forward(ctx, x):
        return x * 1.0

    @staticmethod
    def backward(ctx, gradient):
        Twice.calls += 1
        return gradient


def nothing(model, seen):
    """Before the training."""


def hook_on_parameter(model, seen):
    model.trunk[0].weight.register_hook(lambda gradient: seen.append(gradient.clone()))


def hook_on_module(model, seen):
    model.trunk[2].register_full_backward_hook(lambda module, into, out: seen.append(out[0].clone()))


def plain_trunk(model, seen):
    return model.trunk(X)


def hooked_output(model, seen):
    trunk = model.trunk(X)
    trunk.register_hook(lambda gradient: seen.append(gradient.clone()))
    return trunk


def retained_output(model, seen):
    trunk = model.trunk(X)
    trunk.retain_grad()
    model.kept = [trunk]  # a list, so that it is no parameter
    return trunk


def custom_function(model, seen):
    return Twice.apply(model.trunk(X))


def checkpointed(model, seen):
    return checkpoint(model.trunk, X, use_reentrant=False)


def checkpointed_in_the_old_way(model, seen):
    return checkpoint(model.trunk, X.clone().requires_grad_(), use_reentrant=True)


WATCHED = {
    "a hook on a tensor": (nothing, hooked_output, HOOKED),
    "a gradient that is kept": (nothing, retained_output, HOOKED),
    "a hook on a parameter": (hook_on_parameter, plain_trunk, HOOKED),
    "a hook on a module": (hook_on_module, plain_trunk, PYTHON),
    "a function of ones own": (nothing, custom_function, PYTHON),
    "a checkpoint": (nothing, checkpointed, KEPT),
    "a checkpoint of the old kind": (nothing, checkpointed_in_the_old_way, PYTHON),
}


@pytest.mark.parametrize("name", WATCHED)
def test_where_somebody_would_notice_nothing_is_measured(tmp_path, name):
    prepare, through, expected = WATCHED[name]

    def run(log_dir):
        seen, Twice.calls, model = [], 0, Net()
        prepare(model, seen)

        def step(model, told):
            trunk = through(model, seen)
            kind, size = F.cross_entropy(model.kind(trunk), KINDS), F.mse_loss(model.size(trunk), SIZES)
            told(kind=kind, size=size)
            return kind + size

        trained(log_dir, step, model)
        kept = getattr(model, "kept", [])
        return model, [*seen, *(tensor.grad for tensor in kept)], Twice.calls

    (bare, heard, calls), (model, recorded, recorded_calls) = run(None), run(tmp_path)
    assert same(bare, model)
    assert len(heard) == len(recorded) and all(map(torch.equal, heard, recorded))
    assert calls == recorded_calls
    assert reason(tmp_path) == expected


def test_a_way_of_ones_own_to_keep_tensors_is_not_asked_once_more(tmp_path):
    def run(log_dir):
        unpacked = []

        def unpack(tensor):
            unpacked.append(1)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(lambda tensor: tensor, unpack):
            model, _ = trained(log_dir)
        return model, len(unpacked)

    (bare, count), (model, recorded) = run(None), run(tmp_path)
    assert same(bare, model) and count == recorded
    assert reason(tmp_path) == KEPT


@pytest.mark.parametrize("anomaly", [False, True])
@pytest.mark.filterwarnings("ignore:Anomaly Detection")
def test_while_autograd_looks_for_anomalies_it_is_left_alone(tmp_path, anomaly):
    with torch.autograd.detect_anomaly(check_nan=True) if anomaly else nullcontext():
        trained(tmp_path)
    assert bool(Records(tmp_path).card.settings.get("pull_not_measured")) is anomaly


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_compiled_model_is_left_alone(tmp_path):
    def run(log_dir):
        torch.compiler.reset()
        return trained(log_dir, model=torch.compile(Net(), backend="aot_eager"))[0]

    assert same(run(None), run(tmp_path))
    assert reason(tmp_path) == PYTHON


def test_a_step_with_a_closure_is_measured_at_its_first_call(tmp_path):
    model = Net()
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, tmp_path, every=1) as watcher:

        def closure():
            optimizer.zero_grad()
            loss = told_with_weight(model, watcher.loss_terms)
            loss.backward()
            return loss

        optimizer.step(closure)
    found = [of_term[0] for of_term in pulls(tmp_path).values()]
    assert found == pytest.approx(by_hand(Net(), 1.0, 0.01), rel=1e-5)


def test_sparse_gradients_are_added_up_before_their_norm(tmp_path):
    class Lookup(Net):
        def __init__(self):
            super().__init__()
            self.trunk = nn.Embedding(3, 8, sparse=True)

        def forward(self, x):
            x = self.trunk(KINDS)
            return self.kind(x), self.size(x)

    model = Lookup()
    exact = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, tmp_path, every=1) as watcher:
        told_with_weight(model, watcher.loss_terms).backward()
        optimizer.step()
    parts = parts_of(exact)
    expected = [
        float(torch.autograd.grad(weight * part, exact.trunk.weight, retain_graph=True)[0].to_dense().norm())
        for part, weight in zip(parts, (1.0, 0.01), strict=True)
    ]
    assert [of_term[0] for of_term in pulls(tmp_path).values()] == pytest.approx(expected, rel=1e-5)
