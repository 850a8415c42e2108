"""Every line of code of every fix for a PyTorch loop runs as it stands, and leaves data that can be learned."""

import contextlib
import io

import pytest
import torch
from diagnosis.test_framework import FAULTS, findings
from torch import nn

from tb_lossdiag.diagnosis import fixes
from tb_lossdiag.diagnosis.causes import CANDIDATES
from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.logs import list_experiments, read_run
from tb_lossdiag.logs.provider import open_log
from tb_lossdiag.torch import watch

FIXES = tuple({candidate.fix.__name__: candidate.fix for candidate in CANDIDATES}.values())


def classifier():
    hidden = [nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Sigmoid(), nn.Dropout(0.8), nn.Linear(8, 8, bias=False), nn.ReLU()]
    return nn.Sequential(*hidden, nn.Linear(8, 3), nn.Softmax(1))


class Regression(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = nn.Sequential(nn.Linear(6, 8), nn.Tanh())
        self.head = nn.Linear(8, 1)
        self.block.requires_grad_(False)

    def forward(self, x):
        return torch.relu(self.head(self.block(x)))


def data(classes):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(64, 6, generator=generator)
    y = torch.randint(0, 3, (64,), generator=generator) if classes else torch.randn(64, 1, generator=generator)
    return x, y


PROGRAMS = {
    "classifier": (classifier, nn.CrossEntropyLoss, lambda: data(True)),
    "regression": (Regression, nn.MSELoss, lambda: data(False)),
}


def names(program):
    """What the user of a loop has at hand."""
    torch.manual_seed(0)
    build, criterion, made = PROGRAMS[program]
    model, (x, y) = build(), made()
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.01)
    known = {"torch": torch, "model": model, "criterion": criterion(), "optimizer": optimizer, "x": x, "y": y}
    return known | {"x_val": x[:8], "y_val": y[:8]}


def recorded(program, log_dir):
    user = names(program)
    with watch(user["model"], user["optimizer"], log_dir, loss=user["criterion"]):
        for rows in torch.arange(64).split(16):
            user["optimizer"].zero_grad()
            user["criterion"](user["model"](user["x"][rows]), user["y"][rows]).backward()
            user["optimizer"].step()
    log = open_log(log_dir)
    (experiment,) = list_experiments(log).values()
    return read_run(log, experiment)


def named(run, faults):
    """Every check found something at the layers that this model has."""
    f, kinds, checks = findings(run, faults), {"architecture": "Dropout", "train_eval_gap": "BatchNormalization"}, {}
    for name, check in f.checks.items():
        layers = tuple(one.path for one in run.card.layers if one.kind == kinds.get(name, one.kind))
        signs = {"mean": 0.0, "std": 1.0} if name == "input_scale" else {}
        checks[name] = type(check)(
            check.id, check.title, "found", check.evidence, 0, layers, signs=(*signs.items(), *check.signs)
        )
    return Findings(run, checks, f.outcome)


@pytest.mark.filterwarnings("ignore:.*GradScaler is enabled, but.*")
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_code_of_every_fix_runs_and_keeps_the_data(tmp_path, program):
    run, seen = recorded(program, tmp_path), set()
    for faults in FAULTS:
        f = named(run, faults)
        for fix in FIXES:
            code = fixes.written(fix, f).code
            if code and code not in seen:
                seen.add(code)
                user = names(program)
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile(code, f"<{fix.__name__}: {code}>", "exec"), user)
                x, y = user["x"], user["y"]
                assert len(x) == len(y) == 64 and torch.isfinite(x).all() and torch.isfinite(y).all(), code
                assert y.unique().numel() > 1 and user["model"](x[:4]).isfinite().all(), code
    assert len(seen) > 10
