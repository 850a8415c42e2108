"""The kernels on JAX against numpy in float64."""

from pathlib import Path

import numpy as np
import pytest
from recording.shares import shares, wide

from tb_lossdiag.schema import BUCKETS

RNG = np.random.default_rng(0)
NORMAL = RNG.normal(size=(6, 4, 5)).astype(np.float32)
ARRAYS = {
    "gradient some zeros": np.where(NORMAL[0] > 1, 0, NORMAL[0]),
    "gradient tiny": NORMAL[1] * np.float32(1e-30),
    "gradient huge": NORMAL[2, :2] * np.float32(1e30),
    "gradient small": NORMAL[3] * np.float32(1e-14),
    "gradient large": NORMAL[4] * np.float32(1e17),
    "gradient largest": np.full(10, 2e37, np.float32),
    "gradient broken": np.array([1.0, np.nan, np.inf, -np.inf], np.float32),
    "gradient long": RNG.normal(size=300).astype(np.float32),
    "gradient zero": np.zeros(3, np.float32),
    "output relu": np.where(np.arange(5) == 2, 0, np.maximum(NORMAL, 0)),
    "bounded tanh": np.array([[-0.96, -0.94], [0.0, 0.96]], np.float32),
    "data scaled": (NORMAL.reshape(-1, 5)[:, :3] * [1, 100, 0.1] + [0, 1e4, 5]).astype(np.float32),
    "data sequences": NORMAL,
    "data constant": np.full((8, 4), 0.1, np.float32),
    "data offset": np.stack([np.full(1000, 3.1e9), RNG.normal(size=1000)], axis=1).astype(np.float32),
    "labels some": np.array([[0.0], [2.0], [2.0], [1.0], [2.0], [7.0], [-1.0], [0.0], [np.nan]], np.float32),
    "data nothing": np.zeros((4, 0), np.float32),
    "output nothing": np.zeros((0, 4), np.float32),
    "targets odd": NORMAL.reshape(-1, 5)[:7],
    "targets even": NORMAL.reshape(-1, 5)[:8],
    "targets flat": NORMAL[0, 0],
    "majority classes": RNG.uniform(size=(40, 5)).astype(np.float32),
    "majority one": RNG.uniform(size=(40, 1)).astype(np.float32),
    "majority nan": np.array([[np.nan, 0.5], [0.5, 0.1]], np.float32),
    "extreme some": np.array([[0.0, 9e-7, 2e-6, 0.5, 1 - 2e-6, 1 - 5e-7, 1.0, 0.2]], np.float32),
    "counted matrix": wide(RNG, 60, 8),
    "counted images": wide(RNG, 6, 5, 4, 3),
    "counted scalar": np.float32(-0.3),
    "counted nothing": np.zeros((0, 3), np.float32),
    "counted broken": np.array([[1.0, np.nan, np.inf, -np.inf]], np.float32),
    "counted large": np.where(np.arange(16) % 2, RNG.normal(size=(80, 40, 40, 16)), 0).astype(np.float32),
    "uncounted matrix": NORMAL[0],
    "extreme outside": np.array([[0.0, 1.0, 1.001]], np.float32),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory, run_on_jax):
    directory = tmp_path_factory.mktemp("kernels")
    np.savez(directory / "arrays.npz", **ARRAYS)
    run_on_jax(Path(__file__).with_name("kernels.py"), directory / "arrays.npz", directory / "answers.npz")
    return np.load(directory / "answers.npz")


def close(value, expected, rel=2e-6):
    np.testing.assert_allclose(value, expected, rtol=rel, atol=1e-7)


@pytest.mark.parametrize("name", [name for name in ARRAYS if name.startswith("gradient") and "broken" not in name])
def test_gradient_statistics_are_numpys_and_norms_neither_underflow_nor_overflow(found, name):
    exact = ARRAYS[name].astype(np.float64)
    np.testing.assert_allclose(found[f"{name}/gradient_norm"], np.linalg.norm(exact), rtol=2e-6)
    np.testing.assert_allclose(found[f"{name}/gradient_mean_abs"], np.abs(exact).mean(), rtol=2e-6)
    np.testing.assert_allclose(found[f"{name}/gradient_max_abs"], np.abs(exact).max(), rtol=2e-6)
    close(found[f"{name}/gradient_zero_share"], (exact == 0).mean())
    assert found[f"{name}/gradient_nonfinite"] == 0
    close(found[f"{name}/unchanged_share"], 1.0 if exact.any() else np.nan)
    close(found[f"{name}/weight_norm"], 2.0 * exact.size**0.5)
    close(found[f"{name}/update_ratio"], 0.5)


def test_a_broken_gradient_has_a_broken_norm_and_an_exact_count(found):
    assert np.isnan(found["gradient broken/gradient_norm"])
    assert np.isnan(found["gradient broken/gradient_max_abs"])
    assert found["gradient broken/gradient_nonfinite"] == 3


def test_gradients_of_several_sizes_have_the_numbers_together_that_they_have_alone(found):
    names = [name for name in ARRAYS if name.startswith("gradient")]
    for column in ("gradient_norm", "gradient_mean_abs", "gradient_zero_share", "unchanged_share"):
        alone = [found[f"{name}/{column}"][0] for name in names]
        np.testing.assert_allclose(found[f"together/{column}"], alone, rtol=1e-6)


def test_nothing_has_no_numbers(found):
    assert not [name for name in found if name.startswith("data nothing/")]
    assert all(np.isnan(found[name]) for name in found if name.startswith("output nothing/"))


def test_output_statistics_are_numpys(found):
    exact = ARRAYS["output relu"].astype(np.float64)
    close(found["output relu/activation_mean"], exact.mean())
    close(found["output relu/activation_std"], exact.std())
    close(found["output relu/activation_max_abs"], exact.max())
    close(found["output relu/activation_zero_share"], (exact == 0).mean())
    close(found["output relu/activation_dead_share"], 1 / 5)
    close(found["output relu/activation_unit_std"], exact.std(axis=0).mean())
    assert found["output relu/activation_nonfinite"] == 0
    assert np.isnan(found["output relu/activation_saturated_share"])
    assert found["bounded tanh/activation_saturated_share"] == 0.5
    assert np.isnan(found["bounded tanh/activation_dead_share"])


@pytest.mark.parametrize("name", ["data scaled", "data sequences"])
def test_data_statistics_are_numpys(found, name):
    exact = ARRAYS[name].astype(np.float64)
    features = exact.reshape(-1, exact.shape[-1])
    close(found[f"{name}/min"], exact.min())
    close(found[f"{name}/max"], exact.max())
    close(found[f"{name}/mean"], exact.mean())
    close(found[f"{name}/std"], exact.std())
    close(found[f"{name}/feature_std_min"], features.std(axis=0).min(), rel=1e-4)
    close(found[f"{name}/feature_std_max"], features.std(axis=0).max())
    close(found[f"{name}/feature_mean_max"], np.abs(features.mean(axis=0)).max())
    close(found[f"{name}/diversity"], exact.std(axis=0).mean() / np.abs(exact).mean())


def test_a_constant_column_has_no_spread_at_all(found):
    assert found["data constant/diversity"] == found["data constant/feature_std_min"] == 0.0
    close(found["data offset/feature_std_min"], ARRAYS["data offset"][:, 1].std(dtype=np.float64), rel=1e-5)


def test_class_shares_leave_out_the_impossible_which_is_counted(found):
    assert found["labels some/out_of_range"] == 3
    indicators = (ARRAYS["labels some"] == np.arange(3)).astype(np.float64)
    deviation = np.abs(indicators - np.median(indicators, axis=0)).mean(axis=0)
    close(found["labels some/table"], np.stack([indicators.mean(0), indicators.std(0), deviation], axis=1))


@pytest.mark.parametrize("name", ["targets odd", "targets even", "targets flat"])
def test_target_units_are_numpys(found, name):
    units = ARRAYS[name].astype(np.float64)
    units = units.reshape(-1, units.shape[-1] if units.ndim > 1 else 1)
    deviation = np.abs(units - np.median(units, axis=0)).mean(axis=0)
    close(found[f"{name}/table"], np.stack([units.mean(0), units.std(0), deviation], axis=1), rel=1e-5)


def test_the_majority_is_the_most_frequent_largest_unit_or_side_of_the_threshold(found):
    classes, one = ARRAYS["majority classes"], ARRAYS["majority one"]
    close(found["majority classes/share"], np.bincount(classes.argmax(axis=1)).max() / 40)
    close(found["majority one/share"], max((one > 0.3).mean(), (one <= 0.3).mean()))
    assert np.isnan(found["majority nan/share"])


def test_a_probability_is_extreme_within_a_millionth_of_either_end(found):
    assert found["extreme some/share"] == 0.5
    assert np.isnan(found["extreme outside/share"])


@pytest.mark.parametrize("name", [name for name in ARRAYS if name.startswith("counted")])
def test_gradients_updates_and_outputs_are_counted_by_octave_and_of_large_ones_a_part(found, name):
    gradient, missing, output, change = found[f"{name}/shares"]
    assert np.isnan(missing).all()
    for line in (gradient, output, change):
        np.testing.assert_allclose(line, shares(ARRAYS[name]), atol=0.04 if name.endswith("large") else 1e-6)


def test_nothing_is_counted_while_it_is_off(found):
    table = found["uncounted matrix/shares"]
    assert table.shape == (4, BUCKETS) and np.isnan(table).all()
