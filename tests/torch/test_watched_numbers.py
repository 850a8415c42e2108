"""Are the losses, norms and counts of a watched loop those of its steps?"""

import copy

import numpy as np
import pytest
import torch
from recording.reading import Records
from recording.torch_loops import (
    OPTIMIZERS,
    accumulated,
    batches,
    clipped,
    mlp,
    plain,
    scaled,
    validated,
    with_closures,
)
from torch import nn
from torch.nn import functional as F

from tb_lossdiag import schema
from tb_lossdiag.torch import watch


@pytest.mark.parametrize("loop", [plain, scaled, clipped, with_closures, validated])
@pytest.mark.parametrize("loss", ["a loss module", "no loss module"])
def test_the_losses_are_those_of_the_batches(tmp_path, loop, loss):
    criterion, seen = nn.CrossEntropyLoss(), []
    model = mlp()
    handle = criterion.register_forward_hook(lambda module, args, output: seen.append(float(output.detach())))
    loop(model, torch.optim.SGD(model.parameters(), 0.1), criterion)
    handle.remove()
    expected = seen[::2] if loop is validated else seen
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, tmp_path, loss=criterion if loss == "a loss module" else None, every=4):
        loop(model, optimizer, criterion)
    assert list(Records(tmp_path).column("loss").values()) == pytest.approx(expected, rel=1e-6)


def whole_norm(tensors):
    return float(torch.cat([tensor.flatten() for tensor in tensors]).norm())


def test_the_numbers_of_a_step_are_those_of_float64(tmp_path):
    torch.manual_seed(1)
    model, criterion = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    exact = copy.deepcopy(model).double()
    (x, y), *_ = batches()
    with watch(model, optimizer, tmp_path, loss=criterion):
        criterion(model(x), y).backward()
        optimizer.step()
    hidden = exact[1](exact[0](x.double()))
    loss = criterion(exact[2](hidden), y)
    loss.backward()
    loss, hidden = loss.detach(), hidden.detach()
    gradients, weights = [p.grad for p in exact.parameters()], [p.detach() for p in exact.parameters()]
    records = Records(tmp_path)
    for name, value in {
        "loss": float(loss),
        "learning_rate": 0.1,
        "gradient_norm": whole_norm(gradients),
        "update_norm": 0.1 * whole_norm(gradients),
        "weight_norm": whole_norm(weights),
        "gradient_nonfinite": 0,
    }.items():
        assert records.column(name)[1] == pytest.approx(value, rel=1e-5), name
    assert [row.name for row in records.card.rows] == ["0/weight", "0/bias", "0", "1", "2/weight", "2/bias", "2"]
    assert records.cell("2/weight", "gradient_norm") == pytest.approx(float(gradients[2].norm()), rel=1e-5)
    assert records.cell("0/bias", "update_ratio") == pytest.approx(
        0.1 * float(gradients[1].norm() / weights[1].norm()), rel=1e-4
    )
    assert records.cell("1", "activation_std") == pytest.approx(float(hidden.std(correction=0)), rel=1e-5)
    assert records.data("input:input", "mean") == pytest.approx(float(x.double().mean()), rel=1e-5)
    share = torch.bincount(y, minlength=3) / 8
    assert records.of(schema.TARGETS)[0][1][:, 0] == pytest.approx(share.tolist())
    halves = []
    for part in (slice(0, 4), slice(4, 8)):
        model_ = copy.deepcopy(exact)
        model_.zero_grad()
        criterion(model_(x[part].double()), y[part]).backward()
        halves.append(model_[2].weight.grad.flatten())
    cosine = float(torch.cosine_similarity(*halves, dim=0))
    assert records.column("gradient_agreement")[1] == pytest.approx(cosine, rel=1e-4)


@pytest.mark.parametrize("name", ["SGD", "fused AdamW"])
def test_scaled_gradients_are_recorded_unscaled_with_their_scale(tmp_path_factory, name):
    norms = []
    for loop in (plain, scaled):
        log_dir, model = tmp_path_factory.mktemp(loop.__name__), mlp()
        optimizer = OPTIMIZERS[name](model.parameters())
        with watch(model, optimizer, log_dir, loss=nn.CrossEntropyLoss()):
            loop(model, optimizer, nn.CrossEntropyLoss())
        norms.append(Records(log_dir).column("gradient_norm")[1])
    assert norms[0] == pytest.approx(norms[1], rel=1e-5)
    criterion, model = nn.CrossEntropyLoss(), mlp()
    optimizer = OPTIMIZERS[name](model.parameters())
    with watch(model, optimizer, log_dir / "again", loss=criterion):
        scaled(model, optimizer, criterion)
    assert Records(log_dir / "again").column("loss_scale")[1] == 1024.0


def test_validation_passes_are_not_recorded(tmp_path):
    model, criterion = mlp(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, tmp_path, loss=criterion, every=1):
        validated(model, optimizer, criterion)
    assert Records(tmp_path).data("input:input", "max") == pytest.approx([float(x.max()) for x, _ in batches()])


def test_a_model_that_trains_in_eval_mode_is_recorded(tmp_path):
    model, criterion = mlp().eval(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, tmp_path, loss=criterion):
        plain(model, optimizer, criterion, steps=2)
    assert all(np.isfinite(loss) for loss in Records(tmp_path).column("loss").values())


def test_a_steps_examples_are_those_whose_gradients_add_up(tmp_path):
    model, criterion = mlp(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, tmp_path, loss=criterion):
        model(batches()[0][0])
        accumulated(model, optimizer, criterion)
    assert Records(tmp_path).card.batch_size == 16


def test_a_step_that_a_scaler_skips_has_a_loss_and_an_update_of_0(tmp_path):
    model, criterion = mlp(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    with watch(model, optimizer, tmp_path, loss=criterion):
        for factor, (x, y) in zip([np.inf, 1, 1, 1, 1, 1], batches(), strict=True):
            optimizer.zero_grad()
            scaler.scale(factor * criterion(model(x), y)).backward()
            scaler.step(optimizer)
            scaler.update()
    records = Records(tmp_path)
    assert records.card.batch_size == 8
    assert records.steps(schema.STEPS) == [1, 2, 3, 4, 5, 6]
    assert list(records.column("loss_scale").values()) == [1024.0, *[512.0] * 5]
    assert records.column("gradient_nonfinite")[1] > 0 == records.column("update_norm")[1]
    assert records.column("update_norm")[2] > 0 == records.column("gradient_nonfinite")[2]
    assert records.card.optimizer["loss_scale"] is True


def test_each_plain_step_has_its_rate_and_its_scale_and_skipped_ones_their_loss(tmp_path):
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.5)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    with watch(model, optimizer, tmp_path, every=100):
        for step, (x, y) in enumerate(batches(4)):
            optimizer.zero_grad()
            scaler.scale(F.cross_entropy(model(x) * (np.nan if step == 1 else 1.0), y)).backward()
            scaler.step(optimizer)
            scaler.update()
            scheduler.step()
    records = Records(tmp_path)
    assert list(records.column("learning_rate").values()) == pytest.approx([0.1, 0.05, 0.025, 0.0125])
    assert list(records.column("loss_scale").values()) == [8.0, 8.0, 4.0, 4.0]
    assert [step for step, loss in records.column("loss").items() if np.isnan(loss)] == [2]


def test_without_a_loss_module_another_models_backward_pass_is_not_taken_for_its_own(tmp_path):
    model, other = mlp(), mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, tmp_path):
        for x, y in batches(2):
            F.cross_entropy(model(x), y).backward()
            (1000 * F.cross_entropy(other(x), y)).backward()
            optimizer.step()
    assert max(Records(tmp_path).column("loss").values()) < 10


def test_autograds_own_backward_function_tells_the_loss_too(tmp_path):
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    (x, y), *_ = batches()
    with watch(model, optimizer, tmp_path):
        loss = F.cross_entropy(model(x), y)
        torch.autograd.backward([loss])
        optimizer.step()
    assert Records(tmp_path).column("loss") == {1: pytest.approx(loss.item())}


def test_epochs_have_the_mean_loss_and_what_is_given(tmp_path):
    model, criterion = mlp(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, tmp_path, loss=criterion, every=3, epochs=2, steps_per_epoch=6) as watcher:
        for epoch in range(2):
            plain(model, optimizer, criterion)
            watcher.epoch(epoch, val_loss=torch.tensor(0.5))
            watcher.epoch(epoch, val_loss=0.1)  # no step since
    records = Records(tmp_path)
    losses = list(records.column("loss").values())
    assert [(step, metrics["epoch"], metrics["val_loss"]) for step, metrics in records.of(schema.EPOCHS)] == [
        (6, 0, 0.5),
        (12, 1, 0.5),
    ]
    assert records.of(schema.EPOCHS)[1][1]["loss"] == pytest.approx(np.mean(losses[6:]))
    assert (records.card.epochs, records.card.steps_per_epoch, records.card.batch_size) == (2, 6, 8)
    with pytest.raises(TypeError, match="val_loss='low': expected a number"):
        watcher.epoch(2, val_loss="low")


def test_terms_of_a_loss_are_those_that_the_loop_tells(tmp_path):
    model, criterion = mlp(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    told = []
    with watch(model, optimizer, tmp_path, loss=criterion, every=2) as watcher:
        for x, y in batches(4):
            optimizer.zero_grad()
            size = 0.01 * sum(weight.square().sum() for weight in model.parameters())
            watcher.loss_terms(size=size)
            fit = criterion(model(x), y)
            watcher.loss_terms(fit=fit, size=size)
            (fit + size).backward()
            optimizer.step()
            told.append((fit.item(), size.item()))
        with pytest.raises(TypeError, match=r"kl=.*: expected a number"):
            watcher.loss_terms(kl=torch.zeros(3))
    records = Records(tmp_path)
    assert records.steps(schema.DATA) == [1, 2, 4]
    sampled = np.array(told)[[0, 1, 3]]
    np.testing.assert_allclose(records.terms()["fit"], sampled[:, 0], rtol=1e-6)
    np.testing.assert_allclose(records.terms()["size"], sampled[:, 1], rtol=1e-6)


def test_a_resumed_optimizer_goes_on_counting(tmp_path):
    model, criterion = mlp(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), 0.1)
    plain(model, optimizer, criterion, steps=5)
    with watch(model, optimizer, tmp_path, loss=criterion):
        plain(model, optimizer, criterion, steps=2)
    assert Records(tmp_path).steps(schema.STEPS) == [6, 7]
