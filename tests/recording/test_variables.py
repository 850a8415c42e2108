"""Norms and shares of gradients, weights and updates against numpy in float64."""

import numpy as np
import pytest
import tensorflow as tf

from tb_lossdiag.recording import variables
from tb_lossdiag.recording.layout import VARIABLE_COLUMNS
from tb_lossdiag.recording.variables import stacked, stride, together

RNG = np.random.default_rng(0)
SHAPES = ((7, 5), (5,), (), (300, 100), (7, 5), (40, 500), (1, 0))
WAYS = {"eager": lambda f: f, "graph": tf.function, "XLA": lambda f: tf.function(f, jit_compile=True)}


def variable_statistics(*given):
    return variables.variable_statistics(stacked(*given))


def numpys(before, after, gradient):
    """The same numbers in float64, of all elements."""
    w, change, g = before.astype(float), after.astype(float) - before, np.abs(gradient.astype(float))
    meant = g > 0
    return {
        "gradient_norm": np.linalg.norm(g),
        "gradient_mean_abs": g.mean() if g.size else np.nan,
        "gradient_max_abs": g.max(initial=0.0),
        "gradient_zero_share": (g == 0).mean() if g.size else np.nan,
        "gradient_nonfinite": 0.0,
        "unchanged_share": (change == 0)[meant].mean() if meant.any() else np.nan,
        "weight_norm": np.linalg.norm(w),
        "update_norm": np.linalg.norm(change),
        "update_ratio": np.linalg.norm(change) / np.linalg.norm(w) if w.any() else np.nan,
    }


def a_step(shape, scale=1.0):
    before = RNG.normal(size=shape).astype(np.float32)
    gradient = (np.where(RNG.random(shape) < 0.3, 0, RNG.normal(size=shape)) * scale).astype(np.float32)
    kept = RNG.random(shape) < 0.2
    return before, np.where(kept, before, before - np.float32(0.1) * gradient / np.float32(scale)), gradient


def measured(steps, way="eager", scale=None):
    """{column: [variables]} of (before, after, gradient or None)."""
    before, after, gradients = zip(*steps, strict=True)
    given = [g for g in gradients if g is not None]

    def kernel(before, after, given):
        left = iter(given)
        return variable_statistics(before, after, [None if g is None else next(left) for g in gradients], scale)

    tensors = [[tf.constant(x) for x in one] for one in (before, after, given)]
    return {name: x.numpy() for name, x in WAYS[way](kernel)(*tensors).items()}


@pytest.mark.parametrize("way", WAYS)
def test_variables_side_by_side_have_numpys_numbers(way):
    steps = [a_step(shape) for shape in SHAPES]
    found = measured(steps, way)
    assert set(found) == set(VARIABLE_COLUMNS)
    expected = [numpys(*step) for step in steps]
    for name, values in found.items():
        tolerance = {"abs": 0.02} if name.endswith("share") else {"rel": 5e-6}  # of a large variable a part is drawn
        assert values == pytest.approx([row[name] for row in expected], **tolerance, nan_ok=True), name
    for index in (0, 1, 2, 4):
        assert found["unchanged_share"][index] == pytest.approx(
            expected[index]["unchanged_share"], rel=1e-6, nan_ok=True
        )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_norms_neither_underflow_nor_overflow(way, size):
    before, after, gradient = a_step((50, 2), size)
    found = measured([(before, after, gradient), (0 * before, gradient, gradient)], way)
    assert found["gradient_norm"] == pytest.approx([np.linalg.norm(gradient.astype(float))] * 2, rel=1e-5)
    assert found["update_norm"][1] == pytest.approx(np.linalg.norm(gradient.astype(float)), rel=1e-5)
    assert found["gradient_nonfinite"].tolist() == [0, 0]


@pytest.mark.parametrize("way", WAYS)
def test_a_broken_gradient_has_a_broken_norm_and_an_exact_count(way):
    ones = np.ones(4, np.float32)
    broken = np.array([1, np.nan, np.inf, -np.inf], np.float32)
    found = measured([(ones, ones, broken), (ones, ones, ones), (np.ones(3, np.float32),) * 3], way)
    assert np.isnan(found["gradient_norm"][0])
    assert np.isnan(found["gradient_max_abs"][0])
    assert found["gradient_nonfinite"].tolist() == [3, 0, 0]
    assert found["gradient_zero_share"].tolist() == [0, 0, 0]
    assert found["gradient_norm"][1:] == pytest.approx([2, 3**0.5])
    assert np.isnan(found["unchanged_share"]).all()  # such a step may have been skipped on purpose


def test_a_variable_without_a_gradient_has_the_numbers_of_its_weights_only():
    before, after, gradient = a_step((6, 4))
    found = measured([(before, after, None), (before, after, gradient)])
    assert np.isnan(found["gradient_norm"][0])
    assert np.isnan(found["unchanged_share"][0])
    assert found["update_norm"][0] == found["update_norm"][1] > 0


def test_gradients_are_divided_by_the_loss_scale():
    before, after, gradient = a_step((6, 4))
    scaled = measured([(before, after, gradient * 8)], scale=tf.constant(8.0))
    assert scaled["gradient_norm"] == pytest.approx(measured([(before, after, gradient)])["gradient_norm"])


def test_weights_of_zero_have_no_update_ratio():
    found = measured([(np.zeros(3, np.float32), np.ones(3, np.float32), np.ones(3, np.float32))])
    assert np.isnan(found["update_ratio"])
    assert found["update_norm"] == pytest.approx(3**0.5)


def test_only_weights_with_a_gradient_can_fail_to_change():
    g = np.array([0.0, 0.0, 1.0, 2.0, -3.0, 4.0], np.float32)
    changed = np.array([0, 1, 0, 1, 0, 1], np.float32)
    assert measured([(0 * g, changed, g)])["unchanged_share"] == 0.5
    assert np.isnan(measured([(0 * g, changed, 0 * g)])["unchanged_share"])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("dtype", "step", "kept"),
    [("bfloat16", 1e-3, 1), ("float32", 1e-3, 0), ("float32", 1e-9, 1), ("float64", 1e-9, 0)],
)
def test_an_update_is_lost_in_the_precision_of_its_weights(dtype, step, kept, way):
    def kernel(w):
        return variable_statistics([w], [w + tf.cast(step, w.dtype)], [tf.ones([3])])["unchanged_share"]

    assert WAYS[way](kernel)(tf.ones([3], dtype)).numpy() == [kept]


def test_small_variables_share_a_matrix_as_long_as_little_is_filled_up():
    shapes = [(64, 64), (10,), (64, 64), (64,), (300_000,), (4000,)]
    matrices = together(list(enumerate(shapes)))
    assert sorted(index for members in matrices for index in members) == list(range(6))
    assert matrices == [(4,), (0, 2, 5, 3), (1,)]
    filled = [sum(4096 - np.prod(shapes[index]) for index in members) for members in matrices[1:2]]
    assert filled[0] <= variables.MAX_FILLED_ELEMENTS


@pytest.mark.parametrize("outer", [2048, 3 * 3 * 512, 1000, 7])
def test_drawn_rows_meet_every_place_of_an_inner_axis(outer):
    every = stride(outer, outer * 64)
    assert np.gcd(every, outer) == 1
    for inner in (2, 8, 9):
        if outer % inner == 0 and outer // every >= 20 * inner:
            assert set(np.arange(0, outer, every) % inner) == set(range(inner))


def test_a_variable_of_one_row_is_measured_whole():
    assert stride(1, 10**6) == 1


def test_no_variables_have_no_numbers():
    assert variable_statistics([], [], []) == {}
