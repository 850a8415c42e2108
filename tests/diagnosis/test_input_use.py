"""Whole numbers are ids where they are looked up, and numbers where a layer multiplies them."""

from dataclasses import replace

import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms import input_scale
from tb_lossdiag.run import LayerCard, Row

LARGE = s.data_table(input={"mean": 500.0, "std": 300.0})


def judged(*first, dtype=None, shape=(64,)):
    """The check of large inputs of this type, in a model with these layers in front."""
    settings = {"inputs": {"x": {"dtype": dtype, "shape": list(shape)}}} if dtype else {}
    return input_scale.check(s.healthy(card=s.card(layers=(*first, *s.card().layers), settings=settings), data=LARGE))


@pytest.mark.parametrize("bases", [["Embedding"], ["ReversibleEmbedding", "Embedding"]])
def test_a_class_made_from_embedding_looks_up(bases):
    assert judged(LayerCard("table", "MyTable", settings={"bases": bases})).state == "not_run"
    assert judged(LayerCard("table", "MyTable")).sign("level") == "large"


def passing(kind, mean, std, behind=None):
    """The check of a model whose first layer, of this kind, gives numbers of this mean and spread."""
    chain = (LayerCard("first", kind), *([LayerCard("second", behind, inputs=("first",))] if behind else []))
    rows = tuple(Row("first", "output", "first") if row.name == "hidden_1" else row for row in s.layer_table().rows)
    table = replace(s.layer_table(), rows=rows)
    for column, value in (("activation_mean", mean), ("activation_std", std)):
        table = s.with_column(table, column, value, ["first"])
    return input_scale.check(s.healthy(card=s.card(layers=(*chain, *s.card().layers)), data=LARGE, layers=table))


@pytest.mark.parametrize("kind", ["Normalization", "Rescaling"])
@pytest.mark.parametrize(("mean", "std", "level"), [(0.0, 1.0, None), (3e4, 1e4, "large"), (1e-3, 1e-3, "small")])
def test_what_a_layer_for_scaling_gives_is_judged_in_the_place_of_what_comes_in(kind, mean, std, level):
    found = passing(kind, mean, std)
    assert found.sign("level") == level and found.state == ("found" if level else "not_run")
    assert not level or (found.layers == ("first",) and "is there to scale its input" in found.evidence[0].text)


@pytest.mark.parametrize("behind", ["BatchNormalization", "Normalization"])
def test_what_is_scaled_again_behind_it_may_have_any_size(behind):
    assert passing("Rescaling", 3e4, 1e4, behind).state == "not_run"


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint32"])
def test_whole_numbers_that_a_layer_of_the_users_own_takes_are_ids(dtype):
    assert judged(LayerCard("tokens", "MyLookup"), dtype=dtype).state == "not_run"


@pytest.mark.parametrize(("fan_in", "state"), [(32, "not_run"), (1, "found")])
def test_whole_numbers_without_an_axis_of_their_own_are_what_picks_rows(fan_in, state):
    layer = LayerCard("first", "Dense", parameters=99, settings={"kernel_fan_in": fan_in})
    assert judged(layer, dtype="int64", shape=()).state == state


@pytest.mark.parametrize("width", [7, 12])
def test_whole_numbers_that_were_made_one_hot_on_the_way_are_ids(width):
    assert judged(dtype="int32", shape=(width,)).state == "not_run"


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", None])
def test_numbers_that_a_layer_multiplies_as_they_are_have_a_scale(dtype):
    assert judged(dtype=dtype).sign("level") == "large"


@pytest.mark.parametrize("kind", ["Rescaling", "Normalization", "CategoryEncoding", "RandomFlip"])
def test_preprocessing_in_front_brings_its_own_scale(kind):
    assert judged(LayerCard("first", kind), dtype="uint8").state == "not_run"


@pytest.mark.parametrize("odd", [{"x": 3}, {"x": {"dtype": 3, "shape": "?"}}, [], "int32"])
def test_what_a_log_may_hold_instead_decides_nothing(odd):
    card = s.card(settings={"inputs": odd})
    assert input_scale.check(s.healthy(card=card, data=LARGE)).sign("level") == "large"
