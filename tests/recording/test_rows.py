"""Rows follow the data through what was called, and a name stands for one row."""

import numpy as np

from tb_lossdiag.recording.rows import LayerCall, feeds_of, rows_of, unique


def names(called, owners):
    return [row.name for row in rows_of(called, owners)]


def test_a_layers_variables_come_before_its_first_output_and_uncalled_ones_last():
    owners = {"spare/kernel": "spare", "b/kernel": "b", "a/kernel": "a", "a/bias": "a"}
    assert names(["a", "b"], owners) == ["a/kernel", "a/bias", "a", "b/kernel", "b", "spare/kernel"]


def test_each_call_of_a_layer_has_a_row_of_its_own():
    rows = list(rows_of(["a", "a"], {"a/kernel": "a"}))
    assert [(row.name, row.kind, row.layer) for row in rows] == [
        ("a/kernel", "variable", "a"),
        ("a", "output", "a"),
        ("a #2", "output", "a"),
    ]


def test_a_layer_is_fed_by_whose_very_output_it_was_given():
    x, h, y = (np.zeros(1) for _ in range(3))
    calls = [
        LayerCall("a", (x, None), (h, None), h),
        LayerCall("b", (h, None), (y,), y),
        LayerCall("b", (x,), (y,), y),
    ]
    assert feeds_of(calls) == {"a": (), "b": ("a",)}


def test_a_taken_name_gets_a_number():
    assert unique("a", {}) == "a"
    assert unique("a", {"a", "a #2"}) == "a #3"
