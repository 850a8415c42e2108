import math

import numpy as np
import pytest

from tb_lossdiag.diagnosis.decimals import two_decimals


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
