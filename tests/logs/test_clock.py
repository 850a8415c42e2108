import numpy as np

from tb_lossdiag.logs.clock import counts_epochs, place, undo_running_mean
from tb_lossdiag.logs.source import Samples


def samples(steps, walls, values=None) -> Samples:
    return Samples(np.array(steps, np.int64), np.array(walls, float), np.array(values or steps, float))


def test_a_value_is_placed_at_the_newest_step_written_before_it():
    placed = place(samples([0, 1], [10.5, 20.5], [3.0, 2.0]), samples(range(1, 31), range(1, 31)))
    assert placed.steps.tolist() == [10, 20]
    assert placed.values.tolist() == [3.0, 2.0]


def test_values_from_before_the_first_step_are_left_out_and_the_last_at_one_step_counts():
    placed = place(samples([0, 1, 2], [0.5, 7.0, 8.0]), samples([5, 6], [1.0, 2.0]))
    assert placed.steps.tolist() == [6]
    assert placed.values.tolist() == [2.0]


def test_nothing_is_placed_on_an_empty_clock():
    assert len(place(samples([0, 1], [1.0, 2.0]), samples([], []))) == 0
    assert len(place(samples([], []), samples([1], [1.0]))) == 0


def test_epoch_numbers_begin_at_0_or_1_and_miss_none():
    assert counts_epochs(samples([0, 1, 2], [0, 0, 0]))
    assert counts_epochs(samples([1], [0]))
    assert not counts_epochs(samples([0, 2], [0, 0]))
    assert not counts_epochs(samples([5, 6], [0, 0]))
    assert not counts_epochs(samples([], []))


def test_the_loss_of_each_batch_comes_back_from_the_running_mean():
    losses = np.array([4.0, 2.0, 3.0, 1.0, 5.0, 0.5])
    means = np.concatenate([np.cumsum(losses[:3]) / [1, 2, 3], np.cumsum(losses[3:]) / [1, 2, 3]])
    batches = samples(range(1, 7), range(1, 7), means.tolist())
    undone = undo_running_mean(batches, samples([0, 1], [3.5, 6.5]))
    np.testing.assert_allclose(undone.values, losses)


def test_a_running_mean_that_overflows_becomes_nan_without_a_warning():
    undone = undo_running_mean(samples([1, 2, 3], [1, 2, 3], [1.0, np.inf, np.inf]), samples([0], [3.5]))
    np.testing.assert_array_equal(undone.values, [1.0, np.inf, np.nan])


def test_a_running_mean_near_the_largest_number_is_undone_where_the_loss_is_a_number():
    undone = undo_running_mean(samples([1, 2, 3], [1, 2, 3], [1e308, 1e308, 1.5e308]), samples([0], [3.5]))
    np.testing.assert_array_equal(undone.values, [1e308, 1e308, np.inf])


def test_a_running_mean_with_batches_missing_cannot_be_undone():
    assert undo_running_mean(samples([10, 20], [1, 2]), samples([0], [3.0])) is None


def day(*stretches):
    """Wall times: (first, count) each, a second apart."""
    return np.concatenate([first + np.arange(count, dtype=float) for first, count in stretches])


def test_a_clock_that_was_set_back_leaves_values_where_they_were_written():
    clock = day((1000, 20), (-2600, 180))
    placed = place(samples([0, 1, 2], [1010.5, -2600 + 30.5, -2600 + 179.9]), samples(range(1, 201), clock))
    assert placed.steps.tolist() == [11, 51, 200]


def test_a_clock_that_was_a_year_ahead_for_a_while_leaves_values_where_they_were_written():
    clock = day((1000, 20), (3e7, 10), (1030, 70))
    placed = place(samples([0, 1, 2], [1010.5, 3e7 + 5.5, 1090.5]), samples(range(1, 101), clock))
    assert placed.steps.tolist() == [11, 26, 91]


def test_values_stay_in_their_order_where_the_same_hour_came_twice():
    clock = day((0, 100), (50, 100))  # 50 … 99 twice
    placed = place(samples([0, 1, 2], [60.5, 55.5, 120.5]), samples(range(1, 201), clock))
    assert placed.steps.tolist() == [61, 106, 171]


def test_values_on_a_clock_that_stands_still_go_to_its_end():
    assert place(samples([0], [5.0]), samples([1, 2, 3], [5.0, 5.0, 5.0])).steps.tolist() == [3]
    assert place(samples([0], [5.0]), samples([1, 2, 3], [6.0, 5.0, 5.0])).steps.tolist() == [3]
