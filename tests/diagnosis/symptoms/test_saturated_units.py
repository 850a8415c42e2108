from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.saturated_units import SATURATED, check


def saturated(share, rows=("hidden_1",), from_step=0):
    """Every hidden layer is bounded and a tenth saturated, but `rows` at this share from a step on."""
    table = s.with_column(s.layer_table(), "activation_saturated_share", 0.1)
    return s.healthy(layers=s.with_column(table, "activation_saturated_share", share, rows, from_step))


@pytest.mark.parametrize(("share", "state"), [(SATURATED, "not_found"), (SATURATED + 0.01, "found")])
def test_more_than_half_of_a_layer_must_be_saturated(share, state):
    assert check(saturated(share)).state == state


def test_the_evidence_names_the_layer_its_share_and_the_threshold():
    found = check(saturated(0.75))
    (evidence,) = found.evidence
    assert found.layers == evidence.layers == ("hidden_1",)
    assert (evidence.value, evidence.threshold, evidence.steps) == (0.75, SATURATED, (220, 400))
    assert "'hidden_1' 75% of the outputs" in evidence.text


def test_saturation_knows_whether_it_was_there_from_the_start():
    assert (check(saturated(0.9)).onset, check(saturated(0.9)).sign("at_start")) == (1, True)
    late = check(saturated(0.9, from_step=100))
    assert (late.onset, late.sign("at_start")) == (100, False)


def test_the_start_is_that_of_the_layer_that_started_worst():
    run = saturated(0.95)
    mixed = replace(run, layers=s.with_column(run.layers, "activation_saturated_share", 0.99, ["hidden_2"], 100))
    assert check(mixed).sign("start") == pytest.approx(0.95)
    assert check(saturated(0.4)).sign("start") is None


def test_an_output_layer_that_is_sure_of_itself_is_only_noted():
    found = check(saturated(1.0, rows=["output"]))
    assert found.state == "not_found" and found.sign("output_saturated")
    assert not check(saturated(0.99, rows=["output"])).sign("output_saturated")


def test_a_model_whose_only_bounded_layer_is_its_output_is_not_accused():
    table = s.with_column(s.layer_table(), "activation_saturated_share", 0.9, ["output"])
    assert check(s.healthy(layers=table)).state == "not_found"


def test_a_model_without_bounded_activations_cannot_saturate():
    assert check(s.healthy()).state == "not_run"


def test_shares_lost_in_the_last_half_decide_nothing():
    assert check(saturated(np.nan, rows=s.UNITS, from_step=100)).state == "inconclusive"
