import json

import pytest
import synthetic as s

from tb_lossdiag.run import ModelCard, Run


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
