import pytest
import synthetic as s

from tb_lossdiag.diagnosis.schedules import rate_setter


def calling(*callbacks):
    return s.healthy(card=s.card(settings={"callbacks": list(callbacks)}))


@pytest.mark.parametrize("name", ["ReduceLROnPlateau", "LearningRateScheduler", "StepLR", "OneCycleLR", "MyWarmup"])
def test_what_sets_the_rate_is_known_by_its_name(name):
    others = ({"name": "EarlyStopping", "config": {}}, {"name": name, "config": {"factor": 0.1}})
    assert rate_setter(calling(*others)) == (name, {"factor": 0.1})


@pytest.mark.parametrize("odd", [{"name": "EarlyStopping"}, {"name": 3}, "StepLR", None, {}])
def test_nothing_else_sets_it(odd):
    assert rate_setter(calling(odd)) is None


def test_without_a_card_or_callbacks_nobody_is_known():
    assert rate_setter(s.healthy(card=None)) is None and rate_setter(s.healthy()) is None
    assert rate_setter(s.healthy(card=s.card(settings={"callbacks": 3}))) is None


def test_odd_arguments_are_none():
    assert rate_setter(calling({"name": "StepLR", "config": 3})) == ("StepLR", {})
