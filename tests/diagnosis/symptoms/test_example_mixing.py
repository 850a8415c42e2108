import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.symptoms.example_mixing import check


def told(mixing, **changes):
    return s.healthy(card=s.card(framework="torch 2.9", settings={"mixing": mixing}), **changes)


@pytest.mark.parametrize(
    ("layer", "at", "where"),
    [
        ("hidden_1", "output", "from 'hidden_1' on"),
        ("hidden_1", "input", "what reaches 'hidden_1'"),
        ("", "output", "behind the last layer"),
    ],
)
def test_outputs_that_hang_on_their_neighbours_are_found_and_placed(layer, at, where):
    found = check(told({"mixed": True, "layer": layer, "at": at}))
    assert (found.state, found.layers) == ("found", (layer,) if layer else ()) and where in found.evidence[0].text


def test_outputs_that_do_not_are_cleared():
    assert check(told({"mixed": False})).state == "not_found"


@pytest.mark.parametrize("mixing", [None, "yes", {}, {"mixed": "yes"}, {"mixed": True, "layer": 3, "at": []}])
def test_what_a_log_makes_up_is_no_exception(mixing):
    assert check(told(mixing)).state in ("not_run", "found")


def test_a_run_that_learns_is_not_accused_of_it():
    causes = diagnose_run(told({"mixed": True, "layer": "", "at": "output"})).causes
    assert all(cause.severity == "note" for cause in causes)
