"""Whose weights the optimizer has, and which weights nobody has."""

import torch
from recording.reading import Records
from recording.torch_loops import batches
from torch import nn
from torch.nn import functional as F

from tb_lossdiag.torch import watch


def settings_of(log_dir, model, optimizer, others=()):
    with watch(model, optimizer, log_dir):
        for x, y in batches(2):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    return Records(log_dir).card.settings


class Listed(nn.Module):
    """Hidden layers in a plain list, another in a dict, a bare weight; and an input with a gradient of its own."""

    def __init__(self, registered=False):
        super().__init__()
        hidden = [nn.Linear(4, 4) for _ in range(2)]
        self.hidden = nn.ModuleList(hidden) if registered else hidden
        self.extra = {"skip": nn.Linear(4, 4, bias=False)}
        self.scale = [torch.ones(4, requires_grad=True)]
        self.frozen = [nn.Linear(4, 4).requires_grad_(False)]
        self.out = nn.Linear(4, 3)

    def forward(self, x):
        x = x.clone().requires_grad_()
        for layer in self.hidden:
            x = torch.relu(layer(x))
        return self.out(self.frozen[0](x + self.extra["skip"](x) * self.scale[0]))


def test_weights_in_plain_lists_and_dicts_are_untracked(tmp_path):
    model = Listed()
    settings = settings_of(tmp_path, model, torch.optim.SGD(model.parameters(), 0.1))
    assert [(found["name"], found["shape"], found["holder"]) for found in settings["untracked"]] == [
        ("hidden.0.weight", [4, 4], "Listed"),
        ("hidden.0.bias", [4], "Listed"),
        ("hidden.1.weight", [4, 4], "Listed"),
        ("hidden.1.bias", [4], "Listed"),
        ("extra.skip.weight", [4, 4], "Listed"),
        ("scale.0", [4], "Listed"),
    ]
    assert settings["optimizer_share"] == 1.0


def test_registered_weights_are_tracked_and_so_are_those_that_some_optimizer_has(tmp_path):
    model = Listed(registered=True)
    loose = [*model.extra["skip"].parameters(), *model.scale]
    optimizer = torch.optim.SGD([*model.parameters(), *loose], 0.1)
    settings = settings_of(tmp_path / "own", model, optimizer)
    assert "untracked" not in settings
    assert settings["optimizer_foreign"] == 20
    other = torch.optim.SGD(loose, 0.1)
    settings = settings_of(tmp_path / "other", model, torch.optim.SGD(model.parameters(), 0.1), other)
    assert not {"untracked", "optimizer_foreign"} & set(settings)


def test_an_optimizer_of_an_earlier_instance_has_none_of_the_models_weights(tmp_path):
    stale = torch.optim.SGD(nn.Linear(4, 3).parameters(), 0.1)
    settings = settings_of(tmp_path, nn.Linear(4, 3), stale)
    assert (settings["optimizer_share"], settings["optimizer_foreign"]) == (0.0, 15)


def test_the_share_counts_elements_of_trainable_weights_and_all_optimizers(tmp_path):
    model = nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3), nn.Linear(3, 3).requires_grad_(False))
    first = torch.optim.SGD(model[0].parameters(), 0.1)
    assert settings_of(tmp_path / "part", model, first)["optimizer_share"] == 25 / (25 + 18)
    second = torch.optim.SGD(model[1].parameters(), 0.1)
    assert settings_of(tmp_path / "both", model, first, second)["optimizer_share"] == 1.0
