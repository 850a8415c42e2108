import pytest

from benchmarks.overhead.goals import FIRST, OFF, goal, verdict
from benchmarks.overhead.paired import Spread


def test_some_goals_hold_everywhere_and_some_by_model():
    assert goal(OFF, "lstm") == 1.005
    assert goal(FIRST, "mlp") == 2.0
    assert goal("every=1", "deep") == 1.45
    assert goal("every=1", "lstm") is None


@pytest.mark.parametrize(
    ("low", "median", "high", "said"),
    [
        (1.0, 1.01, 1.02, "met"),
        (1.0, 1.01, 1.2, "likely met"),
        (1.0, 1.06, 1.2, "likely missed"),
        (1.06, 1.1, 1.2, "missed"),
    ],
)
def test_missed_is_said_only_where_the_whole_interval_lies_above(low, median, high, said):
    assert verdict(Spread(median, low, high, 9), 1.05) == said


def test_without_a_goal_nothing_is_said():
    assert verdict(Spread(1.0, 1.0, 1.0, 9), None) == ""
