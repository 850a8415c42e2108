import json

import pytest

from tb_lossdiag import schema
from tb_lossdiag.logs.card import MAX_ITEMS, MAX_NAME, decode_card
from tb_lossdiag.run import LayerCard, ModelCard, Row

CARD = ModelCard(
    layers=(LayerCard("fc", "Dense", units=8, parameters=40),),
    rows=(Row("fc/kernel", "variable", "fc"),),
    batch_size=32,
    steps_per_epoch=10,
    epochs=5,
    parameters=40,
    trainable_parameters=40,
    optimizer={"name": "SGD", "config": {"learning_rate": 0.1, "nothing": None}},
    settings={"loss_scale": float("inf")},
)


def text(**changes) -> bytes:
    return schema.encode_json({**CARD.to_dict(), **changes}).encode()


def test_a_card_comes_back_whole():
    assert decode_card(text()) == (CARD, {})


@pytest.mark.parametrize("name", ["batch_size", "steps_per_epoch", "epochs", "parameters", "trainable_parameters"])
@pytest.mark.parametrize("value", [10**400, 2**63, -1, 1.5, float("nan"), float("inf"), "32", True, [32], {"a": 1}])
def test_a_count_that_is_none_is_left_out_by_name_and_the_rest_stays(name, value):
    card, dropped = decode_card(text(**{name: value}))
    assert list(dropped) == [name]
    assert getattr(card, name) == getattr(ModelCard(), name)
    assert card.layers == CARD.layers
    assert card.rows == CARD.rows


@pytest.mark.parametrize("value", [10**400, -1, 1.5, "8", False])
def test_a_count_of_a_layer_is_left_out_by_name(value):
    layer = {**CARD.to_dict()["layers"][0], "units": value}
    card, dropped = decode_card(text(layers=[layer]))
    assert list(dropped) == ["layers[0].units"]
    assert card.layers[0].units is None
    assert card.layers[0].parameters == 40


def test_a_count_may_be_unknown():
    assert decode_card(text(batch_size=None, epochs=None))[1] == {}
    assert list(decode_card(text(parameters=None))[1]) == ["parameters"]


def test_an_endless_number_deep_in_the_settings_is_left_out_alone():
    config = {"learning_rate": 10**400, "momentum": 0.9}
    card, dropped = decode_card(text(optimizer={"name": "SGD", "config": config}))
    assert list(dropped) == ["optimizer.config.learning_rate"]
    assert card.optimizer == {"name": "SGD", "config": {"momentum": 0.9}}


def test_a_number_of_more_digits_than_python_reads_is_left_out_too():
    whole = text(epochs=7).decode()
    card, dropped = decode_card(whole.replace('"epochs":7', '"epochs":' + "9" * 100_000).encode())
    assert list(dropped) == ["epochs"]
    assert card.batch_size == 32


def test_a_million_rows_are_left_out_by_their_number():
    rows = [{"name": str(row), "kind": "variable"} for row in range(MAX_ITEMS + 1)]
    card, dropped = decode_card(text(rows=rows))
    assert dropped == {"rows": f"{MAX_ITEMS + 1} of them, expected {MAX_ITEMS} at most"}
    assert card.rows == ()
    assert card.layers == CARD.layers


def test_a_name_of_a_megabyte_is_cut():
    card, dropped = decode_card(text(layers=[{"path": "a/" * 500_000, "kind": "Dense"}]))
    assert len(card.layers[0].path) == MAX_NAME
    assert list(dropped) == ["layers[0].path"]


def test_a_text_beyond_every_card_is_refused_unread():
    with pytest.raises(ValueError, match="a JSON text of"):
        decode_card(b" " * (schema.MAX_TEXT_BYTES + 1))


def test_a_metric_without_a_name_is_no_card():
    with pytest.raises(TypeError, match="7 where a name should be"):
        decode_card(text(metrics=[7]))


def test_a_later_version_is_refused_whatever_else_it_says():
    with pytest.raises(schema.NewerFormat):
        decode_card(json.dumps({"version": 2, "rows": 7}).encode())
