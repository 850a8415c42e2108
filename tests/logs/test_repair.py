import numpy as np
import pytest

from tb_lossdiag.logs.repair import surviving


@pytest.mark.parametrize(
    ("arrived", "kept"),
    [
        ([], []),
        ([7], [0]),
        ([0, 1, 2], [0, 1, 2]),
        ([0, 1, 2, 3, 4, 5, 2, 3], [0, 1, 6, 7]),
        ([0, 5, 2, 9, 3], [0, 2, 4]),
        ([3, 3], [1]),
        ([5, 6, 1, 7, 0], [4]),
        ([-1, 2**40], [0, 1]),
    ],
)
def test_a_record_survives_unless_a_later_one_is_at_its_step_or_before(arrived, kept):
    assert np.flatnonzero(surviving(np.array(arrived, np.int64))).tolist() == kept


def test_it_agrees_with_walking_through_the_records_one_by_one():
    steps = np.random.default_rng(0).integers(0, 30, 200)
    kept = []
    for index, step in enumerate(steps):
        kept = [earlier for earlier in kept if steps[earlier] < step] + [index]
    assert np.flatnonzero(surviving(steps)).tolist() == kept
