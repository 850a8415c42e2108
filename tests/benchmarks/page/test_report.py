from dataclasses import replace

from benchmarks.page.goals import GOALS
from benchmarks.page.loads import Load, Other
from benchmarks.page.many import List
from benchmarks.page.report import against_goals, beside_tensorboard, bundle, of_many, written

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


MANY = List(
    runs=1000,
    loader="Python",
    first=1.5,
    ready=16,
    complete=50,
    cpu=20,
    again=0.02,
    again_cpu=0.01,
    fresh=0.1,
    before=[0.003] * 9,
    meanwhile=[0.006] * 9,
    grown=180_000_000,
)


def goals_of_many(one):
    return {row[2]: row[-1] for row in of_many([one], "").rows if row[-1]}


def test_the_list_of_many_runs_is_held_against_its_goals_fewer_runs_in_proportion():
    assert set(goals_of_many(MANY).values()) == {"met"}
    assert len(goals_of_many(MANY)) == 4
    assert goals_of_many(replace(MANY, runs=125))["CPU time until the last verdict"] == "missed"
    assert goals_of_many(replace(MANY, again=0.051))["asked again"] == "missed"
    assert goals_of_many(replace(MANY, first=2.1))["first answer, 16 verdicts in it"] == "missed"


def test_another_tabs_waits_are_told_before_and_meanwhile():
    told = {row[2]: row[3] for row in of_many([MANY, replace(MANY, meanwhile=[])], "").rows[:9]}
    assert told["another tab's answer before"] == "3 ms, 3 ms"
    assert told["another tab's answer meanwhile"] == "6 ms, 6 ms"


def test_a_table_that_was_measured_alone_leaves_the_others_on_the_page_as_they_are():
    page = written("", [bundle(80_000), of_many([MANY], "Today.")], "All of it.")
    again = written(page, [bundle(70_000)], None)
    assert again == page.replace("80.0 kB", "70.0 kB", 1)
    assert written(again, [bundle(80_000)], "Anew.") == page.replace("All of it.", "Anew.")
