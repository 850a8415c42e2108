import numpy as np
import pytest

from benchmarks.zoo.data import Data
from benchmarks.zoo.fixes import HEAD, Tried, is_kept, rows

WHOLE = Data(np.ones((10, 2)), np.arange(10))


@pytest.mark.parametrize(("x", "y", "kept"), [
    (WHOLE.x, WHOLE.y, True), (WHOLE.x[:4], WHOLE.y[:4], False), (WHOLE.x, np.ones(10), False),
    (WHOLE.x, WHOLE.y[:9], False), (WHOLE.x[:0], WHOLE.y[:0], False),
])  # fmt: skip
def test_data_are_kept_where_rows_are_left_and_targets_vary(x, y, kept):
    assert is_kept(WHOLE, {"x": x, "y": y}) is kept


def test_each_cause_has_a_line_and_all_together_the_last():
    found = [
        Tried("a@0", "dying_relu", "dying_relu", True, True, True, True, 0.9),
        Tried("b@0", "dying_relu", "undertrained", True, True, True, False, 0.1),
        Tried("c@0", "wrong_metric", "wrong_metric"),
    ]
    assert rows(found) == [
        ("dying_relu", "2", "1", "2", "2", "2", "1"),
        ("wrong_metric", "1", "1", "0", "0", "0", "0"),
        ("all", "3", "2", "2", "2", "2", "1"),
    ]
    assert all(len(row) == len(HEAD) for row in rows(found))
