"""A real torch training, sick or healthy, recorded by watch and diagnosed from its log."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tb_lossdiag import diagnose
from tb_lossdiag.torch import watch

EPOCHS, BATCH = 12, 32


class Net(nn.Module):
    """As most are written: activations are functions."""

    def __init__(self, probabilities=False):
        super().__init__()
        self.fc1 = nn.Linear(10, 32)
        self.fc2 = nn.Linear(32, 32)
        self.fc3 = nn.Linear(32, 3)
        self.probabilities = probabilities

    def forward(self, x):
        z = self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))
        return F.softmax(z, dim=-1) if self.probabilities else z


def data(scale=1.0, shift=0.0):
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(640, 10, generator=generator)
    y = (x[:, :3] + 0.05 * torch.randn(640, 3, generator=generator)).argmax(dim=1)
    return x * scale + shift, y


def reported(log_dir, x, y, rate=0.02, make=Net, prepare=lambda model: None, optimizer=torch.optim.SGD):
    torch.manual_seed(0)
    model, criterion = make(), nn.CrossEntropyLoss()
    prepare(model)
    optimizer = optimizer(model.parameters(), rate)
    steps = 512 // BATCH
    with watch(model, optimizer, log_dir, loss=criterion, epochs=EPOCHS, steps_per_epoch=steps) as watcher:
        for epoch in range(EPOCHS):
            for rows in torch.randperm(512).split(BATCH):
                optimizer.zero_grad()
                criterion(model(x[rows]), y[rows]).backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                answers = model(x[512:])
            model.train()
            accuracy = (answers.argmax(dim=1) == y[512:]).float().mean()
            watcher.epoch(epoch, val_loss=criterion(answers, y[512:]), val_accuracy=accuracy)
    (report,) = diagnose(log_dir).values()
    return report


def accused(report):
    """Ids of the causes that are held likely or possible."""
    return [cause.id for cause in report.causes if cause.confidence in ("confirmed", "likely", "possible")]


def test_a_healthy_training_is_not_accused(tmp_path):
    report = reported(tmp_path, *data(), rate=0.003, optimizer=torch.optim.Adam)
    assert report.verdict.state in ("learning", "converged")
    assert not [cause.id for cause in report.causes if cause.severity != "note" and cause.confidence == "likely"]
    assert {check.id: check.state for check in report.checks}["architecture"] == "not_found"


SICK = {
    "learning_rate_too_high": lambda log_dir: reported(log_dir, *data(), rate=1.0, optimizer=torch.optim.Adam),
    "learning_rate_too_low": lambda log_dir: reported(log_dir, *data(), rate=1e-6),
    "unnormalized_inputs": lambda log_dir: reported(log_dir, *data(200.0, 500.0), rate=0.01),
    "loss_mismatch": lambda log_dir: reported(log_dir, *data(), make=lambda: Net(probabilities=True)),
    "poor_initialization": lambda log_dir: reported(
        log_dir, *data(), prepare=lambda model: nn.init.constant_(model.fc2.bias, -20.0)
    ),
    "symmetric_initialization": lambda log_dir: reported(
        log_dir, *data(), prepare=lambda model: [nn.init.constant_(p, 0.1) for p in model.parameters()]
    ),
    "updates_not_applied": lambda log_dir: reported(
        log_dir, *data(), optimizer=lambda _, rate: torch.optim.SGD(Net().parameters(), rate)
    ),
}


@pytest.mark.parametrize("cause", SICK)
def test_a_sick_training_is_accused_of_what_ails_it(tmp_path, cause):
    report = SICK[cause](tmp_path)
    assert accused(report)[0] == cause
