"""The agreement of half batches against two backward passes."""

import pytest
import torch
from torch import nn

from tb_lossdiag.torch.agreement import gradient_agreement
from tb_lossdiag.torch.losses import described

LABELS = torch.tensor([0, 2, 1, 1, 0, 2])
CASES = {
    "classes": (nn.CrossEntropyLoss(), LABELS, "linear"),
    "probabilities": (nn.CrossEntropyLoss(), torch.eye(3)[LABELS], "linear"),
    "log-probabilities": (nn.NLLLoss(), LABELS, "log_softmax"),
    "binary logits": (nn.BCEWithLogitsLoss(), torch.eye(3)[LABELS], "linear"),
    "binary": (nn.BCELoss(), torch.eye(3)[LABELS], "sigmoid"),
    "squares": (nn.MSELoss(), torch.eye(3)[LABELS], "linear"),
    "absolute": (nn.L1Loss(), torch.eye(3)[LABELS], "linear"),
}
BEHIND = {"linear": lambda z: z, "log_softmax": lambda z: z.log_softmax(-1), "sigmoid": torch.sigmoid}


@pytest.mark.parametrize("case", CASES)
def test_it_is_the_cosine_of_the_halves_gradients(case):
    module, target, activation = CASES[case]
    torch.manual_seed(0)
    layer, features = nn.Linear(5, 3), torch.randn(6, 5)
    halves = []
    for part in (slice(0, 3), slice(3, 6)):
        layer.zero_grad()
        module(BEHIND[activation](layer(features[part])), target[part]).backward()
        halves.append(layer.weight.grad.flatten().clone())
    logits = layer(features).detach()
    loss = described(type(module), vars(module), BEHIND[activation](logits), target, activation)
    found = gradient_agreement(features, logits, target, activation, loss)
    assert float(found) == pytest.approx(float(torch.cosine_similarity(*halves, dim=0)), rel=1e-4)


def test_it_is_not_known_of_other_losses_nor_of_few_examples():
    features, logits = torch.randn(6, 5), torch.randn(6, 3)
    assert (
        gradient_agreement(features, logits, logits, "linear", described(nn.HuberLoss, {}, logits, logits, "")) is None
    )
    squares = described(nn.MSELoss, {}, logits, logits, "linear")
    assert gradient_agreement(features, logits, torch.zeros(5), "linear", squares) is None
    assert torch.isnan(gradient_agreement(features[:2], logits[:2], logits[:2], "linear", squares))
