import random
from itertools import count, islice

import pytest

from benchmarks.overhead.paired import (
    MIN_PAIRS,
    Seconds,
    Spread,
    alternate,
    compared,
    diluted,
    enough,
    line,
    spread,
    turns,
)


def test_each_pair_has_both_and_their_order_varies():
    taken = list(islice(turns(random.Random(0)), 40))
    pairs = list(zip(taken[::2], taken[1::2], strict=True))
    assert set(pairs) == {(True, False), (False, True)}


def test_a_pair_that_was_disturbed_does_not_move_the_median():
    found = spread([1.1] * 20 + [9.0])
    assert found == Spread(pytest.approx(1.1), pytest.approx(1.1), pytest.approx(1.1), 21)


def test_the_interval_holds_the_median_and_grows_with_the_scatter():
    rng = random.Random(0)
    narrow, wide = (spread([1 + rng.gauss(0, scatter) for _ in range(50)]) for scatter in (0.01, 0.1))
    assert narrow.low < narrow.median < narrow.high
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_stretches_are_compared_with_their_partner():
    plain = [Seconds(1.0, 2.0), Seconds(10.0, 20.0), Seconds(1.0, 2.0)]
    found = compared(4, plain, [Seconds(2 * one.cpu, 3 * one.wall) for one in plain])
    assert (found.cpu.median, found.wall.median, found.plain) == (2.0, 3.0, 0.5)
    assert found.cpu.low == found.cpu.high == 2.0


def test_a_sample_in_a_hundred_steps_costs_a_tenth_of_one_in_ten():
    found = diluted(Spread(1.2, 1.1, 1.3, 7), 10, 100)
    assert (found.median, found.low, found.high, found.pairs) == pytest.approx((1.02, 1.01, 1.03, 7))


def test_a_line_through_sizes_of_three_decades_fits_the_small_ones_too():
    sizes = [10, 100, 1000, 10_000]
    found = line(sizes, [5 + 2 * size for size in sizes])
    assert (found.fixed, found.slope) == pytest.approx((5, 2))
    disturbed = line(sizes, [25, 205, 2005, 25_000])
    assert disturbed.fixed + 10 * disturbed.slope == pytest.approx(25, rel=0.2)


def test_it_goes_on_until_there_are_enough_pairs_and_the_time_is_up():
    assert not enough(MIN_PAIRS - 1, 0.0, 100.0, 5.0)
    assert not enough(MIN_PAIRS, 0.0, 4.0, 5.0)
    assert enough(MIN_PAIRS, 0.0, 6.0, 5.0)


def test_a_loop_alternates_until_then():
    asked, clock = [], count()

    def stretch(plain):
        asked.append(plain)
        return Seconds(1.0, 1.0) if plain else Seconds(1.5, 2.0)

    found = alternate(stretch, 1, 10.0, lambda: float(next(clock)), random.Random(0))
    assert asked.count(True) == asked.count(False) == found.cpu.pairs
    assert (found.cpu.median, found.wall.median) == (1.5, 2.0)
