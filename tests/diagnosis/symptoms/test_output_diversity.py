import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.output_diversity import CONSTANT, check


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
