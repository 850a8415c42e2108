"""Which schedulers set an optimizer's rate is told with their arguments, however they are held."""

import torch
from torch import nn
from torch.optim import lr_scheduler

from tb_lossdiag.torch.schedules import schedulers_of


def optimizer():
    return torch.optim.SGD(nn.Linear(2, 2).parameters(), 0.1)


def test_a_scheduler_is_told_by_its_name_and_arguments_and_not_by_how_far_it_is():
    mine, other = optimizer(), optimizer()
    holder = {"schedulers": [lr_scheduler.StepLR(mine, 7, gamma=0.1)]}
    strangers = lr_scheduler.CosineAnnealingLR(other, 10)
    assert schedulers_of(mine) == [{"name": "StepLR", "config": {"step_size": 7, "gamma": 0.1, "base_lrs": [0.1]}}]
    vars(holder["schedulers"][0])  # which makes a dict of its attributes, where Python had none
    assert len(schedulers_of(mine)) == 1
    assert schedulers_of(other)[0]["config"]["T_max"] == strangers.T_max == 10
    assert schedulers_of(optimizer()) == []


def test_one_that_waits_for_a_plateau_is_told_too():
    mine = optimizer()
    kept = lr_scheduler.ReduceLROnPlateau(mine, patience=3, threshold=1e-2)
    [told] = schedulers_of(mine)
    assert told["name"] == "ReduceLROnPlateau"
    assert {"patience": 3, "threshold": 1e-2, "factor": 0.1, "mode": "min"}.items() <= told["config"].items()
    assert kept.patience == 3
