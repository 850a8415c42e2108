import numpy as np
import pytest

from tb_lossdiag.plugin.merging import columns, points, within
from tb_lossdiag.run import Series

LIMIT = 200


def series(values, steps=None, written=0):
    steps = np.arange(len(values)) if steps is None else np.asarray(steps)
    return Series(steps, np.asarray(values, float), written or len(values))


def test_a_short_series_is_left_alone():
    drawn = points(series([1, np.nan, 3]), LIMIT)
    assert drawn.steps.tolist() == [0, 1, 2]
    assert drawn.low is drawn.high is None


def test_merging_loses_neither_a_spike_nor_a_nan_nor_an_end():
    values = np.sin(np.arange(50_000) / 1000)
    values[[12_345, 23_456]] = 99.0, -99.0
    values[[34_567, 34_568]] = np.nan, np.inf
    drawn = points(series(values), LIMIT)
    assert len(drawn.steps) <= LIMIT
    assert (np.diff(drawn.steps) > 0).all()
    assert drawn.steps[[0, -1]].tolist() == [0, 49_999]
    assert np.nanmax(drawn.high) == 99 and np.nanmin(drawn.low) == -99
    assert np.isnan(drawn.values[drawn.steps == 34_567]).all() and 34_567 in drawn.steps


def test_a_merged_value_is_the_mean_between_its_bounds():
    values = np.random.default_rng(0).normal(size=5_000)
    drawn = points(series(values), LIMIT)
    assert (drawn.low <= drawn.values).all() and (drawn.values <= drawn.high).all()
    assert abs(drawn.values[1:-1].mean() - values.mean()) < 0.01


@pytest.mark.parametrize("value", [np.finfo(float).max, -np.finfo(float).max, 1.7e308, 0.1])
def test_the_mean_of_equal_values_is_that_value_however_large(value):
    assert (points(series(np.full(5_000, value)), LIMIT).values == value).all()


def test_a_series_of_nothing_but_nan_is_merged_too():
    drawn = points(series(np.full(10_000, np.nan)), LIMIT)
    assert 0 < len(drawn.steps) <= LIMIT
    assert np.isnan(drawn.values).all()


def test_missing_records_break_the_line_and_a_change_of_cadence_does_not():
    hole = [1, 2, 3, 4, 200, 201, 202, 203]
    slower = [1, 2, 3, 4, 50, 100, 150, 200]
    assert points(series(hole, hole), LIMIT).gaps.tolist() == [3]
    assert points(series(slower, slower), LIMIT).gaps.tolist() == []


def test_records_that_sampling_dropped_are_no_hole():
    hole = [1, 2, 3, 4, 200, 201, 202, 203]
    assert points(series(hole, hole, written=300), LIMIT).gaps.tolist() == []


def test_a_hole_survives_merging():
    steps = np.concatenate([np.arange(3_000), np.arange(90_000, 93_000)])
    drawn = points(series(steps, steps), LIMIT)
    (gap,) = drawn.gaps
    assert drawn.steps[gap] < 3_000 and drawn.steps[gap + 1] >= 90_000


def test_a_window_takes_one_record_more_on_each_side():
    steps = np.array([10, 20, 30, 40])
    assert steps[within(steps, (15, 30))].tolist() == [10, 20, 30, 40]
    assert steps[within(steps, (21, 29))].tolist() == [20, 30]
    assert steps[within(steps, (99, 99))].tolist() == [40]
    assert steps[within(steps, None)].tolist() == [10, 20, 30, 40]


def test_columns_keep_the_largest_value_and_anything_not_finite():
    merged, starts = columns(np.array([[1.0, 5, np.nan, 2, -np.inf, 3]]), 3)
    np.testing.assert_array_equal(merged, [[5, np.nan, -np.inf]])
    assert starts.tolist() == [0, 2, 4]
