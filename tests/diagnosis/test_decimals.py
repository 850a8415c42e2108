import math

import numpy as np
import pytest

from tb_lossdiag.diagnosis.decimals import percent, skill_text, times, two_decimals


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.125, "0.12"),
        (-0.004, "0.00"),
        (-0.0, "0.00"),
        (-0.4, "-0.40"),
        (np.float64(2.675), "2.67"),
        (math.nan, "nan"),
    ],
)
def test_a_rounded_zero_has_no_sign(number, text):
    assert two_decimals(number) == text


@pytest.mark.parametrize(
    ("skill", "text"), [(0.5, "0.50"), (-9.99, "-9.99"), (-1.1e13, "below -10"), (math.nan, "nan")]
)
def test_a_skill_far_below_a_guess_is_only_that(skill, text):
    assert skill_text(skill) == text


@pytest.mark.parametrize(("share", "text"), [
    (0.123, "12%"), (10.0, "1000%"), (22.597, "more than 1000%"), (-22.597, "less than -1000%"),
    (math.inf, "more than 1000%"),
])  # fmt: skip
def test_a_share_out_of_measure_is_only_called_so(share, text):
    assert percent(share) == text


def test_a_change_has_its_sign():
    assert (percent(0.0123, 1, signed=True), percent(-0.5, 1, signed=True)) == ("+1.2%", "-50.0%")


@pytest.mark.parametrize(("factor", "text"), [(3.14159, "3.14"), (1e6, "1e+06"), (1e7, "more than 1,000,000")])
def test_so_is_a_factor(factor, text):
    assert times(factor) == text
