"""Whatever draws random numbers while we look has drawn none for the training."""

import random

import numpy as np
import pytest
import torch

from tb_lossdiag.torch.repeatable import undisturbed


@pytest.mark.parametrize("draw", [lambda: torch.rand(1), lambda: np.random.rand(), lambda: random.random()])
def test_random_states_are_put_back_and_draws_are_told(draw):
    torch.manual_seed(0), np.random.seed(0), random.seed(0)
    states = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    with undisturbed(torch.device("cpu")) as draws:
        draw()
    assert draws.changed
    now = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    assert torch.equal(states[0], now[0]) and states[1:] == now[1:]
    with undisturbed(torch.device("cpu")) as draws:
        torch.ones(1).sum()
    assert not draws.changed
