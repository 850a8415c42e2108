"""The first bits of a float32 say in which bucket it is."""

import numpy as np

from recording.shares import shares
from tb_lossdiag.recording.buckets import CODES, MANTISSA_BITS, bucket_of_code
from tb_lossdiag.schema import BUCKETS


def test_numbers_of_every_sign_and_exponent_are_in_the_bucket_that_numpy_puts_them_in():
    codes = np.arange(CODES, dtype=np.uint32)
    values = (codes << MANTISSA_BITS | 1 << MANTISSA_BITS - 1).view(np.float32)
    for value, bucket in zip(values, bucket_of_code(), strict=True):
        if not np.isfinite(value):
            assert bucket == BUCKETS
        elif abs(value) >= np.finfo(np.float32).tiny:
            assert shares(value)[bucket] == 1.0


def test_what_is_smaller_than_any_normal_number_is_as_good_as_zero():
    codes = np.array([0.0, -0.0, 1e-42, -1e-42], np.float32).view(np.int32) >> MANTISSA_BITS & CODES - 1
    assert set(bucket_of_code()[codes]) == {shares(np.zeros(1)).argmax()}
