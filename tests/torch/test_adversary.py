"""A loss that two models play for is judged by neither's labels, and one that a head is trained with is."""

import pytest
import torch
from recording.reading import Records
from torch import nn
from torch.nn import functional as F

from tb_lossdiag.torch import watch

G = torch.Generator().manual_seed(1)


def networks():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2)), nn.Sequential(
        nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1)
    )


@pytest.mark.parametrize("freezes", [True, False], ids=["frozen meanwhile", "not frozen"])
@pytest.mark.parametrize("at_once", [True, False], ids=["one backward pass", "two"])
def test_two_adversaries_each_see_their_own(tmp_path, at_once, freezes):
    generator, judge = networks()
    g_optimizer, d_optimizer = (torch.optim.SGD(model.parameters(), 0.01) for model in (generator, judge))
    g_losses, d_losses = [], []
    with (
        watch(generator, g_optimizer, tmp_path / "g", every=1),
        watch(judge, d_optimizer, tmp_path / "d", every=1),
    ):
        for _ in range(4):
            real = 5.0 + torch.randn(16, 2, generator=G)
            fake = generator(torch.randn(16, 2, generator=G))
            d_optimizer.zero_grad()
            parts = [
                F.binary_cross_entropy_with_logits(judge(real), torch.ones(16, 1)),
                F.binary_cross_entropy_with_logits(judge(fake.detach()), torch.zeros(16, 1)),
            ]
            for loss in [sum(parts)] if at_once else parts:
                loss.backward()
            d_optimizer.step()
            g_optimizer.zero_grad()
            judge.requires_grad_(not freezes)
            g_loss = F.binary_cross_entropy_with_logits(judge(fake), torch.ones(16, 1))
            g_loss.backward()
            g_optimizer.step()
            judge.requires_grad_()
            g_losses.append(g_loss.item())
            d_losses.append(loss.item())
    g, d = Records(tmp_path / "g"), Records(tmp_path / "d")
    assert list(g.column("loss").values()) == pytest.approx(g_losses)
    assert list(d.column("loss").values()) == pytest.approx(d_losses)
    assert d.card.settings["calls_per_step"] == 2
    assert "calls_per_step" not in g.card.settings and g.card.batch_size == 16
    # Neither is judged by labels: a good judge of good fakes is at chance, and the generator has no labels at all.
    assert g.card.loss == d.card.loss == {}
    assert "made by another model" in g.card.settings["not_measured"]
    assert "what is real" in d.card.settings["not_measured"]
    for records in (g, d):
        assert set(records.column("gradient_carried").values()) == {0.0}
        assert not {"untracked", "broadcasts"} & set(records.card.settings)


def test_a_head_that_is_trained_with_it_is_a_part_of_the_model(tmp_path):
    body, head = nn.Linear(4, 8), nn.Linear(8, 3)
    optimizer = torch.optim.SGD([*body.parameters(), *head.parameters()], 0.01)
    with watch(body, optimizer, tmp_path):
        F.cross_entropy(head(body(torch.ones(6, 4)).relu()), torch.tensor([0, 1, 2] * 2)).backward()
        optimizer.step()
    assert Records(tmp_path).card.loss["name"] == "SparseCategoricalCrossentropy"
