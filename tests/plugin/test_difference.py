import struct

import numpy as np
import pytest

from tb_lossdiag.plugin.difference import as_difference, difference_bytes
from tb_lossdiag.plugin.statistics import CATALOGUE, RATIOS
from tb_lossdiag.run import Row, Table

NORM, ZEROS = CATALOGUE["gradient_norm"], CATALOGUE["gradient_zero_share"]


def table(steps, names, norms, zeros=0.0):
    """norms: [steps, names] of a gradient norm; every row has the same share of zeros."""
    norms = np.asarray(norms, np.float32)
    values = np.stack([norms, np.full_like(norms, zeros)], axis=-1)
    rows = tuple(Row(name, "variable", name) for name in names)
    return Table(np.array(steps), rows, ("gradient_norm", "gradient_zero_share"), values)


def read(content):
    """Row indices, first steps, last steps, values [rows, columns]."""
    rows, columns = struct.unpack_from("<II", content)
    index = np.frombuffer(content, "<u4", rows, 8)
    first = np.frombuffer(content, "<i4", columns, 8 + 4 * rows)
    last = np.frombuffer(content, "<i4", columns, 8 + 4 * (rows + columns))
    values = np.frombuffer(content, "<f4", offset=8 + 4 * (rows + 2 * columns)).reshape(rows, columns)
    return index.tolist(), first.tolist(), last.tolist(), values


def test_magnitudes_differ_by_decades_and_shares_by_their_difference():
    base, other = table([1, 2], ["a"], [[1], [1]], 0.1), table([1, 2], ["a"], [[10], [0.01]], 0.4)
    np.testing.assert_allclose(read(difference_bytes(base, other, NORM, 9))[3], [[1, -2]])
    np.testing.assert_allclose(read(difference_bytes(base, other, ZEROS, 9))[3], [[0.3, 0.3]], rtol=1e-6)


def test_only_rows_that_both_have_are_compared_under_the_baselines_indices():
    base = table([1], ["new", "a", "b"], [[7, 1, 1]])
    other = table([1], ["b", "a", "old"], [[100, 10, 7]])
    index, _, _, values = read(difference_bytes(base, other, NORM, 9))
    assert index == [1, 2]
    np.testing.assert_allclose(values, [[1], [2]])


def test_only_steps_that_both_cover_are_compared_and_the_last_record_counts_between_two():
    base = table([1, 10, 20, 30], ["a"], [[1], [1], [1], [1]])
    other = table([10, 15, 40], ["a"], [[10], [100], [1]])
    _, first, last, values = read(difference_bytes(base, other, NORM, 9))
    assert first == last == [10, 15, 20, 30]
    np.testing.assert_allclose(values, [[1, 2, 2, 2]])


def test_merged_steps_keep_the_largest_difference_either_way_and_any_nan():
    base = table([1, 2, 3, 4, 5, 6], ["a"], np.ones((6, 1)))
    other = table([1, 2, 3, 4, 5, 6], ["a"], [[1], [10], [10], [0.001], [1], [np.nan]])
    _, first, last, values = read(difference_bytes(base, other, NORM, 3))
    assert (first, last) == ([1, 3, 5], [2, 4, 6])
    np.testing.assert_allclose(values, [[1, -3, np.nan]])


@pytest.mark.parametrize(
    ("base", "other", "difference"), [(0, 0, 0), (np.inf, np.inf, 0), (0, 1, np.inf), (1, 0, -np.inf)]
)
def test_nothing_against_nothing_is_no_difference(base, other, difference):
    content = difference_bytes(table([1], ["a"], [[base]]), table([1], ["a"], [[other]]), NORM, 1)
    assert read(content)[3] == difference


def test_a_difference_beyond_the_largest_number_is_infinite_without_a_warning():
    base, other = table([1], ["a"], [[1]], -3e38), table([1], ["a"], [[1]], 3e38)
    assert read(difference_bytes(base, other, ZEROS, 1))[3] == np.inf


def test_a_ratio_of_two_columns_is_compared_too():
    statistic, over, under = RATIOS["gradient_weight_ratio"]

    def run(norm, weight):
        values = np.array([[[norm, weight]]], np.float32)
        return Table(np.array([1]), (Row("a", "variable", "a"),), (over, under), values)

    np.testing.assert_allclose(read(difference_bytes(run(1, 10), run(1, 1), statistic, 9))[3], [[1]])


def test_runs_without_a_common_step_or_row_have_an_empty_difference():
    one, two = table([1, 2], ["a"], [[1], [1]]), table([5, 6], ["a"], [[1], [1]])
    assert read(difference_bytes(one, two, NORM, 9))[0:2] == ([0], [])
    assert read(difference_bytes(one, table([1], ["b"], [[1]]), NORM, 9))[0] == []


def test_a_difference_is_shown_around_zero():
    assert (as_difference(NORM).unit, as_difference(NORM).healthy, as_difference(NORM).scale) == (
        "decades",
        0,
        "linear",
    )
    assert as_difference(ZEROS).unit == ""
