import math
from dataclasses import replace

import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.initialization import BAND, BOUNDED_BIAS, GLOROT_BAND, MIN_FAN_IN, RELU_BIAS, check
from tb_lossdiag.run import LayerCard

FAN_IN = 64


def starting(path="hidden_1", card=None, activation="relu", **settings):
    return s.healthy(card=s.with_layer(card or s.card(), path, settings, activation=activation))


def scaled(gain, **changes):
    """A first layer whose Var(w) fan_in is `gain`."""
    return starting(kernel_std=math.sqrt(gain / FAN_IN), **changes)


@pytest.mark.parametrize(("activation", "wanted"), [("relu", 2.0), ("tanh", 1.0), ("linear", 1.0)])
@pytest.mark.parametrize(("factor", "fault"), [
    (BAND * 0.99, "normal"), (BAND * 1.01, "large_scale"), (1.01 / BAND, "normal"), (0.99 / BAND, "small_scale"),
])  # fmt: skip
def test_a_scale_is_judged_against_what_its_activation_wants(activation, wanted, factor, fault):
    found = check(scaled(wanted * factor, activation=activation))
    assert found.sign("fault") == fault
    assert found.state == ("not_found" if fault == "normal" else "found")


@pytest.mark.parametrize(("share", "fault"), [(1.0, "normal"), (0.99 / GLOROT_BAND, "small_scale")])
def test_glorots_own_scale_is_never_too_small(share, fault):
    fan_in, filters, window = 9, 32, (3, 3)
    glorot = 2 / (fan_in + filters * math.prod(window))
    card = s.with_layer(s.card(), "hidden_1", {"kernel_size": window}, kind="Conv2D", units=filters)
    run = starting(card=card, kernel_std=math.sqrt(glorot * share), kernel_fan_in=fan_in)
    assert check(run).sign("fault") == fault


@pytest.mark.parametrize("window", ["3", [None], {}, [math.nan]])
def test_a_window_that_is_no_size_is_left_out(window):
    assert check(starting(kernel_std=1e-3, kernel_size=window)).sign("fault") == "small_scale"


def test_the_evidence_carries_gain_threshold_and_layer():
    found = check(scaled(200.0))
    (evidence,) = found.evidence
    assert evidence.value == pytest.approx(200) and evidence.threshold == 2 * BAND
    assert found.layers == evidence.layers == ("hidden_1",)
    assert "10.0 times too large" in evidence.text
    assert found.onset == 0


@pytest.mark.parametrize("kind", ["Activation", "ReLU"])
def test_an_activation_layer_behind_counts_as_the_layers_own(kind):
    card = s.card()
    behind = (card.layers[0], LayerCard("norm", "BatchNormalization"), LayerCard("act", kind, "relu"), *card.layers[1:])
    run = starting(card=s.card(layers=behind), activation=None, bias_max=-3.0)
    assert check(run).sign("fault") == "bias"


@pytest.mark.parametrize(("bias", "fault"), [(RELU_BIAS * 0.99, "normal"), (RELU_BIAS * 1.01, "bias")])
def test_a_bias_that_switches_relu_off_is_found(bias, fault):
    assert check(starting(bias_min=bias, bias_max=bias, bias_mean=bias)).sign("fault") == fault


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(("factor", "fault"), [(0.99, "normal"), (1.01, "bias")])
def test_a_bias_that_saturates_is_found_on_either_side(sign, factor, fault):
    bias = sign * factor * BOUNDED_BIAS
    run = starting(activation="sigmoid", kernel_std=1 / 8, bias_min=bias, bias_max=bias, bias_mean=bias)
    assert check(run).sign("fault") == fault


def test_an_output_bias_may_encode_the_class_prior():
    assert check(starting("output", activation="sigmoid", bias_mean=-6.0, bias_max=-6.0)).state == "not_found"


def test_zero_weights_in_a_hidden_layer_are_found():
    assert check(starting(kernel_std=0.0)).sign("fault") == "zero"


def test_zero_weights_in_the_output_layer_are_harmless():
    assert check(starting("output", activation="softmax", kernel_std=0.0)).state == "not_found"


@pytest.mark.parametrize("settings", [{"kernel_identical_columns": True}, {"kernel_std": 0.0, "kernel_mean": 0.5}])
def test_units_that_start_alike_are_found(settings):
    assert check(starting(**settings)).sign("fault") == "symmetric"


def test_a_single_unit_cannot_be_a_copy():
    card = s.with_layer(s.card(), "hidden_1", units=1)
    assert check(starting(card=card, kernel_identical_columns=True)).state == "not_found"


def test_the_gravest_of_several_faults_is_told():
    card = s.with_layer(s.card(), "hidden_2", {"kernel_std": 10.0})
    found = check(starting(card=card, kernel_std=0.0))
    assert (found.sign("fault"), found.layers) == ("zero", ("hidden_1",))


@pytest.mark.parametrize("changes", [{"kind": "Embedding"}, {"kind": "EinsumDense"}])
def test_kernels_whose_fan_in_says_nothing_are_left_alone(changes):
    card = s.with_layer(s.card(), "hidden_1", {"kernel_std": 10.0}, **changes)
    assert check(s.healthy(card=card)).state == "not_found"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_not_finite_never_look_too_small(value):
    assert check(starting(kernel_std=value)).sign("fault") in ("normal", "large_scale")


@pytest.mark.parametrize(("fan_in", "fault"), [(MIN_FAN_IN - 1, "normal"), (MIN_FAN_IN, "large_scale")])
def test_one_or_two_inputs_make_a_spread_a_matter_of_luck(fan_in, fault):
    assert check(starting(kernel_std=10.0, kernel_fan_in=fan_in)).sign("fault") == fault


def test_a_card_without_weight_statistics_is_not_judged():
    layers = tuple(replace(layer, settings={}) for layer in s.card().layers)
    assert check(s.healthy(card=s.card(layers=layers))).state == "not_run"


@pytest.mark.parametrize("value", [None, "0.1", [0.1], {}, math.nan, math.inf, 10**400])
def test_a_statistic_that_is_no_finite_number_is_not_judged(value):
    names = ("kernel_std", "kernel_mean", "kernel_fan_in", "bias_mean", "bias_max")
    assert check(starting(**dict.fromkeys(names, value))).state == "not_found"
    assert all(check(starting(**{name: value})).state == "not_found" for name in names)


@pytest.mark.parametrize(("factor", "fault"), [(BAND * 0.99, "normal"), (BAND * 1.01, "large_scale")])
def test_a_recurrent_kernel_is_judged_by_glorots_deviation(factor, fault):
    card = s.with_layer(s.card(), "hidden_1", kind="LSTM", units=36)
    glorot = math.sqrt(2 / (FAN_IN + 36))
    assert check(starting(card=card, activation="tanh", kernel_std=factor * glorot)).sign("fault") == fault


@pytest.mark.parametrize("kind", ["Dense", "Conv2D", "LSTM"])
@pytest.mark.parametrize("units", [-FAN_IN, -FAN_IN - 1, 0, 10**400])
def test_sizes_that_no_layer_has_say_nothing_of_its_scale(kind, units):
    card = s.with_layer(s.card(), "hidden_1", {}, kind=kind, units=units)
    assert check(starting(card=card, kernel_std=math.sqrt(2 / FAN_IN), kernel_fan_in=FAN_IN)).state == "not_found"
