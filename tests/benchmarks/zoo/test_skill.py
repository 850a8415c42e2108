import numpy as np
import pytest

from benchmarks.zoo.skill import skill

CLASSES = np.array([0, 1, 2, 0, 1, 2])
YES = np.array([[0.0], [0.0], [0.0], [1.0]])
NUMBERS = np.array([[1.0], [2.0], [3.0], [6.0]])


@pytest.mark.parametrize(
    ("task", "targets", "predictions"),
    [
        ("classes", CLASSES, np.eye(3)[CLASSES]),
        ("classes", np.eye(3)[CLASSES], np.eye(3)[CLASSES]),
        ("binary", YES, YES),
        ("labels", np.hstack([YES, 1 - YES]), np.hstack([YES, 1 - YES])),
        ("regression", NUMBERS, NUMBERS),
    ],
)
def test_a_perfect_prediction_is_1(task, targets, predictions):
    assert skill(task, targets, predictions) == pytest.approx(1)


@pytest.mark.parametrize(
    ("task", "targets", "predictions"),
    [
        ("classes", CLASSES, np.tile([0.2, 0.5, 0.3], (6, 1))),
        ("binary", YES, np.full((4, 1), 0.1)),
        ("labels", np.hstack([YES, YES]), np.full((4, 2), 0.9)),
        ("regression", NUMBERS, np.full((4, 1), 3.0)),
    ],
)
def test_a_constant_guess_is_0_however_rare_the_rest(task, targets, predictions):
    assert skill(task, targets, predictions) == pytest.approx(0)


def test_logits_say_yes_above_0():
    assert skill("binary", YES, 0.4 * (2 * YES - 1), threshold=0.0) == pytest.approx(1)


def test_a_regression_far_off_is_not_below_minus_1():
    assert skill("regression", NUMBERS, 1e6 * NUMBERS) == -1


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_predictions_that_are_no_numbers_are_worth_nothing(value):
    assert skill("regression", NUMBERS, np.full((4, 1), value)) == 0


@pytest.mark.parametrize("task", ["classes", "binary", "regression"])
def test_constant_targets_teach_nothing(task):
    assert skill(task, np.ones((4, 1)), np.ones((4, 1))) == 0
