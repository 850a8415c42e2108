import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.symptoms.example_mixing import check

VIEW, SOFTMAX = {"operation": "view", "layer": "hidden_1"}, {"operation": "softmax", "layer": ""}


def told(mixing, **changes):
    return s.healthy(card=s.card(framework="torch 2.9", settings={"mixing": mixing}), **changes)


@pytest.mark.parametrize(
    ("mixing", "layers", "text"),
    [([VIEW], ("hidden_1",), "viewed or reshaped"), ([SOFTMAX], (), "softmax goes along the batch")],
)
def test_what_runs_examples_into_each_other_is_found_and_placed(mixing, layers, text):
    found = check(told(mixing))
    assert (found.state, found.layers) == ("found", layers) and text in found.evidence[0].text


def test_where_nothing_does_it_is_cleared():
    assert check(told([])).state == "not_found"


@pytest.mark.parametrize("mixing", [None, "yes", {}, [3], [{"operation": []}], [{"operation": "view", "layer": 3}]])
def test_what_a_log_makes_up_is_no_exception(mixing):
    assert check(told(mixing)).state in ("not_run", "not_found", "found")


def test_a_run_that_learns_is_not_accused_of_it():
    assert all(cause.severity == "note" for cause in diagnose_run(told([SOFTMAX])).causes)
