"""Who asks for the gradient of a tensor is heard as long as somebody listens."""

import torch
from torch import Tensor

from tb_lossdiag.torch.tensor_hooks import hear_hooks, unhear_hooks


class Hearer:
    def __init__(self):
        self.heard = 0

    def hooked(self):
        self.heard += 1


def test_a_hook_and_a_kept_gradient_are_heard_and_do_what_they_do():
    original, hearer, seen = Tensor.register_hook, Hearer(), []
    x = torch.ones(2, requires_grad=True)
    hear_hooks(hearer)
    y = 2 * x
    y.retain_grad()
    handle = y.register_hook(seen.append)
    unhear_hooks(hearer)
    y.sum().backward()
    handle.remove()
    assert hearer.heard == 2
    assert torch.equal(y.grad, torch.ones(2)) and len(seen) == 1
    (3 * x).retain_grad()
    assert hearer.heard == 2 and Tensor.register_hook is original
