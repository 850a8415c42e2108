"""The kernels against numpy in float64, eager, in a graph with an unknown batch size, and under XLA."""

import numpy as np
import pytest
import tensorflow as tf

from tb_lossdiag import schema
from tb_lossdiag.recording import statistics
from tb_lossdiag.recording.layout import OUTPUT_COLUMNS, VARIABLE_COLUMNS

RNG = np.random.default_rng(0)
RUNNERS = {
    "eager": lambda function, x: function(tf.constant(x)),
    "unknown batch": lambda function, x: tf.function(
        function, input_signature=[tf.TensorSpec([None, *x.shape[1:]], x.dtype)]
    )(x),
    "XLA": lambda function, x: tf.function(function, jit_compile=True)(x),
}


@pytest.fixture(params=RUNNERS)
def run(request):
    """A function: (kernel, array) -> {statistic: float}."""
    return lambda kernel, x: {name: float(value) for name, value in RUNNERS[request.param](kernel, x).items()}


def rows(kernel, *tensors):
    """A kernel over rows, applied to one row."""
    return {name: column[0] for name, column in kernel(*(tf.reshape(x, [1, -1]) for x in tensors)).items()}


def close(value, expected):
    return value == pytest.approx(expected, rel=2e-6, abs=1e-7, nan_ok=True)


def gradient_statistics(g):
    """Of one gradient whose step changed all weights."""
    return rows(statistics.gradient_statistics, g, tf.zeros_like(g, tf.bool))


def test_gradient_statistics_are_numpys(run):
    g = RNG.normal(size=(7, 5)).astype(np.float32)
    g[g > 1] = 0
    exact = np.abs(g.astype(np.float64))
    found = run(gradient_statistics, g)
    assert close(found["gradient_norm"], np.linalg.norm(exact))
    assert close(found["gradient_mean_abs"], exact.mean())
    assert close(found["gradient_max_abs"], exact.max())
    assert close(found["gradient_zero_share"], (g == 0).mean())
    assert found["gradient_nonfinite"] == 0


def test_a_broken_gradient_has_a_broken_norm_and_an_exact_count():
    g = tf.constant([1.0, np.nan, np.inf, -np.inf])
    found = gradient_statistics(g)
    assert np.isnan(found["gradient_norm"])
    assert np.isnan(found["gradient_max_abs"])
    assert found["gradient_nonfinite"] == 3
    assert np.isinf(statistics.norm(tf.constant([[1.0, np.inf]])))


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


def test_tensors_in_groups_have_the_numbers_they_have_alone(monkeypatch):
    monkeypatch.setattr(statistics, "MAX_STACKED_ELEMENTS", 12)
    tensors = [
        (tf.constant(RNG.normal(size=shape), tf.float32), tf.constant(RNG.normal(size=shape) > 0))
        for shape in ((2, 3), (6,), (4,), (1, 6), (50,), (4,))
    ]
    together = statistics.in_groups(statistics.gradient_statistics, tensors)
    alone = [rows(statistics.gradient_statistics, *pair) for pair in tensors]
    for name, column in together.items():
        assert column.numpy().tolist() == pytest.approx([float(numbers[name]) for numbers in alone], rel=1e-6)


def test_only_weights_with_a_gradient_can_fail_to_change(run):
    g = np.array([0.0, 0.0, 1.0, 2.0, -3.0, 4.0], np.float32)
    same = tf.constant([True, False, True, False, True, False])
    found = run(lambda g: rows(statistics.gradient_statistics, g, same), g)
    assert found["unchanged_share"] == 0.5
    assert np.isnan(run(lambda g: rows(statistics.gradient_statistics, g, same), 0 * g)["unchanged_share"])


@pytest.mark.parametrize(
    ("dtype", "step", "kept"),
    [("bfloat16", 1e-3, True), ("float32", 1e-3, False), ("float32", 1e-9, True), ("float64", 1e-9, False)],
)
def test_an_update_is_lost_in_the_precision_of_its_weights(dtype, step, kept):
    before = tf.ones([3], dtype)
    for compiled in (False, True):
        take = tf.function(lambda w: statistics.unchanged(w, w + tf.cast(step, w.dtype)), jit_compile=compiled)
        assert take(before).numpy().tolist() == [kept] * 3


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


def test_the_update_ratio_is_relative_to_the_old_weights_and_absent_for_zero_weights():
    before, after = RNG.normal(size=(2, 4, 3)).astype(np.float32)
    found = rows(statistics.update_statistics, before, after)
    update = np.linalg.norm(after.astype(np.float64) - before)
    assert close(float(found["update_norm"]), update)
    assert close(float(found["update_ratio"]), update / np.linalg.norm(before.astype(np.float64)))
    from_zero = rows(statistics.update_statistics, tf.zeros([3]), tf.ones([3]))
    assert np.isnan(from_zero["update_ratio"])
    assert close(float(from_zero["update_norm"]), 3**0.5)


def test_output_statistics_are_numpys(run):
    x = np.maximum(RNG.normal(size=(6, 4, 5)), 0).astype(np.float32)
    x[..., 2] = 0
    exact = x.astype(np.float64)
    found = run(lambda x: statistics.output_statistics(x, "relu"), x)
    assert close(found["activation_mean"], exact.mean())
    assert close(found["activation_std"], exact.std())
    assert close(found["activation_max_abs"], exact.max())
    assert close(found["activation_zero_share"], (x == 0).mean())
    assert close(found["activation_dead_share"], 1 / 5)
    assert close(found["activation_unit_std"], exact.std(axis=0).mean())
    assert found["activation_nonfinite"] == 0
    assert "activation_saturated_share" not in found


@pytest.mark.parametrize(
    ("activation", "values", "saturated"),
    [
        ("tanh", [-0.96, -0.94, 0.0, 0.96], 0.5),
        ("sigmoid", [0.02, 0.03, 0.97, 0.98], 0.5),
        ("hard_sigmoid", [0.0, 0.5, 0.6, 0.7], 0.25),
        ("linear", [-5.0, 5.0, 0.0, 1.0], None),
        (None, [-5.0, 5.0, 0.0, 1.0], None),
    ],
)
def test_saturation_is_the_outer_five_percent_of_a_bounded_range(activation, values, saturated):
    found = statistics.output_statistics(tf.constant([values]), activation)
    assert found.get("activation_saturated_share") == saturated


@pytest.mark.parametrize("activation", ["elu", "leaky_relu", "tanh", "linear"])
def test_only_relu_like_units_can_be_dead(activation):
    assert "activation_dead_share" not in statistics.output_statistics(tf.zeros([2, 3]), activation)


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


@pytest.mark.parametrize("kind", ["variable", "output"])
def test_the_tables_have_the_schemas_columns_and_nan_where_a_row_has_none(kind):
    columns = VARIABLE_COLUMNS if kind == "variable" else OUTPUT_COLUMNS
    assert all(schema.applies(column, kind) for column in columns)
    table = statistics.table([{columns[1]: tf.constant(2.0)}, {}], columns).numpy()
    assert table.shape == (2, len(columns))
    assert table[0, 1] == 2.0
    assert np.isnan(table).sum() == 2 * len(columns) - 1


@pytest.mark.parametrize("size", [10, statistics.BRANCH_ELEMENTS])
@pytest.mark.parametrize("broken", [0, 2])
def test_small_and_large_rows_take_different_ways_to_the_same_numbers(size, broken):
    g = (RNG.normal(size=size) * 1e-20).astype(np.float32)
    g[:broken] = np.inf
    found = gradient_statistics(g)
    assert found["gradient_nonfinite"] == broken
    expected = np.inf if broken else np.linalg.norm(g.astype(np.float64))
    assert float(found["gradient_norm"]) == pytest.approx(expected, rel=1e-5)
