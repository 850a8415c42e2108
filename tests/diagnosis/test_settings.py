from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis import settings
from tb_lossdiag.run import LayerCard, Row, Run

EMPTY = Run("empty")
QUESTIONS = [
    settings.rate_is_zero, settings.rate_is_unusual, settings.rate_is_usual, settings.adapts_nothing, settings.recurs,
    settings.clips_nothing, settings.is_narrow, settings.hides_sigmoids, settings.has_narrow_relu,
    settings.is_mostly_frozen, settings.is_bottleneck, settings.ran_as_planned, settings.adapts,
    settings.rate_is_constant, settings.small_batch, settings.low_precision, settings.half_weights,
    settings.began_wrong, settings.attends, settings.recurs_through_sigmoids,
]  # fmt: skip


def trained_by(name, applied=None, **config):
    """A run of this optimizer; applied: the learning rates the log saw, none when None."""
    steps = {"loss": s.series(s.falling())}
    if applied is not None:
        steps["learning_rate"] = s.series(applied)
    return s.healthy(card=s.card(optimizer={"name": name, "config": config}), steps=steps)


def layered(*layers):
    return s.healthy(card=s.card(layers=layers))


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.__name__)
def test_an_empty_run_answers_no_question(question):
    assert question(EMPTY) is None


@pytest.mark.parametrize("config", [None, 7, "none", [], {"learning_rate": "fast", "momentum": {}, "clipnorm": None}])
@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.__name__)
def test_a_configuration_of_another_kind_raises_nothing(question, config):
    answer = question(s.healthy(card=s.card(optimizer={"name": "SGD", "config": config})))
    assert answer is None or answer.endswith(".")


def test_the_largest_rate_applied_is_the_rate():
    assert settings.learning_rate(trained_by("Adam", [1e-3, 5e-3, 1e-4], learning_rate=9.0)) == 5e-3


def test_rates_that_are_not_finite_are_no_rates():
    assert settings.learning_rate(trained_by("Adam", [np.inf, 1e-3, np.nan])) == 1e-3
    assert settings.learning_rate(trained_by("Adam", [np.nan], learning_rate=1e-2)) == 1e-2
    assert settings.learning_rate(trained_by("Adam", learning_rate=np.nan)) is None


def test_a_schedule_has_no_one_configured_rate():
    assert settings.learning_rate(trained_by("Adam", learning_rate={"class_name": "CosineDecay"})) is None


@pytest.mark.parametrize(("name", "limit"), [("SGD", 0.5), ("Adadelta", 2.0), ("Adam", 0.03), ("Mine", 0.03)])
def test_a_rate_is_unusual_above_what_its_optimizer_takes(name, limit):
    usual, unusual = trained_by(name, learning_rate=limit), trained_by(name, learning_rate=limit * 1.01)
    assert settings.rate_is_unusual(usual) is None and "is within what" in settings.rate_is_usual(usual)
    assert f"above what {name} usually takes" in settings.rate_is_unusual(unusual)
    assert settings.rate_is_usual(unusual) is None


def test_a_rate_of_zero_is_neither_usual_nor_unusual():
    run = trained_by("Adam", [0.0])
    assert settings.rate_is_zero(run) == "The learning rate that was applied is 0."
    assert settings.rate_is_usual(run) is None and settings.rate_is_unusual(run) is None


@pytest.mark.parametrize(("name", "config", "plain"), [
    ("SGD", {}, True), ("SGD", {"momentum": 0.0}, True), ("SGD", {"momentum": 0.9}, False), ("Adam", {}, False),
])  # fmt: skip
def test_only_an_optimizer_without_momentum_or_scaling_adapts_nothing(name, config, plain):
    assert (settings.adapts_nothing(trained_by(name, **config)) is not None) is plain


@pytest.mark.parametrize("name", ["clipnorm", "global_clipnorm", "clipvalue"])
def test_any_kind_of_clipping_clips(name):
    assert settings.clips_nothing(trained_by("SGD", **{name: 1.0})) is None
    assert settings.clips_nothing(trained_by("SGD", **{name: None})) is not None


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN", "Bidirectional"])
def test_a_recurrent_layer_is_named(kind):
    assert settings.recurs(layered(LayerCard("memory", kind))).startswith("'memory'")


@pytest.mark.parametrize(("units", "narrow"), [(settings.NARROW, True), (settings.NARROW + 1, False)])
def test_a_model_is_as_narrow_as_its_narrowest_hidden_layer(units, narrow):
    told = settings.is_narrow(s.healthy(card=s.with_layer(s.card(), "hidden_2", units=units)))
    assert (told == f"The narrowest hidden layer, 'hidden_2', has {units} units.") is narrow


def test_a_model_without_a_hidden_layer_is_a_straight_line():
    assert "no hidden layer" in settings.is_narrow(layered(s.card().layers[-1]))


def test_a_narrow_output_is_not_a_narrow_model():
    assert settings.is_narrow(s.healthy(card=s.with_layer(s.card(), "output", units=1))) is None


@pytest.mark.parametrize(("units", "narrow"), [(settings.NARROW_RELU, True), (settings.NARROW_RELU + 1, False)])
def test_relu_layers_are_narrow_up_to_eight_units(units, narrow):
    run = s.healthy(card=s.with_layer(s.card(), "hidden_3", units=units))
    assert (settings.has_narrow_relu(run) is not None) is narrow


def test_sigmoids_are_told_of_hidden_layers_only():
    assert settings.hides_sigmoids(s.healthy(card=s.with_layer(s.card(), "output", activation="sigmoid"))) is None
    hidden = s.healthy(card=s.with_layer(s.card(), "hidden_1", activation="sigmoid"))
    assert settings.hides_sigmoids(hidden).startswith("'hidden_1': a sigmoid")


@pytest.mark.parametrize(("share", "mostly"), [(0.51, False), (0.49, True), (0.0, True)])
def test_a_model_is_mostly_frozen_when_less_than_half_can_change(share, mostly):
    card = replace(s.card(), parameters=1000, trainable_parameters=int(1000 * share))
    assert (settings.is_mostly_frozen(s.healthy(card=card)) is not None) is mostly


def test_a_run_ended_as_planned_once_its_steps_are_done():
    assert settings.ran_as_planned(s.healthy()) == "The training ended as planned, after 400 steps in 10 epochs."
    assert settings.ran_as_planned(s.healthy(card=s.card(epochs=11))) is None
    assert settings.ran_as_planned(s.healthy(card=s.card(steps_per_epoch=None))) is None


def test_a_loop_that_is_over_has_done_what_it_meant_to():
    loop = s.healthy(card=s.card(epochs=None, steps_per_epoch=None))
    assert settings.ran_as_planned(loop) is None
    assert settings.ran_as_planned(replace(loop, ended=True)) == "The training is over, after 400 steps."
    stopped = s.healthy(card=s.card(epochs=11))
    assert settings.ran_as_planned(replace(stopped, ended=True)) is None


def test_two_units_are_a_bottleneck_whatever_stands_around_them():
    narrow = s.with_layer(s.card(), "hidden_2", units=2)
    assert "'hidden_2', which has 2 units" in settings.is_bottleneck(s.healthy(card=narrow))
    assert settings.is_bottleneck(s.healthy(card=s.with_layer(s.card(), "hidden_2", units=3))) is None


def test_a_narrow_head_beside_the_output_is_no_bottleneck():
    trunk = s.card().layers[:3]
    head = LayerCard("ink", "Dense", None, {}, ("hidden_3",), 1, 17)
    card = replace(s.card(), layers=(*trunk, head, replace(s.card().layers[-1], inputs=("hidden_3",))))
    assert settings.is_bottleneck(s.healthy(card=card)) is settings.is_narrow(s.healthy(card=card)) is None
    way = replace(card, layers=(*trunk, head, replace(card.layers[-1], inputs=("ink",))))
    assert "'ink', which has 1 units" in settings.is_bottleneck(s.healthy(card=way))


def test_ids_are_learned_one_by_one():
    table = LayerCard("words", "Embedding", parameters=640, units=32)
    assert "'words' learns each id" in settings.looks_up(s.healthy(card=s.card(layers=(table, *s.card().layers))))
    assert settings.looks_up(s.healthy()) is None and settings.looks_up(Run("empty")) is None


def test_a_rate_is_constant_unless_it_moves_by_half():
    constant = s.healthy(steps={"learning_rate": s.series(np.full(400, 0.1))})
    decayed = s.healthy(steps={"learning_rate": s.series(np.linspace(0.1, 0.05, 400))})
    assert "stayed at 0.1" in settings.rate_is_constant(constant)
    assert settings.rate_is_constant(decayed) is None and settings.rate_is_constant(s.healthy(steps={})) is None


def test_short_floats_are_low_precision():
    assert "bfloat16" in settings.low_precision(s.healthy(card=s.card(precision="bfloat16")))
    assert settings.low_precision(s.healthy()) is None


def test_an_adaptive_optimizer_scales_each_step():
    assert settings.adapts(s.healthy()).startswith("Adam scales")
    assert settings.adapts(s.healthy(card=s.card(optimizer={"name": "SGD", "config": {}}))) is None


def test_a_few_examples_are_a_small_batch():
    assert settings.small_batch(s.healthy(card=s.card(batch_size=8))) == "Each step sees 8 examples."
    assert settings.small_batch(s.healthy(card=s.card(batch_size=9))) is None


@pytest.mark.parametrize(("size", "steps", "few"), [(8, 13, True), (8, 14, False), (None, 13, False), (8, None, False)])
def test_an_epoch_of_a_hundred_rows_is_few(size, steps, few):
    run = s.healthy(card=s.card(batch_size=size, steps_per_epoch=steps))
    assert (settings.has_few_rows(run) is not None) is few


def test_only_float16_is_half():
    assert "float16" in settings.half_weights(s.healthy(card=s.card(precision="float16")))
    assert settings.half_weights(s.healthy(card=s.card(settings={"variable_dtype": "float16"}))) is not None
    for precision in ("float32", "bfloat16", "mixed_float16"):
        assert settings.half_weights(s.healthy(card=s.card(precision=precision))) is None


@pytest.mark.parametrize(("accuracy", "wrong"), [([0.49, 0.9], True), ([0.5, 0.9], False), ([np.nan], False)])
def test_a_first_epoch_of_mostly_wrong_answers_began_wrong(accuracy, wrong):
    run = s.healthy(epochs=s.epochs(categorical_accuracy=accuracy, val_accuracy=[0.1] * len(accuracy)))
    assert (settings.began_wrong(run) is not None) == wrong
    assert settings.began_wrong(s.healthy(epochs=s.epochs(val_accuracy=[0.1]))) is None


def test_attention_is_a_transformers():
    assert "'a'" in settings.attends(layered(LayerCard("a", "MultiHeadAttention"), LayerCard("b", "Dense")))
    assert settings.attends(s.healthy()) is None


def test_a_sigmoid_in_a_plain_recurrence_fades():
    assert "'r'" in settings.recurs_through_sigmoids(layered(LayerCard("r", "SimpleRNN", "sigmoid")))
    for other in (LayerCard("r", "SimpleRNN", "tanh"), LayerCard("r", "LSTM", "sigmoid")):
        assert settings.recurs_through_sigmoids(layered(other)) is None


def test_a_softmax_between_layers_squeezes():
    squeezed = s.healthy(card=s.with_layer(s.card(), "hidden_2", activation="softmax"))
    assert "'hidden_2': a softmax" in settings.hides_sigmoids(squeezed)
    assert settings.hides_sigmoids(s.healthy()) is None


def test_a_rate_near_the_largest_number_moves_like_any_other():
    assert "stayed at" in settings.rate_is_constant(trained_by("SGD", np.full(400, 1.7e308)))
    assert settings.rate_is_constant(trained_by("SGD", np.geomspace(1e308, 1e307, 400))) is None


def test_heads_of_one_unit_are_no_bottleneck():
    wide = [LayerCard(name, "Dense", "relu", units=64, parameters=9) for name in ("a", "b")]
    heads = [LayerCard(name, "Dense", "linear", units=units, parameters=9) for name, units in (("x", 10), ("y", 1))]
    run = layered(*wide, *heads[::-1])
    assert settings.is_bottleneck(replace(run, data=None)) is not None  # for all that is known "y" stands before "x"
    for names in (("prediction:y", "prediction:x"), ("prediction:0", "prediction:1")):
        data = s.with_rows(s.data_table(), tuple(Row(name, "prediction") for name in names))
        assert settings.is_bottleneck(replace(run, data=data)) is None


def test_of_networks_that_play_against_each_other_no_layer_is_known_to_be_hidden():
    layers = [LayerCard(str(i), "Dense", "relu", units=units, parameters=9) for i, units in enumerate((32, 2, 32, 1))]
    two = s.with_rows(s.data_table(), (Row("rate:d", "rate"), Row("rate:g", "rate")))
    assert settings.is_bottleneck(layered(*layers)) is not None
    assert settings.is_bottleneck(replace(layered(*layers), data=two)) is None
    assert settings.is_narrow(replace(layered(*layers), data=two)) is None


def test_inputs_that_were_seen_to_differ_are_not_constant():
    assert "differ by 1 of their size" in settings.inputs_vary(s.healthy())
    assert settings.inputs_vary(s.healthy(data=s.data_table(input={"diversity": 0.0}))) is None
    looked_up = s.with_layer(s.card(), "hidden_1", kind="Embedding")
    assert settings.inputs_vary(s.healthy(card=looked_up)) is None


@pytest.mark.parametrize(("rate", "told"), [(1e-6, True), (1e-4, False)])
def test_a_rate_far_below_any_usual_one_is_tiny(rate, told):
    run = s.healthy(steps={**s.loss(s.flat()), "learning_rate": s.series(np.full(400, rate))})
    assert (settings.rate_is_tiny(run) is not None) is told
