import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.yes_or_no import MANY_CLASSES, asks_each_class


def asked(shares, loss="binary_crossentropy"):
    card = s.with_layer(s.card(loss={"name": loss}), "output", units=len(shares), activation="softmax")
    return asks_each_class(s.healthy(card=card, targets=s.target_table(shares)))


def test_many_classes_that_exclude_each_other_are_asked_one_by_one():
    assert "One of 40 classes is right" in asked(np.full(40, 1 / 40))


@pytest.mark.parametrize(
    ("shares", "loss"),
    [
        (np.full(40, 1 / 40), "categorical_crossentropy"),
        (np.full(40, 3 / 40), "binary_crossentropy"),
        (np.full(MANY_CLASSES - 1, 1 / (MANY_CLASSES - 1)), "binary_crossentropy"),
    ],
    ids=["another loss", "labels that hold together", "few classes"],
)
def test_another_loss_labels_that_hold_together_and_few_classes_are_not(shares, loss):
    assert asked(shares, loss) is None
