"""A loss of cosines alone is told, where both sides have a gradient; a detach, negatives or a look are not."""

import pytest
import torch
from recording.reading import Records
from torch import nn
from torch.nn import functional as F

from tb_lossdiag import diagnose
from tb_lossdiag.torch import watch


def pulled(p, z):
    return -F.cosine_similarity(p, z, dim=1).mean()


LOSSES = {
    "both sides": (lambda a, b, p, q: 0.5 * (pulled(p, b) + pulled(q, a)), True),
    "one less it": (lambda a, b, p, q: 1 - F.cosine_similarity(p, b).mean(), True),
    "a module": (lambda a, b, p, q: -nn.CosineSimilarity()(p, b).mean(), True),
    "detached": (lambda a, b, p, q: 0.5 * (pulled(p, b.detach()) + pulled(q, a.detach())), False),
    "pushed apart": (lambda a, b, p, q: pulled(p, b) + F.cosine_similarity(p, b.roll(1, 0)).mean(), False),
    "only looked at": (lambda a, b, p, q: (p - b).pow(2).mean() + 0 * pulled(p, b).detach(), False),
}


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.code = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 8))
        self.predictor = nn.Linear(8, 8)

    def forward(self, x, y):
        a, b = self.code(x), self.code(y)
        return a, b, self.predictor(a), self.predictor(b)


def trained(log_dir, loss, steps):
    torch.manual_seed(0)
    model = Siamese()
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    with watch(model, optimizer, log_dir):
        for _ in range(steps):
            x = torch.randn(32, 6)
            optimizer.zero_grad()
            loss(*model(x + 0.1 * torch.randn(32, 6), x + 0.1 * torch.randn(32, 6))).backward()
            optimizer.step()


@pytest.mark.parametrize("kind", LOSSES)
def test_a_loss_of_cosines_alone_with_a_gradient_on_both_sides_is_told(tmp_path, kind):
    loss, told = LOSSES[kind]
    trained(tmp_path, loss, 2)
    assert Records(tmp_path).card.settings.get("draws_together", False) == told


def test_torch_has_its_own_cosine_back_afterwards(tmp_path):
    before = F.cosine_similarity
    trained(tmp_path, LOSSES["both sides"][0], 2)
    assert F.cosine_similarity is before


def test_views_that_became_one_point_are_named_and_a_detach_is_not(tmp_path):
    for kind in ("both sides", "detached"):
        trained(tmp_path / kind, LOSSES[kind][0], 500)
    first = next(iter(diagnose(tmp_path / "both sides").values())).causes[0]
    assert (first.id, first.title) == ("representation_collapse", "Views are only drawn together")
    assert not [one for one in next(iter(diagnose(tmp_path / "detached").values())).causes if one.severity != "note"]
