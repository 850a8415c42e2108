import pytest
import synthetic as s

from tb_lossdiag.diagnosis import settings
from tb_lossdiag.diagnosis.layer_kinds import NORMALISING, is_one_of, prepares_data
from tb_lossdiag.diagnosis.symptoms import architecture, trainable
from tb_lossdiag.run import LayerCard


def front(kind, **changes):
    """A model with a layer of this kind in front, which has three units and as many weights as its input asks for."""
    return s.healthy(card=s.card(layers=(LayerCard("first", kind, units=3, parameters=7, **changes), *s.card().layers)))


@pytest.mark.parametrize("kind", ["Normalization", "Rescaling", "StringLookup", "BatchNormalization"])
def test_what_scales_the_data_is_no_hidden_layer_and_narrows_nothing(kind):
    run = front(kind)
    assert [layer.path for layer in settings.hidden_layers(run)] == ["hidden_1", "hidden_2", "hidden_3"]
    assert settings.is_narrow(run) is None and settings.is_bottleneck(run) is None


def test_a_layer_that_mixes_few_units_is_narrow():
    assert "'first', has 3 units" in settings.is_narrow(front("Dense"))


@pytest.mark.parametrize("kind", ["RandomFlip", "RandomRotation", "Resizing", "MixUp"])
def test_augmentation_prepares_data(kind):
    assert prepares_data(LayerCard("a", kind))


@pytest.mark.parametrize("kind", ["Dense", "RandomProjection"])
def test_a_layer_with_weights_of_its_own_does_not_prepare_data(kind):
    assert not prepares_data(LayerCard("a", kind, parameters=12))


def test_a_users_class_is_what_it_was_derived_from():
    mine = LayerCard("a", "MyNorm", settings={"bases": ["BatchNormalization"]})
    assert is_one_of(mine, NORMALISING) and not is_one_of(LayerCard("a", "MyNorm"), NORMALISING)


@pytest.mark.parametrize("bases", [None, 3, "BatchNormalization", [["BatchNormalization"], {}], {"a": 1}])
def test_odd_bases_of_a_log_are_none(bases):
    assert not is_one_of(LayerCard("a", "Mine", settings={"bases": bases}), NORMALISING)


def test_a_frozen_normalization_of_the_data_freezes_nothing():
    assert trainable.check(front("Normalization", trainable=False)).state == "not_found"


def test_what_scales_the_data_does_not_bend_a_stack_of_linear_layers():
    linear = (LayerCard("a", "Dense", "linear", parameters=9), LayerCard("b", "Dense", "softmax", parameters=9))
    card = s.card(layers=(LayerCard("scale", "Rescaling"), *linear))
    assert architecture.check(s.healthy(card=card)).sign("fault") == "linear_stack"
