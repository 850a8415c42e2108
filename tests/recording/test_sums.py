"""Sums as products with ones."""

import numpy as np
import pytest
import tensorflow as tf

from tb_lossdiag.recording import sums

X = np.random.default_rng(0).normal(size=(7, 1000)).astype(np.float32)
EXACT = X.astype(np.float64)


@pytest.fixture(params=[True, False], ids=["products", "reductions"])
def way(request, monkeypatch):
    monkeypatch.setattr(sums, "_multiplies", lambda: request.param)


@pytest.mark.usefixtures("way")
def test_sums_are_numpys():
    assert sums.along_rows(tf.constant(X)).numpy() == pytest.approx(EXACT.sum(axis=1), rel=1e-5)
    assert sums.down_columns(tf.constant(X))[0].numpy() == pytest.approx(EXACT.sum(axis=0), rel=1e-5, abs=1e-6)
    assert sums.of_squares(tf.constant(X)).numpy() == pytest.approx((EXACT**2).sum(axis=1), rel=1e-5)
    assert sums.of_squares(tf.constant(X[:1])).numpy() == pytest.approx((EXACT[:1] ** 2).sum(axis=1), rel=1e-5)


@pytest.mark.usefixtures("way")
def test_of_a_million_ones_none_is_lost():
    assert sums.along_rows(tf.ones([1, 10**6])).numpy() == [10**6]
