"""A loss function that the user hands is found among what the loop holds, by its value."""

import math

import pytest
import torch
from recording.reading import Records
from torch import nn
from torch.nn import functional as F

from tb_lossdiag.torch import watch

X = torch.randn(16, 4, generator=torch.Generator().manual_seed(1))
TARGETS = X.sum(1, keepdim=True)


def log_cosh(prediction, target):
    return torch.log(torch.cosh(prediction - target)).mean()


def columns(log_dir):
    records = Records(log_dir)
    return records.data("prediction:prediction", "loss_shuffled"), records.card


def test_a_function_is_called_again_with_what_the_loop_holds(tmp_path):
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    def step(batch):
        optimizer.zero_grad()
        loss = log_cosh(model(batch["x"]), batch["y"])
        loss.backward()
        optimizer.step()

    with watch(model, optimizer, tmp_path, loss=log_cosh):
        for _ in range(3):
            step({"x": X, "y": TARGETS})
    shuffled, card = columns(tmp_path)
    assert torch.isfinite(torch.tensor(shuffled)).all()
    assert card.loss["name"] == "log_cosh"
    assert card.settings["loss_shapes"] == {"target": [None, 1], "prediction": [None, 1]}
    assert "not_measured" not in card.settings


def test_a_scaled_loss_and_an_output_that_was_reshaped_are_found(tmp_path):
    model, scaler = nn.Linear(4, 1), torch.amp.GradScaler("cpu", init_scale=4.0)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, tmp_path, loss=log_cosh):
        y = TARGETS[:, 0]
        output = model(X).squeeze(1)
        scaler.scale(log_cosh(output, y)).backward()
        scaler.step(optimizer)
    assert math.isfinite(columns(tmp_path)[0][0])


def test_torchs_own_function_needs_no_search(tmp_path):
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, tmp_path, loss=F.mse_loss):
        (2.0 * F.mse_loss(model(X), TARGETS)).backward()
        optimizer.step()
    assert columns(tmp_path)[1].loss["name"] == "MeanSquaredError"


@pytest.mark.parametrize("wrong", [lambda p, y: p.sum(), lambda: None], ids=["another loss", "no loss"])
def test_a_function_that_gives_another_loss_is_told(tmp_path, wrong):
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, tmp_path, loss=wrong):
        log_cosh(model(X), TARGETS).backward()
        optimizer.step()
    shuffled, card = columns(tmp_path)
    assert math.isnan(shuffled[0])
    assert card.settings["not_measured"].startswith("no prediction and target were found")
