"""What the gradients held when a step's backward pass began, and whether they were cleared before the step."""

import pytest
import torch
from recording.reading import Records
from recording.torch_loops import accumulated, batches, mlp, plain
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from tb_lossdiag.torch import watch


def recorded(log_dir, loop, scaler=None):
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, log_dir, every=1):
        loop(model, optimizer)
    return Records(log_dir)


def never_cleared(model, optimizer):
    for x, y in batches(4):
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def never_cleared_and_scaled(model, optimizer):
    scaler = torch.amp.GradScaler("cpu", init_scale=1.0, enabled=True)
    for x, y in batches(4):
        scaler.scale(F.cross_entropy(model(x), y)).backward()
        scaler.step(optimizer)
        scaler.update()


@pytest.mark.parametrize("loop", [never_cleared, never_cleared_and_scaled])
def test_gradients_that_nobody_clears_are_carried(tmp_path, loop):
    records = recorded(tmp_path, loop)
    carried, norms = records.column("gradient_carried"), records.column("gradient_norm")
    assert carried[1] == 0.0
    assert [carried[step] for step in (2, 3, 4)] == pytest.approx([norms[step] for step in (1, 2, 3)], rel=1e-5)


def cleared_to_zeros(model, optimizer):
    for x, y in batches(4):
        optimizer.zero_grad(set_to_none=False)
        F.cross_entropy(model(x), y).backward()
        optimizer.step()


def adversarial(model, optimizer):
    """A generator's step leaves gradients in the discriminator, which are cleared before its own."""
    noise = torch.randn(8, 4).requires_grad_()
    for x, y in batches(4):
        F.cross_entropy(model(noise), 1 - y.clamp(max=1)).backward()
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        F.cross_entropy(model(noise.detach()), y).backward()
        optimizer.step()


@pytest.mark.parametrize(
    "loop",
    [
        lambda model, optimizer: plain(model, optimizer, nn.CrossEntropyLoss()),
        lambda model, optimizer: accumulated(model, optimizer, nn.CrossEntropyLoss()),
        cleared_to_zeros,
        adversarial,
    ],
    ids=["cleared to None", "several backward passes a step", "cleared to zeros", "adversarial"],
)
def test_gradients_that_are_cleared_or_add_up_on_purpose_are_not_carried(tmp_path, loop):
    records = recorded(tmp_path, loop)
    assert set(records.column("gradient_carried").values()) == {0.0}
    assert "gradients_cleared" not in records.card.settings


@pytest.mark.parametrize("to_none", [True, False])
def test_gradients_cleared_between_backward_and_step_are_told_and_reached_their_weights(tmp_path, to_none):
    def loop(model, optimizer):
        for x, y in batches(2):
            F.cross_entropy(model(x), y).backward()
            optimizer.zero_grad(set_to_none=to_none)
            optimizer.step()

    records = recorded(tmp_path, loop)
    assert records.card.settings["gradients_cleared"] is True
    assert records.events("no_gradient") == []


def test_weights_that_the_optimizer_has_not_do_not_count(tmp_path):
    model = mlp()
    optimizer = torch.optim.SGD(model[4].parameters(), 0.01)
    with watch(model, optimizer, tmp_path, every=1):
        plain(model, optimizer, nn.CrossEntropyLoss())
    assert set(Records(tmp_path).column("gradient_carried").values()) == {0.0}


def test_gradients_that_are_clipped_are_not_cleared(tmp_path):
    def loop(model, optimizer):
        for x, y in batches(2):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1e-3)
            optimizer.step()

    assert "gradients_cleared" not in recorded(tmp_path, loop).card.settings


def clipped(how):
    def loop(model, optimizer):
        for x, y in batches(4):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            how(model.parameters())
            optimizer.step()

    return loop


def clipped_under_a_scaler(model, optimizer):
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    for x, y in batches(4):
        optimizer.zero_grad()
        scaler.scale(F.cross_entropy(model(x), y)).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1e-3)
        scaler.step(optimizer)
        scaler.update()


@pytest.mark.parametrize(
    "loop",
    [clipped(lambda weights: nn.utils.clip_grad_norm_(weights, 1e-3)), clipped_under_a_scaler],
    ids=["plain", "scaled"],
)
def test_what_a_loop_clips_is_told_in_times_of_what_the_backward_pass_gave(tmp_path, loop):
    records, unclipped = recorded(tmp_path / "a", loop), recorded(tmp_path / "b", clipped(lambda weights: None))
    assert set(unclipped.column("clip_factor").values()) == {1.0}
    assert records.column("gradient_norm")[1] == pytest.approx(1e-3, rel=1e-3)
    assert records.column("clip_factor")[1] == pytest.approx(1e-3 / unclipped.column("gradient_norm")[1], rel=1e-3)


def test_clipped_values_are_told_as_well(tmp_path):
    records = recorded(tmp_path, clipped(lambda weights: nn.utils.clip_grad_value_(weights, 1e-6)))
    assert all(0.0 < factor < 1e-3 for factor in records.column("clip_factor").values())


class Checkpointed(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(4, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.last(checkpoint(self.first, x.requires_grad_(), use_reentrant=True).relu())


def test_a_part_that_is_checkpointed_is_no_pass_of_its_own(tmp_path):
    model = Checkpointed()
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, tmp_path, every=1):
        for x, y in batches(4):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    records = Records(tmp_path)
    assert set(records.column("gradient_carried").values()) == {0.0}
    assert set(records.column("clip_factor").values()) == {1.0}
