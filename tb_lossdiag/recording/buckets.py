"""Which bucket of a histogram is a float32 counted in? Its first bits, those of sign and exponent, tell."""

import numpy as np

from tb_lossdiag.schema import BUCKETS, LARGEST_OCTAVE, SMALLEST_OCTAVE, ZERO_BUCKET

# A float32's bits: its sign, 8 of exponent + 127, 23 of mantissa. The exponent is 0 for zero and for what is smaller
# than any normal number, which TensorFlow and XLA flush to zero, and 255 for NaN and Inf.
MANTISSA_BITS, _BIAS = 23, 127
_EXPONENTS, _NONFINITE = 256, 255
CODES = 2 * _EXPONENTS  # of sign and exponent


def bucket_of_code() -> np.ndarray:
    """int32 [CODES]: the bucket of the values with these first bits; BUCKETS, which is none, where they are not finite.

    The bits of a negative number are those of a negative integer, so shifted ones are to be cut off at CODES.
    """
    exponents = np.arange(_EXPONENTS)
    octaves = np.clip(exponents - _BIAS, SMALLEST_OCTAVE, LARGEST_OCTAVE)
    away = np.where(exponents == 0, 0, octaves - SMALLEST_OCTAVE + 1)
    buckets = np.concatenate([ZERO_BUCKET + away, ZERO_BUCKET - away])
    buckets[_NONFINITE::_EXPONENTS] = BUCKETS
    return buckets.astype(np.int32)
