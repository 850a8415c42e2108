from dataclasses import replace

import asked_losses as a
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.loss_shapes import check

SPREAD = {"operation": "sub", "left": [32], "right": [32, 1], "result": [32, 32], "where": "train.py:17"}


def called(target, prediction, change=None, loss="my_loss", units=10, **columns):
    """The loss called with these shapes; change: by dealing outputs to other examples, None where it was not asked."""
    card = a.own(settings={"loss_shapes": {"target": target, "prediction": prediction}})
    card = s.with_layer(replace(card, loss={**card.loss, "name": loss}), "output", units=units)
    references = {} if change is None else {"loss_shuffled": a.noisy(s.flat()[a.STEPS - 1], 0)}
    references |= {} if change is None else {"loss_shuffled_change": change}
    return check(a.run(s.flat(), references | columns, card=card))


def operated(*operations, change=None):
    card = a.own(settings={"broadcasts": list(operations)})
    references = {} if change is None else {"loss_shuffled": 2.3, "loss_shuffled_change": change}
    return check(a.run(s.flat(), references, card=card))


@pytest.mark.parametrize(("target", "prediction"), [([None], [None, 1]), ([None, 1], [None]), ([32], [32, 1])])
def test_ranks_that_differ_under_a_loss_that_tells_no_output_from_another_are_proved(target, prediction):
    found = called(target, prediction, change=3e-8)
    assert found.found and found.sign("proved") and found.onset == 0
    assert "(batch,)" in found.evidence[0].text or "(32,)" in found.evidence[0].text


@pytest.mark.parametrize(("target", "prediction"), [
    ([None, 1], [None, 1]), ([None], [None]), ([None], [None, 10]), ([None, 5], [None, 5, 10]), ([], [None, 1]),
])  # fmt: skip
def test_shapes_that_stand_side_by_side_or_hold_classes_are_sound(target, prediction):
    assert called(target, prediction, change=3e-8).state == "not_found"


def test_a_loss_that_brings_the_ranks_together_itself_is_sound():
    assert called([None], [None, 1], change=0.5).state == "not_found"


@pytest.mark.parametrize(("target", "prediction"), [([None, 1], [None, 24]), ([32, 1, 1], [32, 24, 1])])
def test_a_distance_between_one_target_and_several_outputs_is_found(target, prediction):
    found = called(target, prediction, loss="mean_squared_error", units=1)
    assert found.sign("kind") == "repeated" and "24 outputs" in found.evidence[0].text


@pytest.mark.parametrize(("target", "prediction", "loss"), [
    ([None, 1], [None, 3], "pinball"), ([None, 1], [None, 10], "sparse_categorical_crossentropy"),
    ([None, 24], [None, 24], "mean_squared_error"), ([None, 8, 1], [None, 8, 1], "huber"),
    ([None, 1], [None, None], "mean_squared_error"),
], ids=["a loss of one's own", "classes", "as many", "as many steps", "unknown"])  # fmt: skip
def test_other_losses_and_targets_of_the_outputs_own_size_are_sound(target, prediction, loss):
    assert called(target, prediction, loss=loss, units=1).state == "not_found"


def test_the_members_of_an_ensemble_may_be_asked_for_one_number():
    assert called([None, 1], [None, 5], loss="mean_squared_error", units=5).state == "not_found"


def test_outputs_that_are_alike_prove_nothing():
    assert called([None], [None, 1], change=0.0, diversity=1e-6).state == "inconclusive"
    assert called([None], [None, 1]).state == "inconclusive"


def test_an_operation_that_makes_a_table_of_two_ranks_is_named_with_its_place():
    found = operated(SPREAD)
    assert found.found and not found.sign("proved") and "train.py:17" in found.evidence[0].text
    assert operated(SPREAD, change=0.5).state == "not_found"  # the loss tells the outputs apart all the same


@pytest.mark.parametrize("operation", [
    {**SPREAD, "result": [32, 1]}, {**SPREAD, "left": [1, 32]}, {**SPREAD, "operation": "Equal"}, {"operation": "sub"},
    {**SPREAD, "left": ["?"]}, "sub", None,
])  # fmt: skip
def test_operations_without_a_surprise_are_sound(operation):
    assert operated(operation).state == "not_found"


def test_without_shapes_it_is_not_run():
    assert check(s.healthy()).state == "not_run"
