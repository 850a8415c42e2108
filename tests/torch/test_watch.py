"""watch: a watched loop trains bit for bit like the bare one, and nothing is left behind."""

import copy
import io

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

from tb_lossdiag import schema
from tb_lossdiag.torch import watch

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
