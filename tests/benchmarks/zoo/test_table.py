from functools import partial

from benchmarks.zoo import table
from benchmarks.zoo.score import Judged

LOW = partial(Judged, "learning_rate_too_low-mlp-x", ("learning_rate_too_low",))
HEALTHY = partial(Judged, "healthy-mlp-x", ())
JUDGED = [
    LOW(0, True, ("learning_rate_too_low",), True, 50, True),
    LOW(1, True, ("undertrained", "learning_rate_too_low"), False, 150, True),
    LOW(2, False),
    HEALTHY(0, False, alarmed_live=True),
    HEALTHY(1, True, ("overfitting",)),
]


def test_a_tool_has_one_row_of_shares():
    (row,) = table.tools({"tb_lossdiag": JUDGED})
    assert [cell.split(" ")[0] for cell in row] == ["tb_lossdiag", "66.7%", "33.3%", "66.7%", "50.0%", "0.0%"]


def test_a_cause_has_one_row_of_counts_and_its_time_to_detection():
    assert table.causes(JUDGED) == [("learning_rate_too_low", "3", "2", "1", "2", "100 (50 … 150)")]


def test_what_went_wrong_is_told_by_run():
    assert table.wrong(JUDGED) == [
        "misnamed   learning_rate_too_low-mlp-x@1: undertrained, learning_rate_too_low",
        "missed     learning_rate_too_low-mlp-x@2: nothing",
        "accused    healthy-mlp-x@1: overfitting",
    ]


def test_a_sick_run_that_is_told_all_is_well_is_counted():
    told = [
        LOW(0, False, well=True),
        LOW(1, False),
        LOW(2, True, ("learning_rate_too_low",)),
        HEALTHY(0, False, well=True),
    ]
    assert (table.assured(told).hits, table.assured(told).total) == (1, 3)


def test_an_alarm_that_went_away_still_counts_while_training():
    assert (table.live(JUDGED).hits, table.live(JUDGED).total) == (1, 2)


def test_markdown_has_a_head_and_a_line_per_row():
    assert table.markdown(("a", "b"), [("1", "2")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
