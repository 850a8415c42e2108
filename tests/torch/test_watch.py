"""watch: a watched loop trains bit for bit like the bare one, whatever it is made of, and leaves nothing behind."""

import copy
import io
import warnings

import numpy as np
import pytest
import torch
from recording.reading import Records
from torch import nn
from torch.nn import functional as F

from tb_lossdiag import schema
from tb_lossdiag.torch import watch


def mlp():
    """Dropout and batch norm: random numbers and moving averages that a disturbed step would change."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(inplace=True), nn.Dropout(0.2), nn.Linear(8, 3))


def batches(steps=6):
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(8 * steps, 4, generator=generator)
    y = torch.randint(0, 3, (8 * steps,), generator=generator)
    return list(zip(x.split(8), y.split(8), strict=True))


def plain(model, optimizer, criterion, steps=6):
    for x, y in batches(steps):
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()


def in_bfloat16(model, optimizer, criterion):
    for x, y in batches():
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()


def scaled(model, optimizer, criterion):
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    for x, y in batches():
        optimizer.zero_grad()
        scaler.scale(criterion(model(x), y)).backward()
        scaler.step(optimizer)
        scaler.update()


def accumulated(model, optimizer, criterion):
    for i, (x, y) in enumerate(batches()):
        loss = criterion(model(x), y)
        loss /= 2
        loss.backward()
        if i % 2:
            optimizer.step()
            optimizer.zero_grad()


def clipped(model, optimizer, criterion):
    for x, y in batches():
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.01)
        optimizer.step()


def with_closures(model, optimizer, criterion):
    for x, y in batches():

        def closure(x=x, y=y):
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            return loss

        optimizer.step(closure)


def validated(model, optimizer, criterion):
    for x, y in batches():
        optimizer.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()
        model.eval()
        criterion(model(100 * x), y)
        model.train()


OPTIMIZERS = {
    "SGD": lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=1e-4),
    "Adam": lambda p: torch.optim.Adam(p, 0.01),
    "fused AdamW": lambda p: torch.optim.AdamW(p, 0.01, fused=True),
    "LBFGS": lambda p: torch.optim.LBFGS(p, 0.1, max_iter=3),
}
CASES = [
    *((loop, name) for loop in (plain, in_bfloat16, accumulated, clipped, validated) for name in ("SGD", "Adam")),
    *((scaled, name) for name in ("SGD", "fused AdamW")),
    *((with_closures, name) for name in ("Adam", "LBFGS")),
]


@pytest.mark.parametrize("loss", ["a loss module", "no loss module"])
@pytest.mark.parametrize(("loop", "name"), CASES, ids=lambda value: getattr(value, "__name__", value))
def test_a_watched_loop_trains_bit_for_bit_like_the_bare_one(tmp_path, loop, name, loss):
    criterion, states = nn.CrossEntropyLoss(), []
    for watched in (False, True):
        model = mlp()
        optimizer = OPTIMIZERS[name](model.parameters())
        if watched:
            with watch(model, optimizer, tmp_path, loss=criterion if loss == "a loss module" else None, every=2):
                loop(model, optimizer, criterion)
        else:
            loop(model, optimizer, criterion)
        states.append([tensor.clone() for tensor in model.state_dict().values()] + [torch.rand(1)])
    assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))
    steps = 3 if loop is accumulated else 6
    assert Records(tmp_path).steps(schema.STEPS) == list(range(1, steps + 1))
    assert Records(tmp_path).steps(schema.LAYERS) == [step for step in (1, 2, 4, 6) if step <= steps]


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


def test_a_closed_watcher_leaves_no_hook_and_no_patch(tmp_path):
    backward, scale = torch.autograd.backward, torch.amp.GradScaler.scale
    model, criterion = mlp(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    first = watch(model, optimizer, tmp_path / "a", loss=criterion)
    second = watch(model, optimizer, tmp_path / "b")
    plain(model, optimizer, criterion, steps=2)
    first.close()
    first.close()
    plain(model, optimizer, criterion, steps=1)
    second.close()
    hooks = [optimizer._optimizer_step_pre_hooks, optimizer._optimizer_step_post_hooks]
    for module in (*model.modules(), criterion):
        hooks += [module._forward_hooks, module._forward_pre_hooks, module._forward_hooks_with_kwargs]
    assert not any(hooks)
    assert torch.autograd.backward is backward
    assert torch.amp.GradScaler.scale is scale
    assert Records(tmp_path / "a").steps(schema.STEPS) == [1, 2]
    assert Records(tmp_path / "b").steps(schema.STEPS) == [1, 2, 3]


def test_copies_and_pickles_of_a_watched_model_know_nothing_of_it(tmp_path):
    model, criterion = mlp(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, tmp_path, loss=criterion):
        average = copy.deepcopy(model)
        buffer = io.BytesIO()
        torch.save(model, buffer)
        assert b"tb_lossdiag" not in buffer.getvalue()
        buffer.seek(0)
        for other in (average, torch.load(buffer, weights_only=False)):
            other(batches()[0][0])
        plain(model, optimizer, criterion, steps=1)
    records = Records(tmp_path)
    assert records.steps(schema.STEPS) == [1]
    assert len([row for row in records.card.rows if row.kind == "output"]) == 5


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


def test_a_step_that_a_scaler_skips_is_none(tmp_path):
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
    assert records.steps(schema.STEPS) == [1, 2, 3, 4, 5]
    assert records.column("loss_scale")[1] == 512.0
    assert np.isfinite(list(records.column("gradient_norm").values())).all()


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


def test_a_compiled_model_trains_as_without_us_and_its_parameters_are_recorded(tmp_path):
    states = []
    for watched in (False, True):
        torch._dynamo.reset()
        model, criterion = mlp(), nn.CrossEntropyLoss()
        compiled = torch.compile(model, backend="aot_eager")
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        if watched:
            with watch(compiled, optimizer, tmp_path, loss=criterion, every=2):
                plain(compiled, optimizer, criterion)
        else:
            plain(compiled, optimizer, criterion)
        states.append([tensor.clone() for tensor in model.state_dict().values()])
    assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))
    records = Records(tmp_path)
    assert np.isfinite(records.cell("0/weight", "gradient_norm")).all()
    assert np.isfinite(records.data("prediction:prediction", "mean")).all()
    assert records.card.layers == ()


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


def test_a_resumed_optimizer_goes_on_counting(tmp_path):
    model, criterion = mlp(), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), 0.1)
    plain(model, optimizer, criterion, steps=5)
    with watch(model, optimizer, tmp_path, loss=criterion):
        plain(model, optimizer, criterion, steps=2)
    assert Records(tmp_path).steps(schema.STEPS) == [6, 7]


def test_a_directory_that_cannot_be_written_is_one_warning(tmp_path):
    (tmp_path / "file").write_text("")
    model, criterion = mlp(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with (
        pytest.warns(RuntimeWarning, match="stopped recording, the training goes on") as caught,
        watch(model, optimizer, tmp_path / "file", loss=criterion),
    ):
        plain(model, optimizer, criterion)
    assert len(caught) == 1


def test_a_failure_of_ours_is_one_warning_and_an_event_and_the_training_goes_on(tmp_path):
    class Strange(nn.Module):
        """Cannot tell its mode once it is broken."""

        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(4, 3)

        def forward(self, x):
            return self.inner(x)

        @property
        def training(self):
            if self.broken:
                raise OSError("the disk is gone")
            return True

        @training.setter
        def training(self, value):
            self.broken = False

    model, criterion = Strange(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with warnings.catch_warnings(record=True) as caught, watch(model, optimizer, tmp_path, loss=criterion, every=1):
        warnings.simplefilter("always")
        plain(model, optimizer, criterion, steps=2)
        model.broken = True
        plain(model, optimizer, criterion, steps=2)
    assert [str(warning.message) for warning in caught] == [
        "tb_lossdiag stopped recording, the training goes on: OSError: the disk is gone"
    ]
    records = Records(tmp_path)
    assert records.steps(schema.STEPS) == [1, 2]
    assert records.events("recording_stopped")[0]["reason"] == "OSError: the disk is gone"


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"model": "model"}, TypeError, "model='model': expected an nn.Module, got str"),
        ({"optimizer": "adam"}, TypeError, "optimizer='adam': expected a torch.optim.Optimizer"),
        ({"loss": F.mse_loss}, TypeError, "loss=.*: expected an nn.Module such as"),
        ({"log_dir": 3}, TypeError, "log_dir=3"),
        ({"every": -1}, ValueError, "every=-1"),
        ({"epochs": 0}, ValueError, "epochs=0: expected a positive int or None"),
        ({"steps_per_epoch": 1.5}, TypeError, "steps_per_epoch=1.5: expected a positive int or None"),
    ],
)
def test_wrong_arguments_are_refused_at_construction(change, error, message):
    model = mlp()
    right = {"model": model, "optimizer": torch.optim.SGD(model.parameters(), 0.1), "log_dir": "x"}
    with pytest.raises(error, match=message):
        watch(**{**right, **change})


def test_of_a_frozen_layer_it_is_not_known_what_follows(tmp_path):
    model, criterion = nn.Sequential(nn.Linear(4, 8).requires_grad_(False), nn.Linear(8, 3)), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, tmp_path, loss=criterion):
        plain(model, optimizer, criterion, steps=1)
    records = Records(tmp_path)
    assert [layer.activation for layer in records.card.layers] == ["unknown", "linear"]
    assert np.isfinite(records.cell("0", "activation_std")).all()
