import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.activation_scale import BLOWN, FADED, GROWN, check
from tb_lossdiag.run import Row, Table


def spread(value, rows=("hidden_2",)):
    return s.healthy(layers=s.with_column(s.layer_table(), "activation_std", value, rows=rows))


@pytest.mark.parametrize(("value", "level"), [
    (FADED * 0.99, "faded"), (FADED * 1.01, "normal"), (BLOWN * 0.99, "normal"), (BLOWN * 1.01, "blown"),
])  # fmt: skip
def test_a_spread_is_judged_from_either_side_of_its_threshold(value, level):
    found = check(spread(value))
    assert found.sign("level") == level
    assert found.state == ("not_found" if level == "normal" else "found")


def test_the_evidence_names_the_layer_its_spread_and_the_threshold():
    found = check(spread(2 * BLOWN))
    (evidence,) = found.evidence
    assert found.layers == evidence.layers == ("hidden_2",)
    assert (evidence.value, evidence.threshold, evidence.steps) == (2 * BLOWN, BLOWN, (1, 1))
    assert "'hidden_2' have a spread of 2e+02" in evidence.text


def test_the_fault_begins_at_the_first_recorded_step():
    assert check(spread(2 * BLOWN)).onset == 1


def test_what_happens_after_the_first_step_is_no_matter_of_the_start():
    table = s.with_column(s.layer_table(), "activation_std", 1e4, from_step=2)
    assert check(s.healthy(layers=table)).state == "not_found"


def test_the_output_layer_may_have_any_spread():
    assert check(spread(1e4, rows=["output"])).state == "not_found"


def test_a_blown_layer_outweighs_a_faded_one():
    table = s.with_column(s.layer_table(), "activation_std", 1e-4, rows=["hidden_1"])
    table = s.with_column(table, "activation_std", 2 * BLOWN, rows=["hidden_3"])
    assert check(s.healthy(layers=table)).layers == ("hidden_3",)


def test_spreads_that_are_not_finite_decide_nothing():
    assert check(spread(np.nan, rows=s.UNITS)).state == "inconclusive"


def test_a_model_of_one_layer_has_no_hidden_spread():
    table = s.layer_table()
    run = s.healthy(layers=s.filled(table, 1.0).of_kind("variable"))
    assert check(run).state == "not_run" and "hidden layer" in check(run).needs


def growing(*spreads):
    """A stack of hidden layers with these spreads at the first step, an output behind them."""
    names = [*(f"hidden_{i}" for i in range(len(spreads))), "output"]
    values = np.array([*spreads, 0.1])[None, :, None]
    rows = tuple(Row(name, "output", name) for name in names)
    return s.healthy(layers=Table(np.array([1]), rows, ("activation_std",), values.astype("float32"), 1))


@pytest.mark.parametrize(("spreads", "level"), [
    (np.geomspace(0.5, 0.5 * GROWN * 1.1, 8), "growing"), (np.geomspace(0.5, 0.5 * GROWN * 0.9, 8), "normal"),
    ((0.5, 9.0), "normal"), ((0.5, 0.2, 0.4, 0.1, 9.0), "normal"),
])  # fmt: skip
def test_a_spread_that_grows_from_layer_to_layer_is_found(spreads, level):
    found = check(growing(*spreads))
    assert found.sign("level") == level
    if level == "growing":
        assert found.layers == ("hidden_7",) and found.evidence[0].threshold == GROWN
