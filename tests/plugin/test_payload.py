import struct

import numpy as np

from tb_lossdiag.diagnosis.symptoms import SYMPTOMS
from tb_lossdiag.plugin.payload import layers_payload, matrix_bytes
from tb_lossdiag.plugin.statistics import CATALOGUE, statistics_of
from tb_lossdiag.run import LayerCard, ModelCard, Row, Run, Table

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


def layers(run):
    return layers_payload(run, statistics_of(run.layers))


def matrix(run, width, window=None):
    """What a browser makes of the bytes: row indices, first steps, last steps, values [rows, columns]."""
    content = matrix_bytes(run.layers, statistics_of(run.layers)[0], width, window)
    rows, columns = struct.unpack_from("<II", content)
    index = np.frombuffer(content, "<u4", rows, 8)
    first = np.frombuffer(content, "<i4", columns, 8 + 4 * rows)
    last = np.frombuffer(content, "<i4", columns, 8 + 4 * (rows + columns))
    values = np.frombuffer(content, "<f4", offset=8 + 4 * (rows + 2 * columns)).reshape(rows, columns)
    return index.tolist(), first.tolist(), last.tolist(), values


def test_layer_rows_carry_what_the_card_knows_and_their_newest_values():
    payload = layers(run_with_layers([[1.0, 2.0], [3.0, np.nan]]))
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
    payload = layers(run_with_layers([[1.0, np.nan], [3.0, np.nan]]))
    assert payload["rows"][2]["latest"] == {"gradient_norm": None}


def test_a_run_without_layers_answers_empty_lists():
    payload = layers(Run("exp"))
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


def test_a_matrix_of_a_part_of_the_steps_has_one_record_more_on_each_side():
    _, first, last, values = matrix(run_with_layers([[i, i] for i in range(8)], range(0, 80, 10)), 100, (25, 50))
    assert first == last == [20, 30, 40, 50, 60]
    np.testing.assert_array_equal(values[0], [2, 3, 4, 5, 6])


def test_every_statistic_names_the_checks_that_judge_it():
    known = {symptom.ID for symptom in SYMPTOMS}
    judged = {check for statistic in CATALOGUE.values() for check in statistic.checks}
    assert "update_ratio" in judged
    assert judged <= known
