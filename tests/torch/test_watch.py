"""watch: a watched loop trains bit for bit like the bare one, and nothing is left behind."""

import copy
import io
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from recording.reading import Records
from recording.torch_loops import (
    OPTIMIZERS,
    accumulated,
    batches,
    clipped,
    in_bfloat16,
    mlp,
    plain,
    scaled,
    validated,
    with_closures,
)
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from tb_lossdiag import schema
from tb_lossdiag.torch import watch

CASES = [
    *((loop, name) for loop in (plain, in_bfloat16, accumulated, clipped, validated) for name in ("SGD", "Adam")),
    *((scaled, name) for name in ("SGD", "fused AdamW")),
    *((with_closures, name) for name in ("Adam", "LBFGS")),
]


LOSSES = {
    "a loss module": lambda criterion: criterion,
    "no loss": lambda _: None,
    "a function": lambda _: F.cross_entropy,
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(("loop", "name"), CASES, ids=lambda value: getattr(value, "__name__", value))
def test_a_watched_loop_trains_bit_for_bit_like_the_bare_one(tmp_path, loop, name, loss):
    criterion, states = nn.CrossEntropyLoss(), []
    for watched in (False, True):
        model = mlp()
        optimizer = OPTIMIZERS[name](model.parameters())
        if watched:
            with watch(model, optimizer, tmp_path, loss=LOSSES[loss](criterion), every=2):
                loop(model, optimizer, criterion)
        else:
            loop(model, optimizer, criterion)
        states.append([tensor.clone() for tensor in model.state_dict().values()] + [torch.rand(1)])
    assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))
    steps = 3 if loop is accumulated else 6
    assert Records(tmp_path).steps(schema.STEPS) == list(range(1, steps + 1))
    assert Records(tmp_path).steps(schema.LAYERS) == [step for step in (1, 2, 4, 6) if step <= steps]


def by_hand(model, x, y):
    return ((model(x)[:, 0] - y) ** 2).mean()


def with_noise(model, x, y):
    return F.smooth_l1_loss(model(x + 0.1 * torch.randn_like(x)), torch.randn(8, 3))


def checkpointed(model, x, y):
    hidden = checkpoint(model[:4], x, use_reentrant=False)
    return checkpoint(lambda h: (F.cross_entropy(model[4](h), y) * y.float()).mean(), hidden, use_reentrant=False)


@pytest.mark.parametrize("loss", [by_hand, with_noise, checkpointed])
@pytest.mark.parametrize(
    "handed", [None, by_hand, nn.MSELoss()], ids=["nothing handed", "a function", "an unused module"]
)
def test_whatever_its_loss_a_watched_loop_trains_bit_for_bit_like_the_bare_one(tmp_path, loss, handed):
    states = []
    for watched in (False, True):
        model = mlp()
        optimizer = torch.optim.Adam(model.parameters(), 0.01)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
        watcher = watch(model, optimizer, tmp_path, loss=handed, every=1) if watched else nullcontext()
        with watcher:
            for x, y in batches():
                optimizer.zero_grad()
                loss(model, x, y).backward()
                optimizer.step()
                scheduler.step()
        states.append([*(tensor.clone() for tensor in model.state_dict().values()), torch.rand(1), torch.rand(1)])
    assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))
    assert Records(tmp_path).steps(schema.LAYERS) == list(range(1, 7))


def test_a_closed_watcher_leaves_no_hook_and_no_patch(tmp_path):
    backward, scale = torch.autograd.backward, torch.amp.GradScaler.scale
    step, question = torch.amp.GradScaler.step, F.has_torch_function_variadic
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
    assert torch.amp.GradScaler.scale is scale and torch.amp.GradScaler.step is step
    assert F.has_torch_function_variadic is question
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
