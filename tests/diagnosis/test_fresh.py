import math
from dataclasses import replace

import pytest

from tb_lossdiag.diagnosis.fresh import FEWEST_WEIGHTS, WITHIN, initial_std, is_fresh, window
from tb_lossdiag.run import LayerCard

FAN_IN, UNITS = 64, 32
ERROR = math.sqrt(0.5 / (FAN_IN * UNITS))  # of a standard deviation, relative


def layer(name="GlorotUniform", std=None, kind="Dense", config=None, **settings):
    """A layer whose kernel has the spread that this initialiser draws, or this one."""
    card = LayerCard(
        "dense",
        kind,
        initializers={"kernel": {"name": name, "config": config or {}}},
        units=UNITS,
        settings={"kernel_mean": 0.0, "kernel_fan_in": FAN_IN, "bias_min": 0.0, "bias_max": 0.0, **settings},
    )
    std = initial_std(card) if std is None else std
    return replace(card, settings={"kernel_std": std, **card.settings})


@pytest.mark.parametrize(("name", "std"), [
    ("GlorotUniform", math.sqrt(2 / 96)), ("GlorotNormal", math.sqrt(2 / 96)), ("HeNormal", math.sqrt(2 / 64)),
    ("HeUniform", math.sqrt(2 / 64)), ("LecunNormal", 1 / 8),
])  # fmt: skip
def test_an_initialiser_draws_a_known_spread(name, std):
    assert initial_std(layer(name)) == pytest.approx(std)


def test_a_convolution_counts_the_places_its_kernel_covers():
    assert initial_std(layer(kind="Conv2D", kernel_size=[3, 3])) == pytest.approx(math.sqrt(2 / (64 + 32 * 9)))


def test_a_normal_draw_has_the_spread_it_was_given():
    assert initial_std(layer("RandomNormal", config={"stddev": 0.3})) == 0.3


@pytest.mark.parametrize(("errors", "fresh"), [(0, True), (0.9 * WITHIN, True), (1.1 * WITHIN, False), (-4, False)])
def test_a_kernel_is_fresh_within_what_chance_allows(errors, fresh):
    expected = initial_std(layer())
    assert is_fresh(layer(std=expected * (1 + errors * ERROR))) is fresh


@pytest.mark.parametrize("moved", [
    {"bias_max": 1e-3}, {"bias_min": -1e-3}, {"kernel_mean": 0.05},
])  # fmt: skip
def test_what_training_moves_is_not_fresh(moved):
    assert not is_fresh(layer(**moved))


@pytest.mark.parametrize("known", [
    layer("Zeros", 0.0), layer("RandomUniform", 0.1), layer(kind="LSTM", std=0.14), layer(kernel_fan_in=None, std=0.1),
    layer(kernel_fan_in=-200, std=0.1), layer(kind="Conv2D", kernel_size=["x"], std=0.1), layer(std=math.nan),
    layer(config=[], std=0.1, name=["GlorotUniform"]), replace(layer(), units=None), replace(layer(), units=-64),
])  # fmt: skip
def test_what_cannot_be_told_is_not_called_fresh(known):
    assert not is_fresh(known)


def test_a_few_weights_tell_nothing():
    few = replace(layer(kernel_fan_in=1), units=FEWEST_WEIGHTS - 1)
    assert not is_fresh(replace(few, settings={**few.settings, "kernel_std": initial_std(few)}))


def test_a_window_is_the_product_of_its_sides():
    assert (window(layer()), window(layer(kernel_size=5)), window(layer(kernel_size=[3, 4]))) == (1, 5, 12)


ENDS = {"GlorotUniform": math.sqrt(3), "HeUniform": math.sqrt(3), "GlorotNormal": 2 / 0.8796, "HeNormal": 2 / 0.8796}


@pytest.mark.parametrize(("beyond", "fresh"), [(0.999, True), (1.01, False)])
@pytest.mark.parametrize("name", ENDS)
def test_a_weight_beyond_the_end_of_the_draw_was_moved_there(name, beyond, fresh):
    """A kernel without a bias that two epochs had trained kept its mean and spread; its largest weights tell."""
    unbiased = layer(name)
    settings = {key: value for key, value in unbiased.settings.items() if not key.startswith("bias")}
    largest = ENDS[name] * initial_std(unbiased) * beyond
    assert is_fresh(replace(unbiased, settings={**settings, "kernel_max_abs": largest})) is fresh
    assert is_fresh(replace(unbiased, settings={**unbiased.settings, "kernel_max_abs": largest})) is fresh


def test_a_kernel_without_a_bias_of_which_no_largest_weight_is_known_tells_nothing():
    unbiased = layer()
    settings = {key: value for key, value in unbiased.settings.items() if not key.startswith("bias")}
    assert not is_fresh(replace(unbiased, settings=settings))


def test_a_draw_without_an_end_needs_a_bias():
    endless = layer("RandomNormal", config={"stddev": 0.3}, kernel_max_abs=1.2)
    settings = {key: value for key, value in endless.settings.items() if not key.startswith("bias")}
    assert is_fresh(endless) and not is_fresh(replace(endless, settings=settings))
