"""Torch's losses as the diagnosis knows them, and the form of what they are given."""

import pytest
import torch
from torch import nn

from tb_lossdiag.torch.losses import Loss, counted, described, in_units, tensors

LABELS = torch.tensor([0, 2])
SCORES = torch.randn(2, 3)


@pytest.mark.parametrize(
    ("module", "target", "activation", "loss"),
    [
        (nn.CrossEntropyLoss(), LABELS, "linear", Loss("SparseCategoricalCrossentropy", True, 3, -100)),
        (nn.CrossEntropyLoss(), SCORES.softmax(1), "linear", Loss("CategoricalCrossentropy", True)),
        (nn.NLLLoss(), LABELS, "log_softmax", Loss("SparseCategoricalCrossentropy", True, 3, -100)),
        (nn.NLLLoss(), LABELS, "linear", Loss("NLLLoss", False, 3, -100)),
        (nn.BCEWithLogitsLoss(), SCORES, "linear", Loss("BinaryCrossentropy", True)),
        (nn.BCELoss(), SCORES, "sigmoid", Loss("BinaryCrossentropy")),
        (nn.MSELoss(), SCORES, "linear", Loss("MeanSquaredError")),
        (nn.L1Loss(), SCORES, "linear", Loss("MeanAbsoluteError")),
        (nn.SmoothL1Loss(), SCORES, "linear", Loss("SmoothL1Loss")),
        (nn.MultiMarginLoss(), LABELS, "linear", Loss("MultiMarginLoss", classes=3)),
        (nn.MSELoss(reduction="sum"), SCORES, "linear", Loss("MeanSquaredError", weighted=True)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_a_loss_is_described_as_it_was_called(module, target, activation, loss):
    assert described(type(module), vars(module), SCORES, target, activation) == loss


def test_class_weights_make_it_another_mean():
    assert described(nn.CrossEntropyLoss, {"weight": torch.ones(3)}, SCORES, LABELS, "linear").weighted
    assert described(nn.BCELoss, {"weight": torch.ones(3)}, SCORES, SCORES, "sigmoid").weighted


def test_the_classes_of_a_cross_entropy_are_moved_last():
    assert in_units(nn.CrossEntropyLoss, torch.zeros(2, 3, 7)).shape == (2, 7, 3)
    assert in_units(nn.MSELoss, torch.zeros(2, 3, 7)).shape == (2, 3, 7)
    assert in_units(nn.MSELoss, torch.zeros(2, 3, 7, 5)).shape == (2, 7, 5, 3)


def test_ignored_labels_do_not_count():
    loss = described(nn.CrossEntropyLoss, {"ignore_index": 2}, SCORES, LABELS, "linear")
    assert counted(LABELS, loss).tolist() == [0]


def test_tensors_are_found_in_any_nesting():
    found = list(tensors(({"a": torch.zeros(1), "b": None}, [torch.ones(1), "text"], torch.eye(2).to_sparse())))
    assert [tensor.item() for tensor in found] == [0, 1]
