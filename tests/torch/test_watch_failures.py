"""What does a wrong argument, or a failure of ours, cost a watched loop? Never its training."""

import warnings

import pytest
import torch
from recording.reading import Records
from recording.torch_loops import mlp, plain
from torch import nn

from tb_lossdiag import schema
from tb_lossdiag.torch import watch


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
        ({"loss": "mse"}, TypeError, "loss='mse': expected an nn.Module such as"),
        ({"loss": nn.MSELoss}, TypeError, "loss=.*: expected one that is made, such as MSELoss()"),
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
