"""A stride through a large tensor meets every axis in many places, and spares small tensors."""

import math

import pytest

from tb_lossdiag.recording.drawing import DRAWN_EXAMPLES, DRAWN_VALUES, examples, stride


@pytest.mark.parametrize("sizes", [[1], [0], [64 * 64], [2 * 3 * 5 * 7 * 11 * 13 * 17], [30_000, 31_000], [30_000, 8]])
def test_a_stride_has_no_factor_in_common_with_a_size_and_spares_small_tensors(sizes):
    every = stride(sizes)
    assert all(math.gcd(every, size) == 1 for size in sizes) or every == 1
    assert min(sizes) / every >= min(DRAWN_VALUES / 3, *sizes)


def test_of_narrow_outputs_so_many_examples_are_drawn_that_there_are_as_many_values():
    assert [examples(columns) for columns in (0, 1, 8, 10_000)] == [2048, 2048, 256, DRAWN_EXAMPLES]
