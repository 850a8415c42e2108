import pytest
import synthetic as s

from tb_lossdiag.diagnosis.loop import (
    accumulates_gradients,
    ends_linear,
    rate_is_above_zero,
    rate_setter,
    setter,
)
from tb_lossdiag.run import Run

PLATEAU = {"name": "ReduceLROnPlateau", "config": {"monitor": "loss", "factor": 0.2, "min_delta": 0.04, "verbose": 0}}


def called(*callbacks):
    return s.healthy(card=s.card(settings={"callbacks": list(callbacks)}))


@pytest.mark.parametrize("name", ["ReduceLROnPlateau", "LearningRateScheduler", "StepLR", "CosineAnnealingLR"])
def test_who_sets_the_rate_is_known_by_name(name):
    assert setter(called({"name": "History"}, {"name": name})).name == name


def test_it_is_told_with_its_arguments():
    told = rate_setter(called(PLATEAU))
    assert told == "ReduceLROnPlateau(monitor='loss', factor=0.2, min_delta=0.04) sets the learning rate."


@pytest.mark.parametrize("run", [
    called(), called({"name": "EarlyStopping"}), called("?", 3, {}), s.healthy(), Run("empty"),
    s.healthy(card=s.card(settings={"callbacks": 3})),
])  # fmt: skip
def test_nobody_sets_it(run):
    assert setter(run) is None and rate_setter(run) is None


def test_arguments_of_any_kind_are_read():
    odd = {"name": "MyLR", "config": {"a": [1], "b": None, "c": "x" * 99, "d": 10**400, "e": float("nan")}}
    assert rate_setter(called(odd)).startswith("MyLR(c=")
    assert rate_setter(called({"name": "MyLR", "config": 3})) == "MyLR() sets the learning rate."


def test_a_rate_above_zero_and_gradients_that_are_added_up():
    adding = {"name": "Adam", "config": {"learning_rate": 0.1, "gradient_accumulation_steps": 4}}
    assert rate_is_above_zero(s.healthy()) and rate_is_above_zero(Run("empty")) is None
    assert accumulates_gradients(s.healthy(card=s.card(optimizer=adding))) and not accumulates_gradients(s.healthy())


def test_numbers_without_an_activation_may_be_embeddings():
    linear = s.with_layer(s.card(), "output", activation="linear")
    assert "10 numbers" in ends_linear(s.healthy(card=linear))
    assert ends_linear(s.healthy()) is None and ends_linear(Run("empty")) is None
    assert ends_linear(s.healthy(card=s.with_layer(linear, "output", units=1))) is None
