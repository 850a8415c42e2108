"""Targets of a watched loop that are another argument of its step: an input, weights, anything but the labels."""

from dataclasses import replace

import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.foreign_targets import TOLD, without_foreign_targets
from tb_lossdiag.run import Row

BINARY = {"name": "BinaryCrossentropy", "from_logits": True}


def pairs(second, epochs=None, loss=BINARY, **settings):
    """A loop over two inputs and a label, which learns; second: statistics of what was recorded as the targets."""
    card = s.with_layer(s.card(loss=loss, epochs=epochs, settings=settings), "output", activation="linear", units=1)
    run = a.learned(0.69, 0.2, card=card, targets=second, layers=None)
    data = s.with_rows(run.data, (Row("input:other", "input"),))
    values = data.values.copy()
    other = {"min": -3.0, "max": 3.0, "mean": 0.0, "std": 1.0}
    for name, value in other.items():
        values[:, -1, data.columns.index(name)] = value + 0.01 * np.arange(len(values))
    if second is None:  # the second input itself
        values[:, [row.kind for row in data.rows].index("target")] = values[:, -1]
    spread = [float(values[0, -1, data.columns.index("std")])]
    return replace(run, data=replace(data, values=values), targets=s.target_table([0.0], spread))


def kept(run):
    return without_foreign_targets(run)[0] is run


def test_a_second_input_that_was_taken_for_the_targets_is_left_out_and_the_report_says_so():
    run = pairs(None)
    report = diagnose_run(run)
    assert report.severity in ("none", "note") and TOLD in report.notes
    found, notes = without_foreign_targets(run)
    assert found.targets is None and not found.data.of_kind("target").rows and notes == (TOLD,)
    assert len(found.data.of_kind("prediction").rows) == 1


def test_the_targets_of_a_fit_are_its_own():
    assert kept(pairs(None, epochs=10))


@pytest.mark.parametrize(("second", "own"), [
    ({"min": 0.0, "max": 1.0}, True), ({"min": -1.0, "max": 1.0}, True), ({"min": 0.0, "max": 255.0}, True),
    ({"min": -3.4, "max": 4.5}, False),
])  # fmt: skip
def test_labels_may_be_wrong_but_fractions_beyond_yes_and_no_are_none(second, own):
    assert kept(pairs(second)) is own


@pytest.mark.parametrize(("shape", "own"), [([None, 1], True), ([None], True), ([None, 7], False)])
def test_targets_have_as_many_numbers_as_the_loss_was_called_with(shape, own):
    run = pairs({"min": 0.0, "max": 1.0}, loss_shapes={"target": shape, "prediction": [None, 1]})
    assert kept(run) is own


@pytest.mark.parametrize(("spread", "own"), [(1.0, True), (0.8, True), (3.0, False), (0.1, False)])
def test_a_squared_error_of_a_constant_is_the_variance_of_the_targets(spread, own):
    run = pairs({"min": -2.0, "max": 2.0}, loss={"name": "MeanSquaredError"})
    at = list(run.data.columns).index("loss_constant")
    values = run.data.values.copy()
    values[:, [row.kind for row in run.data.rows].index("prediction"), at] = 1.0
    run = replace(run, data=replace(run.data, values=values), targets=s.target_table([0.0], [spread]))
    assert kept(run) is own


def test_a_run_without_data_is_left_as_it_is():
    assert kept(s.healthy(card=s.card(epochs=None), data=None, targets=None))
    assert kept(s.healthy(card=None))


@pytest.mark.parametrize(("second", "own"), [
    ({"min": 0.0, "max": 9.0, "mean": 4.4, "std": 2.9}, True),
    ({"min": 0.0, "max": 1.0, "mean": 0.3, "std": 0.21**0.5}, True),
    ({"min": 0.0, "max": 1.0, "mean": 0.5, "std": 0.28}, False),
    ({"min": 0.04, "max": 23.5, "mean": 9.0, "std": 5.0}, False),
    ({"min": -1.0, "max": 255.0, "mean": 9.0, "std": 5.0}, True),
])  # fmt: skip
def test_numbers_of_classes_are_whole(second, own):
    classes = {"name": "SparseCategoricalCrossentropy", "from_logits": True}
    assert kept(pairs(second, loss=classes, target_kind="sparse_classes")) is own
