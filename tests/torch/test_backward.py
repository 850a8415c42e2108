"""Listening to backward: torch's functions are replaced as long as somebody listens, and put back."""

import torch
from torch.autograd.graph import save_on_cpu

from tb_lossdiag.torch.backward import Listener, listen, unlisten


class Heard(Listener):
    def __init__(self):
        self.events = []

    def scaled(self, loss, product, scale):
        self.events.append(("scaled", loss.item(), product.item(), scale.item()))

    def backward_begins(self, loss):
        self.events.append(("begins", None if loss is None else loss.item()))

    def backward_ended(self, loss):
        self.events.append(("ended", None if loss is None else loss.item()))

    def packing_begins(self):
        self.events.append("packing")

    def scaled_step_begins(self, optimizer):
        self.events.append("step begins")

    def scaled_step_ended(self, optimizer):
        self.events.append("step ended")


def test_a_scalars_backward_pass_and_its_scaling_are_heard():
    heard, x = Heard(), torch.ones(3, requires_grad=True)
    listen(heard)
    x.sum().backward()
    x.backward(torch.ones(3))
    torch.amp.GradScaler("cpu", init_scale=8.0).scale(x.sum())
    torch.amp.GradScaler("cpu", enabled=False).scale(x.sum())
    unlisten(heard)
    x.sum().backward()
    assert heard.events == [
        ("begins", 3.0),
        ("ended", 3.0),
        ("begins", None),
        ("ended", None),
        ("scaled", 3.0, 24.0, 8.0),
    ]


def test_the_scale_of_a_loss_that_is_nan_is_known():
    heard = Heard()
    listen(heard)
    torch.amp.GradScaler("cpu", init_scale=8.0).scale(torch.tensor(torch.nan))
    unlisten(heard)
    assert heard.events[0][3] == 8.0


def test_a_scalers_steps_are_heard_whether_taken_or_skipped():
    for factor in (1.0, torch.inf):
        heard, x = Heard(), torch.ones(3, requires_grad=True)
        optimizer, scaler = torch.optim.SGD([x], 0.1), torch.amp.GradScaler("cpu")
        scaler.scale((x * factor).sum()).backward()
        listen(heard)
        scaler.step(optimizer)
        unlisten(heard)
        assert heard.events == ["step begins", "step ended"]


def test_that_autograd_keeps_tensors_in_another_way_is_heard():
    heard, x = Heard(), torch.ones(3, requires_grad=True)
    listen(heard)
    with save_on_cpu():
        x.exp()
    torch.utils.checkpoint.checkpoint(torch.exp, x, use_reentrant=False)
    unlisten(heard)
    with save_on_cpu():
        x.exp()
    assert heard.events == ["packing", "packing"]


def test_what_somebody_put_over_ours_stays(monkeypatch):
    heard, original = Heard(), torch.autograd.backward
    listen(heard)
    ours = torch.autograd.backward

    def theirs(*args, **kwargs):
        return ours(*args, **kwargs)

    monkeypatch.setattr(torch.autograd, "backward", theirs)
    unlisten(heard)
    unlisten(heard)
    assert torch.autograd.backward is theirs
    torch.ones(1, requires_grad=True).sum().backward()
    assert heard.events == []
    monkeypatch.undo()
    assert torch.autograd.backward is ours
    torch.autograd.backward = original
