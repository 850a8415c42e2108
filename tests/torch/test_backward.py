"""Listening to backward: torch's functions are replaced as long as somebody listens, and put back."""

import torch

from tb_lossdiag.torch.backward import listen, unlisten


class Heard:
    def __init__(self):
        self.events = []

    def scaled(self, loss, product):
        self.events.append(("scaled", loss.item(), product.item()))

    def backward_begins(self):
        self.events.append("begins")

    def backward_ended(self, loss):
        self.events.append(("ended", loss.item()))


def test_a_scalars_backward_pass_and_its_scaling_are_heard():
    heard, x = Heard(), torch.ones(3, requires_grad=True)
    listen(heard)
    x.sum().backward()
    x.backward(torch.ones(3))
    torch.amp.GradScaler("cpu", init_scale=8.0).scale(x.sum())
    torch.amp.GradScaler("cpu", enabled=False).scale(x.sum())
    unlisten(heard)
    x.sum().backward()
    assert heard.events == ["begins", ("ended", 3.0), "begins", ("scaled", 3.0, 24.0)]


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
