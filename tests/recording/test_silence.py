"""Units that stay silent."""

import numpy as np
import pytest

from tb_lossdiag.recording.silence import WINDOW, Silence


def test_a_unit_that_fires_now_and_then_is_not_silent():
    silence = Silence()
    for sample in range(3 * WINDOW):
        silent = np.array([True, sample % 7 > 0, False, True, True])
        shares = silence.shares([("a", 3), ("b", 2)], silent)
    assert shares == {"a": pytest.approx(1 / 3), "b": 1.0}


def test_in_the_first_sample_silent_is_what_is_silent_in_this_batch():
    assert Silence().shares([("a", 4)], np.array([True, False, True, True])) == {"a": 0.75}


def test_a_unit_counts_once_it_was_silent_for_the_whole_window():
    silence = Silence()
    silence.shares([("a", 1)], np.array([False]))
    shares = [silence.shares([("a", 1)], np.array([True]))["a"] for _ in range(WINDOW)]
    assert shares == [0.0] * (WINDOW - 1) + [1.0]


def test_a_layer_that_appears_later_starts_as_silent_as_all_that_was_seen_of_it():
    silence = Silence()
    silence.shares([("a", 1)], np.array([False]))
    assert silence.shares([("a", 1), ("b", 1)], np.array([True, True])) == {"a": 0.0, "b": 1.0}
