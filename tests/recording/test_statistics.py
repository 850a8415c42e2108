"""The kernels against numpy in float64, eager, in a graph with an unknown batch size, and under XLA."""

import numpy as np
import pytest
import tensorflow as tf

from recording.runners import RUNNERS, close
from tb_lossdiag.recording import statistics

RNG = np.random.default_rng(0)


@pytest.fixture(params=RUNNERS)
def run(request):
    """A function: (kernel, array) -> {statistic: float}."""
    return lambda kernel, x: {name: float(value) for name, value in RUNNERS[request.param](kernel, x).items()}


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_a_norm_neither_underflows_nor_overflows(run, scale):
    x = (RNG.normal(size=(50, 2)) * scale).astype(np.float32)
    assert close(
        run(lambda x: {"norm": statistics.norm(tf.reshape(x, [1, -1]))[0]}, x)["norm"],
        np.linalg.norm(x.astype(np.float64)),
    )


def test_a_sparse_gradient_counts_as_the_dense_one():
    variable = tf.zeros([6, 2])
    sparse = tf.IndexedSlices(
        tf.constant([[1.0, 2.0], [3.0, 0.0], [5.0, 6.0]]), tf.constant([4, 1, 4]), tf.constant([6, 2])
    )
    assert statistics.dense(sparse, variable).numpy().tolist() == [[0, 0], [3, 0], [0, 0], [0, 0], [6, 8], [0, 0]]


@pytest.mark.parametrize("shape", [(40, 5), (6, 7, 4), (40, 1), (40,)])
def test_the_majority_is_the_most_frequent_largest_unit_or_side_of_the_threshold(run, shape):
    x = RNG.uniform(size=shape).astype(np.float32)
    if x.ndim > 1 and shape[-1] > 1:
        expected = np.bincount(x.argmax(axis=-1).ravel()).max() / np.prod(shape[:-1])
    else:
        expected = max((x > 0.3).mean(), (x <= 0.3).mean())
    assert close(run(lambda x: {"share": statistics.majority_share(x, 0.3)}, x)["share"], expected)
    x.flat[0] = np.nan
    assert np.isnan(run(lambda x: {"share": statistics.majority_share(x, 0.3)}, x)["share"])


def test_a_probability_is_extreme_within_a_millionth_of_either_end(run):
    def share(values):
        return run(lambda x: {"share": statistics.extreme_share(x)}, np.array([values], np.float32))["share"]

    assert share([0.0, 9e-7, 2e-6, 0.5, 1 - 2e-6, 1 - 5e-7, 1.0, 0.2]) == 0.5
    assert np.isnan(share([0.0, 1.0, 1.001]))
    assert np.isnan(share([-0.001, 1.0]))
    assert np.isnan(share([np.nan, 1.0]))


def test_data_statistics_are_numpys(run):
    x = (RNG.normal(size=(20, 3)) * [1, 100, 0.1] + [0, 1e4, 5]).astype(np.float32)
    exact = x.astype(np.float64)
    found = run(statistics.data_statistics, x)
    assert close(found["min"], exact.min())
    assert close(found["max"], exact.max())
    assert close(found["mean"], exact.mean())
    assert close(found["std"], exact.std())
    assert found["feature_std_min"] == pytest.approx(exact.std(axis=0).min(), rel=1e-4)
    assert close(found["feature_std_max"], exact.std(axis=0).max())
    assert close(found["feature_mean_max"], np.abs(exact.mean(axis=0)).max())
    assert close(found["diversity"], exact.std(axis=0).mean() / np.abs(exact).mean())


def test_a_constant_column_with_a_large_offset_has_no_spread_at_all(run):
    x = np.stack([np.full(1000, 3.1e9), RNG.normal(size=1000)], axis=1).astype(np.float32)
    found = run(statistics.data_statistics, x)
    assert found["feature_std_min"] == pytest.approx(x[:, 1].std(dtype=np.float64), rel=1e-5)


def test_identical_predictions_have_no_diversity():
    found = statistics.data_statistics(tf.fill([8, 4], 0.1))
    assert float(found["diversity"]) == 0.0
    assert float(found["feature_std_min"]) == 0.0


@pytest.mark.parametrize(
    "labels", [np.array([0, 1, 2, 3, -1, 2]), np.array([[0.0], [1.0], [2.0], [5.0], [np.nan], [1.0]])]
)
def test_labels_outside_the_classes_are_counted(labels):
    assert float(statistics.data_statistics(tf.constant(labels), classes=3)["out_of_range"]) == 2.0


def test_class_shares_sum_over_all_labels_and_leave_out_the_impossible(run):
    labels = np.array([[0], [2], [2], [1], [2], [7], [-1], [0]])
    table = RUNNERS["XLA"](lambda y: {"t": statistics.target_statistics(y, 3)}, labels)["t"].numpy()
    assert table[:, 0] == pytest.approx([2 / 8, 1 / 8, 3 / 8])
    indicators = (labels == np.arange(3)).astype(np.float64)
    assert table[:, 1] == pytest.approx(indicators.std(axis=0))
    assert table[:, 2] == pytest.approx(np.abs(indicators - np.median(indicators, axis=0)).mean(axis=0))


@pytest.mark.parametrize("shape", [(9,), (8,), (8, 1), (7, 3), (4, 5, 2)])
def test_target_units_are_numpys(shape):
    y = (RNG.normal(size=shape) * 10).astype(np.float32)
    units = y.reshape(-1, shape[-1] if len(shape) > 1 else 1).astype(np.float64)
    for runner in RUNNERS.values():
        table = runner(lambda y: {"t": statistics.target_statistics(y)}, y)["t"].numpy()
        deviation = np.abs(units - np.median(units, axis=0)).mean(axis=0)
        assert table == pytest.approx(np.stack([units.mean(0), units.std(0), deviation], axis=1), rel=1e-5, abs=1e-6)


def test_a_table_has_nan_where_a_row_lacks_a_column():
    table = statistics.table([{"b": tf.constant(2.0)}, {}], ("a", "b")).numpy()
    assert table[0, 1] == 2.0
    assert np.isnan(table).sum() == 3


def test_a_feature_spreads_over_its_places_too_and_diversity_over_the_batch_alone(run):
    x = (RNG.normal(size=(6, 5, 3)) + np.arange(15).reshape(5, 3)).astype(np.float32)
    x[..., 1] = 0.1
    exact = x.astype(np.float64)
    found = run(statistics.data_statistics, x)
    assert close(found["std"], exact.std())
    assert close(found["mean"], exact.mean())
    assert close(found["feature_std_max"], exact.std(axis=(0, 1)).max())
    assert close(found["feature_std_min"], exact.std(axis=(0, 1))[[0, 2]].min())  # the constant one is left out
    assert close(found["diversity"], exact.std(axis=0).mean() / np.abs(exact).mean())
