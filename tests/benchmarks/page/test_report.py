from dataclasses import replace

from benchmarks.page.goals import GOALS
from benchmarks.page.loads import Load, Other
from benchmarks.page.report import against_goals, beside_tensorboard, bundle

FAST = Load(findings=200, heatmap=700, first=1000, hover=[10, 12], zoom=[20, 30], heap=40e6, records=986)


def verdicts(loads, layers=500):
    return {row[1]: row[-1] for row in against_goals({layers: loads}).rows}


def test_a_fast_page_meets_every_goal():
    assert verdicts([FAST] * 3) == {goal.title: "" if goal.limit is None else "met" for goal in GOALS}


def test_the_median_of_the_loads_is_held_against_the_goal():
    slow = replace(FAST, findings=801)
    assert verdicts([FAST, FAST, slow])["first findings visible"] == "met"
    assert verdicts([FAST, slow, slow])["first findings visible"] == "missed"


def test_the_tail_is_told_and_has_no_goal():
    late = replace(FAST, zoom=[20] * 15 + [90] * 5)
    told = {row[1]: row[2:] for row in against_goals({500: [late]}).rows}
    assert told["zoom, median"][0] == "20 ms"
    assert (told["zoom, 95 %"][0], told["zoom, 95 %"][-1]) == ("90 ms", "")


def test_twice_the_layers_may_take_twice_as_much_and_half_of_them_no_less():
    loads = [replace(FAST, heap=110e6)]
    assert verdicts(loads, 1000)["heap of the page"] == "met"
    assert verdicts(loads, 500)["heap of the page"] == verdicts(loads, 250)["heap of the page"] == "missed"


def test_tensorboards_tabs_are_told_as_multiples_of_ours_with_how_much_of_the_training_they_show():
    other = Other(first=3000, heap=80e6, shown=6)
    ours, theirs = beside_tensorboard({500: [FAST]}, {("Time Series", 500): [other]}).rows
    assert ours[-1] == "all 500"
    assert theirs == ("500", "Time Series", "3000 ms", "3.00", "80 MB", "2.00", "6 of 501")


def test_a_bundle_above_the_limit_is_missed():
    assert [bundle(size).rows[0][-1] for size in (80_000, 80_001)] == ["met", "missed"]
