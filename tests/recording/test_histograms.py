"""Histograms of gradients, updates and outputs against numpy, which knows octaves by frexp."""

import numpy as np
import pytest
import tensorflow as tf

from recording.runners import RUNNERS
from recording.shares import shares, wide
from tb_lossdiag.recording import outputs, variables
from tb_lossdiag.recording.histograms import histograms
from tb_lossdiag.recording.outputs import Output
from tb_lossdiag.recording.stack import Stack
from tb_lossdiag.schema import BUCKETS, LARGEST_OCTAVE, SMALLEST_OCTAVE, ZERO_BUCKET, histogram_edges

NONE = Stack((), ())
RNG = np.random.default_rng(0)


def of_output(*given, on=True):
    return histograms(NONE, [], outputs.stacked([Output(x) for x in given]), tf.constant(on))


def of_variables(steps, kept=None, on=True):
    """[2 * kept, BUCKETS] of (before, after, gradient)."""
    matrices = variables.stacked(*zip(*steps, strict=True))
    return histograms(matrices, range(len(steps)) if kept is None else kept, NONE, tf.constant(on)).numpy()


def test_every_bucket_goes_from_one_edge_to_the_next_and_zero_has_one_of_its_own():
    low, high = histogram_edges()
    assert len(low) == len(high) == BUCKETS
    assert (low[0], low[ZERO_BUCKET], high[ZERO_BUCKET], high[-1]) == (-np.inf, 0, 0, np.inf)
    np.testing.assert_array_equal(low[1:], high[:-1])
    assert (high[-2], low[ZERO_BUCKET + 2]) == (2.0**LARGEST_OCTAVE, 2.0 ** (SMALLEST_OCTAVE + 1))


@pytest.mark.parametrize("runner", RUNNERS)
def test_the_values_of_outputs_are_counted_by_octave(runner):
    x = wide(RNG, 60, 8)
    whole, part = np.asarray(RUNNERS[runner](lambda x: of_output(x, x[:, 2:3]), x))
    np.testing.assert_allclose(whole, shares(x), atol=1e-6)
    np.testing.assert_allclose(part, shares(x[:, 2:3]), atol=1e-6)


@pytest.mark.parametrize(
    "value",
    [
        2.0**-41,
        -(2.0**-40),
        1.0,
        -1.0,
        float(np.nextafter(np.float32(2), np.float32(0))),
        2.0**20,
        -1e30,
        1e-42,
        0.0,
        -0.0,
    ],
)
def test_an_edge_belongs_to_the_larger_magnitudes_and_what_lies_outside_to_the_outer_buckets(value):
    [line] = of_output(tf.constant([[value]], tf.float32)).numpy()
    [bucket] = np.flatnonzero(line)
    low, high = histogram_edges()
    if abs(value) < np.finfo(np.float32).tiny:  # a CPU that flushes such numbers to 0 counts them there
        assert abs(bucket - ZERO_BUCKET) <= (value != 0)
    else:
        assert low[bucket] <= value < high[bucket] if value > 0 else low[bucket] < value <= high[bucket]


def test_what_is_not_finite_is_in_no_bucket():
    x = np.float32([[1.0, np.nan, np.inf, -np.inf]])
    assert of_output(tf.constant(x)).numpy().sum() == pytest.approx(0.25)
    assert of_output(tf.constant(x[:, 1:])).numpy().tolist() == [[0.0] * BUCKETS]


@pytest.mark.parametrize("way", ["eager", "graph", "XLA"])
def test_gradients_and_updates_of_variables_side_by_side_are_counted_apart(way):
    shapes = ((7, 5), (5,), (), (30, 10), (1, 0))
    steps = [(wide(RNG, *shape), wide(RNG, *shape), wide(RNG, *shape)) for shape in shapes]
    run = {"eager": lambda f: f, "graph": tf.function, "XLA": lambda f: tf.function(f, jit_compile=True)}[way]
    given = [[tf.constant(x) for x in one] for one in zip(*steps, strict=True)]
    table = run(lambda *given: histograms(variables.stacked(*given), [3, 0, 4, 1], NONE, tf.constant(True)))(
        *given
    ).numpy()
    for lines, values in (
        (table[:4], [gradient for _, _, gradient in steps]),
        (table[4:], [after - before for before, after, _ in steps]),
    ):
        for line, place in zip(lines, (3, 0, 4, 1), strict=True):
            np.testing.assert_allclose(line, shares(values[place]), atol=1e-6)


def test_a_variable_without_a_gradient_has_its_update_only():
    w = tf.ones([3])
    gradient, update = of_variables([(w, w + 0.25, None)])
    assert np.isnan(gradient).all()
    assert update[ZERO_BUCKET + 1 - 2 - SMALLEST_OCTAVE] == 1.0


@pytest.mark.parametrize("shape", [(900, 64), (64, 900), (3, 3, 64, 128)])
def test_of_a_large_variable_so_many_are_drawn_that_shares_are_right_within_a_few_percent(shape):
    x = RNG.normal(size=shape).astype(np.float32)
    x[..., ::2] = 0  # a stride along one axis would see all of these or none
    gradient, _ = of_variables([(tf.zeros(shape), tf.ones(shape), tf.constant(x))])
    assert gradient.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(gradient, shares(x), atol=0.04)


@pytest.mark.parametrize("shape", [[None, 40, 40, 16], [None, None, None, 16], None])
def test_of_a_large_output_a_part_is_drawn(shape):
    x = RNG.normal(size=(80, 40, 40, 16)).astype(np.float32)
    x[..., ::2] = 0
    kernel = tf.function(of_output, input_signature=[tf.TensorSpec(shape, tf.float32)])
    [line] = kernel(tf.constant(x)).numpy()
    assert line.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(line, shares(x), atol=0.04)


def test_nothing_is_counted_while_it_is_off():
    w = tf.ones([3])
    assert np.isnan(of_variables([(w, w, w)], on=False)).all()
    assert of_variables([(w, w, w)], on=False).shape == (2, BUCKETS)
    assert histograms(NONE, [], NONE, tf.constant(True)).shape == (0, BUCKETS)
