"""Numbers of layer outputs against numpy in float64."""

import numpy as np
import pytest
import tensorflow as tf

from recording.runners import RUNNERS, close
from tb_lossdiag.recording import outputs
from tb_lossdiag.recording.layout import OUTPUT_COLUMNS
from tb_lossdiag.recording.outputs import MEASURED_ELEMENTS, Output, shortened, stacked, together

RNG = np.random.default_rng(0)


def output_statistics(*given):
    return outputs.output_statistics(stacked(*given))


def rows(table):
    return [dict(zip(OUTPUT_COLUMNS, row, strict=True)) for row in np.asarray(table)]


def of_one(x, activation, runner="eager"):
    return rows(RUNNERS[runner](lambda x: output_statistics([Output(x, activation)])[0], x))[0]


def check(found, x, units_dead=None):
    exact = x.astype(np.float64)
    assert close(found["activation_mean"], exact.mean())
    assert close(found["activation_std"], exact.std())
    assert close(found["activation_max_abs"], np.abs(exact).max())
    assert close(found["activation_zero_share"], (x == 0).mean())
    assert close(found["activation_unit_std"], exact.std(axis=0).mean())
    assert found["activation_nonfinite"] == 0
    if units_dead is not None:
        assert close(found["activation_dead_share"], units_dead)


@pytest.mark.parametrize("runner", RUNNERS)
def test_an_output_has_numpys_numbers(runner):
    x = np.maximum(RNG.normal(size=(6, 4, 5)), 0).astype(np.float32)
    x[..., 2] = 0
    found = of_one(x, "relu", runner)
    check(found, x, 1 / 5)
    assert np.isnan(found["activation_saturated_share"])


@pytest.mark.parametrize("runner", RUNNERS)
def test_outputs_side_by_side_have_the_numbers_they_have_alone(runner):
    x = np.maximum(RNG.normal(size=(9, 12)), 0).astype(np.float32)
    x[:, 3] = 0

    def kernel(x):
        deep = tf.reshape(x, [-1, 2, 6])
        return output_statistics(
            [Output(x, "relu"), Output(2 * deep - 1, "tanh"), Output(deep, "relu6"), Output(x[:, 0] - 5.0, "linear")]
        )[0]

    one, bounded, deep, scalar = rows(RUNNERS[runner](kernel, x))
    check(one, x, 1 / 12)
    check(deep, x.reshape(-1, 2, 6), 0.0)  # column 3 and column 9 are one unit
    check(bounded, 2 * x.reshape(-1, 2, 6) - 1)
    check(scalar, x[:, 0] - np.float32(5.0))
    assert close(bounded["activation_saturated_share"], (np.abs(2 * x - 1) > 0.95).mean())
    assert np.isnan(scalar["activation_dead_share"])


@pytest.mark.parametrize("shape", [[None, None, 3], [None, 3], [None], [], None])
def test_shapes_that_a_trace_does_not_know_are_measured_alone(shape):
    rank = 3 if shape is None else len(shape)
    x = RNG.normal(size=(4, 2, 3)[3 - rank :] if rank else ()).astype(np.float32)
    take = tf.function(lambda x: output_statistics([Output(x)])[0], input_signature=[tf.TensorSpec(shape, tf.float32)])
    assert close(rows(take(x))[0]["activation_mean"], x.astype(np.float64).mean())


@pytest.mark.parametrize(
    ("activation", "values", "saturated"),
    [
        ("tanh", [-0.96, -0.94, 0.0, 0.96], 0.5),
        ("sigmoid", [0.02, 0.03, 0.97, 0.98], 0.5),
        ("hard_sigmoid", [0.0, 0.5, 0.6, 0.7], 0.25),
        ("linear", [-5.0, 5.0, 0.0, 1.0], np.nan),
        (None, [-5.0, 5.0, 0.0, 1.0], np.nan),
    ],
)
def test_saturation_is_the_outer_five_percent_of_a_bounded_range(activation, values, saturated):
    found = of_one(np.array([values], np.float32), activation)
    assert found["activation_saturated_share"] == pytest.approx(saturated, nan_ok=True)


@pytest.mark.parametrize("activation", ["elu", "leaky_relu", "tanh", "linear"])
def test_only_relu_like_units_can_be_dead(activation):
    assert np.isnan(of_one(np.zeros((2, 3), np.float32), activation)["activation_dead_share"])


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_broken_output_is_counted_exactly_and_spoils_no_other(runner):
    x = np.ones((5, 4), np.float32)
    x[2, 1], x[3, 2], x[4, 0] = np.nan, np.inf, 0

    def kernel(x):
        return output_statistics([Output(x, "relu"), Output(tf.zeros_like(x), "relu")])[0]

    broken, whole = rows(RUNNERS[runner](kernel, x))
    assert broken["activation_nonfinite"] == 2
    assert np.isnan(broken["activation_max_abs"])
    assert broken["activation_zero_share"] == pytest.approx(1 / 20)
    assert whole["activation_nonfinite"] == 0
    assert whole["activation_max_abs"] == 0
    assert whole["activation_zero_share"] == 1


def test_numbers_too_large_to_square_are_not_broken():
    found = of_one(np.full((4, 3), 1e30, np.float32), "relu")
    assert found["activation_nonfinite"] == 0
    assert found["activation_max_abs"] == np.float32(1e30)


def test_of_a_large_output_the_first_examples_are_measured_and_all_are_searched(monkeypatch):
    monkeypatch.setattr(outputs, "MEASURED_ELEMENTS", 100)
    x = RNG.normal(size=(40, 2, 10)).astype(np.float32)
    found = of_one(x, "linear", "unknown batch")
    check(found, x[: outputs.MIN_EXAMPLES])
    x[39, 1, 9] = np.inf
    assert of_one(x, "linear", "unknown batch")["activation_nonfinite"] == 1
    flat = RNG.normal(size=(100, 10)).astype(np.float32)
    check(of_one(flat, "linear", "unknown batch"), flat[: outputs.MIN_VALUES])


def test_a_constant_layer_has_no_spread_whatever_its_level():
    found = of_one(np.tile(np.array([3.1e9, 0.1, -7], np.float32), (50, 1)), "linear")
    assert found["activation_unit_std"] == 0


def test_outputs_of_unlike_batches_or_bounds_or_of_large_size_stand_alone():
    small, large = tf.zeros([8, 4]), tf.zeros([8, 9000])
    given = [Output(small), Output(small, "tanh"), Output(small, None, 1), Output(large), Output(small, "relu")]
    assert together(given) == [[0, 4], [1], [2], [3]]


def test_no_outputs_are_an_empty_table():
    assert output_statistics([])[0].shape == (0, len(OUTPUT_COLUMNS))


def test_silent_units_are_told_of_each_output_that_can_have_some():
    x = tf.constant([[0.0, 1.0, 0.0, 2.0], [0.0, 0.0, 0.0, 1.0]])
    given = [Output(x, "linear"), Output(x, "relu"), Output(tf.reshape(x, [2, 2, 2]), "relu")]
    _, (none, flat, deep) = output_statistics(given)
    assert none is None
    assert flat.numpy().tolist() == [1, 0, 1, 0]
    assert deep.numpy().tolist() == [1, 0]


@pytest.mark.parametrize("broken", [False, True])
def test_the_first_examples_and_the_count_of_nan_stand_for_all_of_a_large_output(broken):
    x = np.maximum(RNG.normal(size=(200, 1_000)), 0).astype(np.float32)
    if broken:
        x[190, :2] = np.nan, np.inf
    whole, part = Output(tf.constant(x), "relu"), shortened(Output(tf.constant(x), "relu"))
    assert part.tensor.shape == (MEASURED_ELEMENTS // 1_000, 1_000)
    (of_whole,), (of_part,) = (rows(output_statistics([output])[0]) for output in (whole, part))
    assert of_part == pytest.approx(of_whole, nan_ok=True)
    assert of_part["activation_nonfinite"] == 2 * broken


@pytest.mark.parametrize("shape", [(100, 1_000), (3,), ()])
def test_a_small_output_is_kept_whole(shape):
    output = Output(tf.zeros(shape))
    assert shortened(output) is output
