import struct

import numpy as np

from tb_lossdiag.plugin.payload import MAX_POINTS, layers_payload, matrix_bytes, points_to_show, series_payload
from tb_lossdiag.plugin.statistics import statistics_of
from tb_lossdiag.run import LayerCard, ModelCard, Row, Run, Series, Table

ROWS = (Row("fc/kernel", "variable", "fc"), Row("fc", "output", "fc"), Row("fc/bias", "variable", "fc"))


def run_with_layers(gradient_norms, steps=None):
    """gradient_norms: [n, 2], of the kernel and the bias."""
    gradient_norms = np.asarray(gradient_norms, np.float32)
    values = np.full((len(gradient_norms), 3, 2), np.nan, np.float32)
    values[:, [0, 2], 0] = gradient_norms
    values[:, 1, 1] = 0.5
    steps = np.arange(1, len(values) + 1) if steps is None else np.array(steps)
    layer = LayerCard("fc", "Dense", "relu", {"kernel": {"name": "GlorotUniform"}}, parameters=640)
    columns = ("gradient_norm", "activation_dead_share")
    return Run("exp", ModelCard(layers=(layer,)), layers=Table(steps, ROWS, columns, values, 99))


def matrix(run, width):
    """What a browser makes of the bytes: row indices, first steps, last steps, values [rows, columns]."""
    content = matrix_bytes(run.layers, statistics_of(run.layers)[0], width)
    rows, columns = struct.unpack_from("<II", content)
    index = np.frombuffer(content, "<u4", rows, 8)
    first = np.frombuffer(content, "<i4", columns, 8 + 4 * rows)
    last = np.frombuffer(content, "<i4", columns, 8 + 4 * (rows + columns))
    values = np.frombuffer(content, "<f4", offset=8 + 4 * (rows + 2 * columns)).reshape(rows, columns)
    return index.tolist(), first.tolist(), last.tolist(), values


def test_short_series_are_sent_whole():
    series = Series(np.array([1, 2]), np.array([2.5, np.nan]), 7)
    (sent,) = series_payload(Run("exp", steps={"loss": series}))["series"]
    assert sent["steps"] == [1, 2]
    assert sent["values"][0] == 2.5 and np.isnan(sent["values"][1])
    assert (sent["shown"], sent["written"]) == (2, 7)


def test_curves_are_named_and_grouped_for_the_page():
    curve = Series(np.array([1]), np.array([1.0]))
    steps = dict.fromkeys(("loss", "learning_rate", "gradient_norm", "update_norm", "penalty"), curve)
    payload = series_payload(Run("exp", steps=steps, epochs=dict.fromkeys(("loss", "val_loss", "accuracy"), curve)))
    assert [(series["id"], series["group"]) for series in payload["series"]] == [
        ("loss", "loss"),
        ("learning_rate", "learning_rate"),
        ("gradient_norm", "norm"),
        ("update_norm", "norm"),
        ("epoch_loss", "loss"),
        ("epoch_val_loss", "loss"),
    ]


def test_merging_points_loses_neither_a_spike_nor_a_nan_nor_an_end():
    values = np.sin(np.arange(50_000) / 1000)
    values[[12_345, 23_456]] = 99.0, -99.0
    values[[34_567, 34_568]] = np.nan, np.inf
    kept = points_to_show(values, MAX_POINTS)
    assert len(kept) <= MAX_POINTS
    assert (np.diff(kept) > 0).all()
    assert {0, 12_345, 23_456, 34_567, 49_999} <= set(kept.tolist())


def test_a_series_of_nothing_but_nan_is_merged_too():
    assert 0 < len(points_to_show(np.full(10_000, np.nan), MAX_POINTS)) <= MAX_POINTS


def test_layer_rows_carry_what_the_card_knows_and_their_newest_values():
    payload = layers_payload(run_with_layers([[1.0, 2.0], [3.0, np.nan]]))
    assert payload["steps"] == {"shown": 2, "written": 99, "first": 1, "last": 2}
    assert [statistic["id"] for statistic in payload["statistics"]] == ["gradient_norm", "activation_dead_share"]
    kernel, output, bias = payload["rows"]
    assert kernel == {
        "index": 0,
        "name": "fc/kernel",
        "kind": "variable",
        "layer": "fc",
        "layer_kind": "Dense",
        "activation": "relu",
        "initializer": "GlorotUniform",
        "parameters": 640,
        "trainable": True,
        "latest": {"gradient_norm": 3.0},
    }
    assert output["latest"] == {"activation_dead_share": 0.5}
    assert np.isnan(bias["latest"]["gradient_norm"])
    assert bias["initializer"] is None


def test_a_row_that_never_had_a_number_says_not_recorded():
    payload = layers_payload(run_with_layers([[1.0, np.nan], [3.0, np.nan]]))
    assert payload["rows"][2]["latest"] == {"gradient_norm": None}


def test_a_run_without_layers_answers_empty_lists():
    payload = layers_payload(Run("exp"))
    assert payload["statistics"] == payload["rows"] == []
    assert payload["steps"]["shown"] == 0


def test_a_matrix_holds_the_rows_the_statistic_applies_to():
    index, first, last, values = matrix(run_with_layers([[1, 10], [2, 20], [3, 30]], [5, 7, 9]), 100)
    assert index == [0, 2]
    assert first == last == [5, 7, 9]
    np.testing.assert_array_equal(values, [[1, 2, 3], [10, 20, 30]])


def test_merged_columns_keep_the_largest_value_and_anything_not_finite():
    norms = [[1, 1], [5, np.nan], [2, -np.inf], [1, 2], [np.inf, 3], [1, 4]]
    _, first, last, values = matrix(run_with_layers(norms), 3)
    assert (first, last) == ([1, 3, 5], [2, 4, 6])
    np.testing.assert_array_equal(values, [[5, 2, np.inf], [np.nan, -np.inf, 4]])


def test_steps_beyond_32_bits_are_cut_to_the_largest_that_fits():
    _, first, last, _ = matrix(run_with_layers([[1, 1], [2, 2]], [1, 2**40]), 1)
    assert (first, last) == ([1], [2**31 - 1])
