import json

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.run import LayerCard, ModelCard, Row, Run, Table


def test_a_card_comes_back_from_json_as_it_was():
    card = s.card(rows=s.layer_table().rows, columns={"steps": ("loss",)}, metrics=("accuracy",))
    assert ModelCard.from_dict(json.loads(json.dumps(card.to_dict()))) == card


def test_what_a_later_version_adds_to_a_card_is_ignored():
    assert ModelCard.from_dict(
        {"model": "m", "colour": "red", "layers": [{"path": "a", "kind": "Dense", "x": 1}]}
    ).layers


@pytest.mark.parametrize("value", [
    {"layers": [{"path": "a", "kind": "Dense", "units": "64); import os"}]},
    {"layers": [{"path": "a", "kind": "Dense", "parameters": None}]},
    {"layers": [{"path": "a", "kind": 3}]},
    {"layers": [{"path": "a", "kind": "Dense", "activation": ["relu"]}]},
    {"layers": [{"path": "a", "kind": "Dense", "settings": 1}]},
    {"rows": [{"name": 7, "kind": "variable"}]},
    {"optimizer": "Adam"},
    {"loss": None},
    {"epochs": "10"},
    {"trainable_parameters": 1.5},
])  # fmt: skip
def test_a_part_of_another_type_is_refused_by_name(value):
    with pytest.raises(TypeError, match=r"the card has .* where a .* should be"):
        ModelCard.from_dict(value)


def test_the_last_step_is_the_newest_of_any_part():
    assert s.healthy().last_step == 400
    assert Run("run", epochs=s.epochs(loss=[1.0] * 30)).last_step == 600
    assert Run("empty").last_step == 0


def numbered() -> Table:
    """Three steps of four rows and two columns: cell values count up from 0."""
    records = np.arange(24, dtype=np.float32).reshape(3, 4, 2)
    rows = tuple(Row(name, kind) for name, kind in (("k", "variable"), ("o", "output"), ("b", "variable"), ("p", "x")))
    return Table.stacked(np.array([10, 20, 30]), rows, ("first", "second"), records, 5)


def test_a_table_is_stacked_from_its_records():
    table = numbered()
    assert table.values.tolist() == np.arange(24).reshape(3, 4, 2).tolist()
    assert (table.values.dtype, table.written) == (np.float32, 5)
    assert table.values[:, 0, 0].flags.c_contiguous


def test_a_part_has_its_own_rows_and_their_values():
    part = numbered().of_kind("variable")
    assert [row.name for row in part.rows] == ["k", "b"]
    assert part.column("second").tolist() == [[1, 5], [9, 13], [17, 21]]
    assert part.of_rows([1]).cell("b", "first").tolist() == [4, 12, 20]
    assert part.of_kind("output").column("first").shape == (3, 0)


@pytest.mark.parametrize(("first", "last", "steps"), [(10, 30, [10, 20, 30]), (10.5, 29, [20]), (31, 99, [])])
def test_a_table_between_two_steps_keeps_both_ends(first, last, steps):
    part = numbered().of_kind("output").between(first, last)
    assert part.steps.tolist() == steps and part.column("first").shape == (len(steps), 1)


def test_a_column_that_was_not_recorded_is_refused():
    with pytest.raises(KeyError, match="third"):
        numbered().column("third")


@pytest.mark.parametrize(("value", "number"), [
    (0.5, 0.5), (3, 3.0), (None, None), ("0.5", None), ([1], None), (float("nan"), None), (10**400, None),
])  # fmt: skip
def test_a_setting_is_a_number_or_none(value, number):
    layer = LayerCard("drop", "Dropout", settings={"rate": value})
    assert layer.number("rate") == number and layer.number("seed") is None


def test_layers_that_an_outer_one_never_calls_stand_in_front_of_it():
    paths = ("embedding", "attention/query", "attention", "output", "attention/softmax", "attention/dropout")
    card = ModelCard(layers=tuple(LayerCard(path, "Dense") for path in paths))
    told = [layer.path for layer in ModelCard.from_dict(card.to_dict()).layers]
    assert told == ["embedding", "attention/query", "attention/softmax", "attention/dropout", "attention", "output"]
