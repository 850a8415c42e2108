import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.output_diversity import CONSTANT, LABELS_VARY, ONE_CLASS, check


def predictions(diversity, from_step=0):
    table = s.data_table()
    values = table.values.copy()
    values[table.steps >= from_step, 2, table.columns.index("diversity")] = diversity
    return s.healthy(data=type(table)(table.steps, table.rows, table.columns, values))


@pytest.mark.parametrize(("diversity", "state"), [(CONSTANT * 1.01, "not_found"), (CONSTANT * 0.99, "found")])
def test_predictions_must_differ_by_more_than_the_threshold(diversity, state):
    found = check(predictions(diversity))
    assert found.state == state
    (evidence,) = found.evidence
    assert evidence.value == pytest.approx(diversity) and evidence.threshold == CONSTANT
    assert (evidence.layers, evidence.steps) == (("prediction:output",), (220, 400))


def test_a_collapse_during_training_has_the_step_it_happened():
    assert check(predictions(0.0, from_step=100)).onset == 100


def test_a_collapse_that_passed_is_none():
    run = predictions(0.0)
    table = run.data
    table.values[table.steps >= 100, 2, table.columns.index("diversity")] = 1.0
    assert check(run).state == "not_found"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_predictions_that_are_not_finite_decide_nothing(value):
    assert check(predictions(value)).state == "inconclusive"


def test_without_predictions_the_check_asks_for_them():
    assert check(s.healthy(data=s.data_table().of_kind("input"))).state == "not_run"


def named(majority, labels=None, diversity=1.0, loss="sparse_categorical_crossentropy", targets=None):
    """A run that gives this share of every batch one class, a number or one a record."""
    run = predictions(diversity)
    targets = targets or s.target_table([0.5, 0.3, 0.2] if labels is None else labels)
    table = s.added(run.data, "majority_share", majority, "prediction")
    return s.healthy(data=table, targets=targets, card=s.card(loss={"name": loss}))


@pytest.mark.parametrize(("majority", "state"), [
    (ONE_CLASS * 1.001, "found"), (1.0, "found"), (ONE_CLASS * 0.999, "not_found"), (0.5, "not_found"),
])  # fmt: skip
def test_a_model_that_names_one_class_is_found(majority, state):
    found = check(named(majority))
    assert (found.state, found.sign("one_class")) == (state, state == "found")
    assert found.sign("majority") == pytest.approx(majority) and found.sign("label_majority") == pytest.approx(0.5)
    assert found.evidence[1].value == pytest.approx(majority) and found.evidence[1].threshold == ONE_CLASS


@pytest.mark.parametrize(("share", "state"), [(LABELS_VARY - 0.001, "found"), (LABELS_VARY + 0.001, "not_found")])
def test_labels_that_are_nearly_all_alike_excuse_it(share, state):
    assert check(named(1.0, [share, 1 - share])).state == state
    assert check(named(1.0, [1 - share], loss="binary_crossentropy")).state == state


def test_naming_one_class_from_some_step_on_has_that_onset():
    assert check(named(np.where(s.layer_table().steps < 100, 0.4, 1.0))).onset == 100
    assert check(named(np.where(s.layer_table().steps < 300, 1.0, 0.4))).state == "not_found"


def test_constant_numbers_and_one_class_share_the_earlier_onset():
    assert check(named(np.where(s.layer_table().steps < 100, 0.4, 1.0), diversity=0.0)).onset == 1


def test_of_a_batch_of_one_class_one_answer_is_right():
    targets = s.target_table([0.5, 0.5])
    targets.values[::2, :, 0], targets.values[1::2, :, 0] = (1.0, 0.0), (0.0, 1.0)
    found = check(named(1.0, targets=targets))
    assert (found.state, found.sign("one_class")) == ("not_found", False)
    assert found.sign("label_majority") == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(("majority", "labels", "ratio"), [(0.99, [0.05], 0.2), (0.9, [0.1], 1.0), (1.0, [0.0], None)])
def test_how_often_the_rare_class_is_named_is_in_times_of_how_often_it_occurs(majority, labels, ratio):
    found = check(named(majority, labels, loss="binary_crossentropy"))
    assert found.sign("rare_named") == (ratio if ratio is None else pytest.approx(ratio, rel=0.01))


@pytest.mark.parametrize(("loss", "labels"), [
    ("mse", [0.5]), ("binary_crossentropy", [0.5, 0.3]), ("categorical_crossentropy", [1.0]), ("mine", [0.5, 0.5]),
])  # fmt: skip
def test_targets_that_are_no_classes_have_no_majority(loss, labels):
    found = check(named(1.0, labels, loss=loss))
    assert (found.state, found.sign("label_majority"), found.sign("one_class")) == ("not_found", None, False)


@pytest.mark.parametrize("majority", [None, np.nan])
def test_a_log_without_majorities_is_judged_by_diversity_alone(majority):
    run = predictions(1.0) if majority is None else named(majority)
    assert (check(run).state, check(run).sign("majority"), check(run).sign("one_class")) == ("not_found", None, False)


def test_a_damaged_log_does_not_raise():
    for run in s.hostile(named(1.0)):
        assert check(run).id == "output_diversity"


def test_a_batch_of_one_has_no_diversity():
    assert check(s.healthy(data=predictions(0.0).data, card=s.card(batch_size=1))).state == "inconclusive"


def test_predictions_at_the_ends_are_told_for_the_start_and_the_end():
    share = np.where(s.layer_table().steps <= 20, 0.9, 0.2)
    run = s.healthy(data=s.added(predictions(1.0).data, "extreme_share", share, "prediction"))
    found = check(run)
    assert (found.sign("extreme_start"), found.sign("extreme")) == (pytest.approx(0.9), pytest.approx(0.2))
    assert check(predictions(1.0)).sign("extreme") is None


def test_a_number_at_zero_is_no_certainty():
    run = s.healthy(
        data=s.added(predictions(1.0).data, "extreme_share", 1.0, "prediction"), card=s.card(loss={"name": "mse"})
    )
    assert check(run).sign("extreme") is None
