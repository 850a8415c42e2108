import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.zoo.families.descent import batches, begin, descend, tensors

X, Y = np.random.default_rng(0).normal(size=(2, 64, 4))


def descended(log_dir, **options) -> tuple[float, nn.Module, torch.Tensor]:
    begin(0)
    model = nn.Linear(4, 4)
    before = model.weight.detach().clone()
    criterion = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def loss_of(model, x, y):
        return criterion(model(x), y)

    value = descend(model, optimizer, str(log_dir), tensors(X, Y), loss_of, epochs=2, **options)
    return value, model, before


def test_integers_are_what_losses_ask_for_and_the_rest_are_floats():
    labels, numbers = tensors(np.arange(3, dtype="int32"), np.ones(3))
    assert labels.dtype == torch.int64 and numbers.dtype == torch.float32


def test_an_epoch_has_every_row_once():
    (rows,) = tensors(np.arange(10))
    assert sorted(torch.cat([part for (part,) in batches(3, rows)]).tolist()) == list(range(10))


@pytest.mark.parametrize(("clear", "moves"), [("before", True), ("never", True), ("between", False)])
def test_gradients_that_are_cleared_before_the_step_move_nothing(clear, moves, tmp_path):
    _, model, before = descended(tmp_path, clear=clear)
    assert (not torch.equal(before, model.weight)) == moves


def test_gradients_that_are_never_cleared_add_up(tmp_path):
    cleared, kept = (descended(tmp_path / clear, clear=clear)[1].weight for clear in ("before", "never"))
    assert not torch.equal(cleared, kept)


def test_a_schedule_steps_each_epoch_or_each_step(tmp_path):
    rates = []
    for each in ("epoch", "step"):
        begin(0)
        model = nn.Linear(4, 4)
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        schedule = lambda it: torch.optim.lr_scheduler.ExponentialLR(it, 0.5)  # noqa: E731
        loss = lambda model, x, y: nn.functional.mse_loss(model(x), y)  # noqa: E731
        log = str(tmp_path / each)
        descend(model, optimizer, log, tensors(X, Y), loss, epochs=2, schedule=schedule, schedule_each=each)
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == [0.25, 0.5**4]
