from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from benchmarks.peers import autotrainer
from benchmarks.peers.answer import Case

GOOD = np.linspace(0.75, 0.95, 10)
BAD = np.full(10, 0.1)


def layers():
    """The healthy layer table; ten probabilities have a mean of a tenth."""
    return s.with_column(s.layer_table(), "activation_mean", 0.1, rows=("output",))


def trained(accuracy=GOOD, loss=None, **changes):
    loss = np.linspace(2.3, 0.5, len(accuracy)) if loss is None else np.asarray(loss)
    known = {"epochs": s.epochs(loss=loss, accuracy=accuracy, val_loss=loss), "layers": layers()}
    return s.healthy(**{**known, **changes})


def issue(run) -> str:
    answer = autotrainer.ask(Case(run, None))
    assert answer.ran
    return answer.said[0].split()[0] if answer.said else ""


def norms(first: float, last: float):
    table = s.with_column(layers(), "gradient_norm", first, rows=("hidden_1/kernel",))
    return s.with_column(table, "gradient_norm", last, rows=("output/kernel",))


def test_a_training_that_reaches_its_accuracy_is_left_alone():
    assert issue(trained()) == ""


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ("vanish", {"layers": norms(9e-5, 0.1)}),
        ("explode", {"layers": norms(7.1, 0.1)}),
        ("relu", {"layers": s.with_column(layers(), "gradient_zero_share", 0.71)}),
        ("not_converge", {}),
        ("activation_issue", {"card": s.with_layer(s.card(), "output", activation="sigmoid")}),
        ("abnormal_data", {"data": s.data_table(input={"mean": 130.0})}),
    ],
)
def test_an_accuracy_that_never_rises_is_put_down_to_the_first_issue_of_its_chain(expected, changes):
    assert issue(trained(BAD, **changes)) == expected


@pytest.mark.parametrize(
    "table",
    [
        norms(1.1e-4, 0.2),
        norms(9e-5, 0.08),
        norms(6.9, 0.1),
        s.with_column(layers(), "gradient_zero_share", 0.69),
    ],
)
def test_gradients_within_the_thresholds_are_no_issue(table):
    assert issue(trained(BAD, layers=table)) == "not_converge"


def test_gradients_are_no_issue_while_the_accuracy_is_fine():
    assert issue(trained(layers=norms(9e-5, 0.1))) == ""


def test_a_swinging_accuracy_is_unstable():
    assert issue(trained(np.tile([0.9, 0.8], 5))) == "unstable"
    assert issue(trained(np.tile([0.9, 0.88], 5))) == ""


def test_a_large_loss_with_broken_gradients_is_an_explosion():
    broken = s.with_column(layers(), "gradient_nonfinite", 5)
    assert issue(trained(loss=np.full(10, np.nan), layers=broken)) == "explode"


def test_a_loss_below_zero_is_a_loss_issue():
    assert issue(trained(loss=np.linspace(1, -5, 10))) == "loss_issue"


def test_a_loss_that_is_no_cross_entropy_is_a_loss_issue():
    assert issue(trained(card=s.card(loss={"name": "mean_squared_error"}))) == "loss_issue"


def test_issues_map_to_our_causes():
    answer = autotrainer.ask(Case(trained(BAD, layers=norms(9e-5, 0.1)), None))
    assert answer.alarmed and answer.causes == ("vanishing_gradients",)


def test_without_an_accuracy_it_cannot_run():
    answer = autotrainer.ask(Case(replace(trained(), epochs=s.epochs(loss=GOOD)), None))
    assert not answer.ran and not answer.alarmed and "accuracy" in answer.said[0]


def test_curves_alone_are_enough():
    assert issue(replace(trained(BAD), card=None, layers=None, data=None)) == "not_converge"
