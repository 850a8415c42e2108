"""The residual of each known pair of loss and activation, and of no other."""

import pytest

from tb_lossdiag.recording.losses import Loss
from tb_lossdiag.recording.residual import residual_form


@pytest.mark.parametrize(("activation", "name", "from_logits", "form"), [
    ("linear", "SparseCategoricalCrossentropy", True, "softmax"), ("linear", "BinaryCrossentropy", True, "sigmoid"),
    ("softmax", "CategoricalCrossentropy", False, "difference"), ("sigmoid", "BinaryCrossentropy", False, "difference"),
    ("linear", "MeanSquaredError", False, "difference"), ("linear", "MeanAbsoluteError", False, "sign"),
    ("softmax", "CategoricalCrossentropy", True, None), ("sigmoid", "CategoricalCrossentropy", False, None),
    ("softmax", "BinaryCrossentropy", False, None), ("relu", "MeanSquaredError", False, None),
    ("linear", "BinaryCrossentropy", False, None), ("linear", "Huber", False, None),
    (None, "MeanSquaredError", False, None),
])  # fmt: skip
def test_a_form_belongs_to_a_pair(activation, name, from_logits, form):
    assert residual_form(activation, Loss(name, from_logits, False)) == form


def test_a_loss_that_leaves_out_examples_has_none():
    assert residual_form("softmax", Loss("SparseCategoricalCrossentropy", False, True)) is None
