from dataclasses import replace

import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.output_layer import output_layer, output_units
from tb_lossdiag.diagnosis.symptoms.loss_pairing import CERTAIN, check
from tb_lossdiag.run import LayerCard

SPARSE, CATEGORICAL, BINARY = (
    "sparse_categorical_crossentropy",
    "categorical_crossentropy",
    "binary_crossentropy",
)


def pair(loss, activation, units=10, shares=None, target=None, prediction=None, spread=None, **facts):
    card = s.with_layer(s.card(loss={"name": loss, **facts}), "output", activation=activation, units=units)
    data = s.data_table(target=target or {}, prediction=prediction or {})
    return s.healthy(card=card, data=data, targets=s.target_table(shares, spread))


def labels(*probabilities):
    """Targets of yes/no labels with these probabilities of a yes."""
    return {"shares": list(probabilities), "target": {"min": 0.0, "max": 1.0}}


@pytest.mark.parametrize("run", [
    pair(SPARSE, "softmax"),
    pair("CategoricalCrossentropy", "softmax"),
    pair(SPARSE, "linear", from_logits=True),
    pair(SPARSE, "softmax", from_logits=True, reads_logits=True),
    pair(BINARY, "sigmoid", 1, **labels(0.5)),
    pair(BINARY, "linear", 1, from_logits=True, **labels(0.5)),
    pair(BINARY, "softmax", 2, **labels(0.5, 0.5)),
    pair(BINARY, "sigmoid", 3, **labels(0.5, 0.7, 0.2)),
    pair("mse", "linear", 1),
    pair("mae", "relu", 1),
    pair("mean_absolute_percentage_error", "linear", 1, [5.0], {"min": 1.0, "max": 9.0}),
    pair("mean_absolute_percentage_error", "linear", 1, [-5.0], {"min": -9.0, "max": -1.0}),
    pair("mse", "sigmoid", 1, [0.4], {"min": 0.1, "max": 0.9}, spread=[0.2]),
    pair("my_loss", "relu"),
    pair("cosine_similarity", "linear", 8),
    pair("msle", "linear", 1, [2.0], {"min": 0.0, "max": 9.0}),
    pair("poisson", "exponential", 1, [4.0], {"min": 0.0, "max": 9.0}, {"min": 0.1, "max": 8.0}),
    pair("poisson", "linear", 1, [4.0], {"min": 0.0, "max": 9.0}, {"min": 0.1, "max": 8.0}),
])  # fmt: skip
def test_pairs_that_fit_are_said_to_fit(run):
    found = check(run)
    assert found.state == "not_found" and "they fit" in found.evidence[0].text


@pytest.mark.parametrize(("run", "fault"), [
    (pair(BINARY, "softmax", 1, **labels(0.5)), "one_unit_softmax"),
    (pair("cosine_similarity", "linear", 1), "direction_of_one_number"),
    (pair("msle", "linear", 1, [0.0], {"min": -2.0, "max": 2.0}), "targets_below_logarithm"),
    (pair(CATEGORICAL, "softmax", 1, **labels(0.5)), "one_unit_softmax"),
    (pair("mse", "softmax", 1, **labels(0.5)), "one_unit_softmax"),
    (pair(SPARSE, "sigmoid"), "sigmoid_for_classes"),
    (pair(SPARSE, "linear", 1, from_logits=True), "class_count"),
    (pair(BINARY, "softmax", 3, **labels(0.5, 0.7, 0.2)), "softmax_for_labels"),
    (pair(SPARSE, "softmax", from_logits=True, reads_logits=False), "double_probability"),
    (pair(BINARY, "sigmoid", 1, from_logits=True, reads_logits=False, **labels(0.5)), "double_probability"),
    (pair(SPARSE, "linear", prediction={"min": -3.0, "max": 5.0}, reads_logits=True), "logits_as_probabilities"),
    (pair(SPARSE, "relu", from_logits=True), "logits_cut_off"),
    (pair(BINARY, "relu6", 1, from_logits=True, **labels(0.5)), "logits_cut_off"),
    (pair(BINARY, "relu", 1, **labels(0.5)), "logits_as_probabilities"),
    (pair("mse", "sigmoid", 1, [300.0], {"min": 20.0, "max": 900.0}), "unreachable_targets"),
    (pair("mae", "relu", 1, [-1.0], {"min": -4.0, "max": 2.0}), "unreachable_targets"),
    (pair(CATEGORICAL, "sigmoid", 1, **labels(0.5)), "class_count"),
    (pair("mse", "softmax", 4, [1.5], {"min": 0.0, "max": 3.0}), "squared_error_for_classes"),
    (pair("mse", "softmax", 4, [1.5], {"min": 0.0, "max": 2.5}), "unreachable_targets"),
    (pair("mse", "softmax", 3, [1.5], {"min": 0.0, "max": 3.0}), "unreachable_targets"),
    (pair("mean_absolute_percentage_error", "linear", 1, [0.0], {"min": -2.0, "max": 2.0}), "relative_to_zero"),
    (pair("MeanSquaredError", "sigmoid", 1, **labels(0.5)), "squared_error_for_labels"),
    (pair("poisson", "linear", 1, [4.0], {"min": 0.0, "max": 9.0}, {"min": -2.0}), "negative_for_logarithm"),
])  # fmt: skip
def test_pairs_that_do_not_fit_are_named(run, fault):
    found = check(run)
    assert (found.state, found.sign("fault"), found.onset) == ("found", fault, 0)
    assert found.sign("certain") is (fault in CERTAIN)
    assert found.layers == found.evidence[0].layers == ("output",)


def test_an_unknown_activation_is_trusted_while_its_predictions_are_probabilities():
    assert check(pair(SPARSE, "softmax_v2")).state == "not_found"
    assert check(pair(SPARSE, None)).state == "not_found"
    found = check(pair(SPARSE, "softmax_v2", prediction={"min": -3.0, "max": 5.0}))
    assert found.sign("fault") == "logits_as_probabilities" and "run from -3 to 5" in found.evidence[0].text


@pytest.mark.parametrize(("low", "high", "mean", "state"), [
    (0.0, 1.0, 0.1, "found"), (-2.0, 3.0, 0.1, "not_found"), (0.0, 1.0, 0.3, "not_found"),
])  # fmt: skip
def test_logits_that_add_up_to_one_are_probabilities(low, high, mean, state):
    run = pair(SPARSE, None, from_logits=True, prediction={"min": low, "max": high, "mean": mean})
    assert (check(run).state, check(run).sign("fault")) == (state, "double_probability" if state == "found" else None)


def test_an_unknown_activation_without_predictions_is_not_accused():
    run = pair(SPARSE, None, prediction={"min": np.nan, "max": np.nan})
    assert check(run).state == "not_found"


@pytest.mark.parametrize(("high", "state"), [(1.0, "not_found"), (1.01, "found")])
def test_a_target_just_out_of_reach_is_found(high, state):
    assert check(pair("mse", "sigmoid", 1, [0.4], {"min": 0.2, "max": high}, spread=[0.2])).state == state


def test_targets_of_unknown_range_are_never_out_of_reach():
    assert check(pair("mse", "sigmoid", 1, [np.nan], {"min": np.nan, "max": np.nan})).state == "not_found"


def test_layers_that_change_no_value_are_passed_over_for_the_output():
    card = s.card(layers=(*s.card().layers, LayerCard("drop", "Dropout"), LayerCard("shape", "Reshape")))
    assert output_layer(card).path == "output" and output_units(card) == 10


def test_a_separate_activation_layer_is_the_output():
    layers = (
        *s.card().layers[:-1],
        LayerCard("logits", "Dense", "linear", units=10),
        LayerCard("s", "Softmax", "softmax"),
    )
    run = s.healthy(card=s.card(layers=layers))
    assert check(run).state == "not_found" and check(run).sign("output") == "s"


def test_without_a_loss_or_a_layer_there_is_no_pair():
    assert check(s.healthy(card=s.card(loss={}))).state == "not_run"
    assert check(s.healthy(card=s.card(layers=()))).state == "not_run"


def test_the_log_of_a_run_without_tables_is_judged_by_its_card():
    run = s.healthy(card=s.with_layer(s.card(), "output", activation="linear"), data=None, targets=None)
    assert check(run).sign("fault") == "logits_as_probabilities"


def test_any_distance_asks_for_targets_within_reach():
    assert check(pair("Huber", "relu", 1, [-1.0], {"min": -3.0, "max": 1.0})).sign("fault") == "unreachable_targets"
    assert check(pair("Huber", "linear", 1, [-1.0], {"min": -3.0, "max": 1.0})).state == "not_found"


@pytest.mark.parametrize(("least", "state"), [(0.0, "found"), (np.nan, "not_found")])
def test_so_does_a_loss_of_the_users_own_that_is_lowest_at_its_targets(least, state):
    card = s.with_layer(a.own(), "output", activation="relu", units=1)
    run = a.guessing(card=card, targets={"min": -3.0, "max": 1.0}, references={"loss_least": least})
    assert check(replace(run, layers=None)).state == state
    assert check(run).state == "not_found"  # what that layer gives is not what the loss is given


def headed(activation: str, **target):
    """Two outputs: "output" under a cross-entropy and "hidden_3" under a squared error, with this activation."""
    data = a.table({"output": a.well(), "hidden_3": a.well()})
    values = data.values.copy()
    for name, value in target.items():
        values[:, [row.name for row in data.rows].index("target:hidden_3"), data.columns.index(name)] = value
    card = s.with_layer(a.heads({}, {}).card, "hidden_3", activation=activation)
    card = s.with_layer(card, "output", activation="sigmoid", units=1)
    return s.healthy(card=card, data=replace(data, values=values), targets=None, layers=None)


def test_each_output_has_its_own_targets_within_reach():
    found = check(headed("relu", min=-40.0, max=40.0))
    assert found.sign("fault") == "unreachable_targets" and found.layers == ("hidden_3",)
    assert check(headed("linear", min=-40.0, max=40.0)).state == "not_found"  # and those of the first are its own


def test_torchs_poisson_takes_a_negative_prediction_for_a_logarithm():
    run = pair("Poisson", "linear", 1, [4.0], {"min": 0.0, "max": 9.0}, {"min": -2.0})
    assert check(replace(run, card=replace(run.card, framework="torch 2.9"))).state == "not_found"


def judged(layers, losses):
    """The check of a model of these output layers (name: activation and units), whose losses come in another order."""
    data = a.table({name: a.well() for name in losses})
    outputs = [{"name": name, "from_logits": True} for name in losses.values()]
    built = tuple(LayerCard(name, "Dense", act, units=units, parameters=9) for name, (act, units) in layers.items())
    card = s.card(layers=built, loss={**outputs[0], "outputs": outputs})
    return check(s.healthy(card=card, data=data, targets=None))


def test_each_of_several_outputs_is_held_against_its_own_loss():
    layers = {"class": ("linear", 10), "even": ("linear", 1)}
    assert judged(layers, {"class": SPARSE, "even": BINARY}).state == "not_found"
    swapped = judged(layers, {"class": BINARY, "even": SPARSE})
    assert swapped.sign("fault") == "class_count" and swapped.layers == ("even",)


def test_of_several_outputs_that_no_layer_is_named_after_no_pair_is_judged():
    layers = {"class": ("linear", 10), "even": ("linear", 1)}
    found = judged(layers, {"prediction": SPARSE, "prediction #2": BINARY})
    assert found.state == "not_run" and "which layer gives which" in found.needs


def test_the_output_is_the_end_that_the_loss_was_called_with():
    classes, number = s.card().layers[-1], LayerCard("number", "Dense", "linear", units=1)
    shapes = {"loss_shapes": {"prediction": [None, 10], "target": [None]}}
    card = s.card(layers=(*s.card().layers[:-1], classes, number), settings=shapes)
    assert output_layer(card).path == "output" and output_units(card) == 10
    assert check(s.healthy(card=card)).sign("fault") is None
    without = s.card(layers=card.layers)
    assert output_layer(without).path == "number" and check(s.healthy(card=without)).sign("fault") == "class_count"


@pytest.mark.parametrize("shape", [[None], [None, 192], [None, 1], [None, 8, 8, 1], "?", None])
def test_a_shape_that_no_layer_has_tells_of_none(shape):
    card = s.with_layer(s.card(settings={"loss_shapes": {"prediction": shape}}), "output", units=1)
    assert output_layer(card).path == "output" and output_units(card) == 1


def in_torch(loss, low, high, units=10, mean=None):
    run = pair(
        loss, "softmax", units, prediction={"min": low, "max": high, "mean": 1 / units if mean is None else mean}
    )
    return replace(run, card=replace(run.card, framework="torch 2.11"))


@pytest.mark.parametrize("loss", ["NLLLoss", "CTCLoss", "KLDivergence"])
@pytest.mark.parametrize(("low", "high", "mean", "fault"), [
    (0.01, 0.9, None, "probabilities_as_logarithms"),
    (-3.0, 4.0, 0.5, "logits_as_logarithms"),
    (-9.0, -0.01, -3.0, None),
    (-9.0, 1e-6, -3.0, None),
])  # fmt: skip
def test_of_torch_some_losses_take_logarithms_of_probabilities(loss, low, high, mean, fault):
    assert check(in_torch(loss, low, high, mean=mean)).sign("fault") == fault
    keras = in_torch(loss, low, high, mean=mean)
    assert check(replace(keras, card=replace(keras.card, framework="keras 3.15.0"))).sign("fault") != fault or not fault


def test_an_activation_behind_which_something_else_comes_limits_no_output():
    within = pair("mse", "relu", 1, [-1.0], {"min": -4.0, "max": 2.0}, {"min": 0.0, "max": 2.0})
    beyond = pair("mse", "relu", 1, [-1.0], {"min": -4.0, "max": 2.0}, {"min": -0.5, "max": 2.0})
    assert check(within).sign("fault") == "unreachable_targets" and check(beyond).state == "not_found"


def torchs(run):
    return replace(run, card=replace(run.card, framework="torch"))


@pytest.mark.parametrize("loss", ["CosineEmbeddingLoss", "SoftMarginLoss", "MarginRankingLoss"])
def test_labels_of_0_and_1_are_none_for_losses_of_signs(loss):
    zero, signs = ({"min": low, "max": 1.0} for low in (0.0, -1.0))
    assert check(torchs(pair(loss, "linear", 8, target=zero))).sign("fault") == "labels_for_signs"
    assert check(torchs(pair(loss, "linear", 8, target=signs))).sign("fault") is None


@pytest.mark.parametrize(("change", "fault"), [(0.0, "labels_for_signs"), (0.8, None)])
def test_a_hinge_of_ones_own_may_make_signs_itself(change, fault):
    references = {"loss_shuffled_change": change, "diversity": 0.3, "min": -2.0, "max": 2.0}
    run = a.run(s.flat(0.5), references, {"min": 0.0, "max": 1.0}, card=a.own(loss={"name": "hinge"}))
    assert check(torchs(run)).sign("fault") == fault


def test_rates_are_no_logarithms_of_rates():
    run = pair("Poisson", "softplus", 1, [0.5], {"min": 0.0, "max": 5.0, "mean": 0.5}, from_logits=True)
    assert check(torchs(run)).sign("fault") == "rates_for_logarithms"
    assert check(torchs(pair("Poisson", "softplus", 1, [0.5], from_logits=False))).sign("fault") is None
    many = pair("Poisson", "relu", 1, [9.0], {"min": 0.0, "max": 40.0, "mean": 9.0}, from_logits=True)
    assert check(torchs(many)).sign("fault") is None


def test_a_divergence_of_logits_has_no_probabilities():
    logits = pair("kl_divergence", "linear", 10, prediction={"min": -3.0, "max": 4.0})
    assert check(logits).sign("fault") == "logits_as_probabilities"
    kept_inside = pair("kl_divergence", "linear", 10, prediction={"min": 0.0, "max": 1.0})
    assert check(kept_inside).sign("fault") is None
    assert check(pair("kl_divergence", "softmax", 10)).sign("fault") is None


def ends_in(kind, units=1, target=(8.0, 2.0), prediction=(0.0, 0.999)):
    """A squared error behind a layer of this kind; target, prediction: mean and standard deviation."""
    facts = ({"mean": mean, "std": std} for mean, std in (target, prediction))
    run = pair("mse", "linear", units, None, *facts)
    return replace(run, card=s.with_layer(run.card, "output", kind=kind, activation=None, units=units))


@pytest.mark.parametrize("run", [
    ends_in("BatchNormalization"), ends_in("LayerNormalization", 4, (0.0, 20.0)),
    ends_in("Dense", 4, (0.0, 3.0), (0.3, (0.25 - 0.09) ** 0.5)),
], ids=["a mean that is not given", "a spread", "vectors of length 1"])  # fmt: skip
def test_normalised_outputs_do_not_reach_targets_of_another_size(run):
    assert check(run).sign("fault") == "normalised_output"


@pytest.mark.parametrize("run", [
    ends_in("BatchNormalization", target=(0.1, 1.1)), ends_in("BatchNormalization", prediction=(0.3, 2.0)),
    ends_in("Dense"), ends_in("Dense", 4, (0.0, 0.5), (0.3, 0.4)),
], ids=["standard targets", "moved again", "no normalisation", "targets of length 1"])  # fmt: skip
def test_outputs_of_the_targets_size_are_sound(run):
    assert check(run).sign("fault") is None


def turned(right=1.0, low=0.0, high=1.0, name="soft_dice"):
    """A loss of its own that comes down to 0.001, beside what it is of the targets themselves."""
    references = {"loss_shuffled": 0.2, "loss_constant": 0.2, "loss_least": right, "min": low, "max": high}
    return a.run(s.falling(0.2, 0.001), references, {"min": 0.0, "max": 1.0}, card=a.own(loss={"name": name}))


def test_a_loss_that_is_highest_where_the_answer_is_right_is_turned_round():
    assert check(turned()).sign("fault") == "highest_at_targets" and check(turned()).sign("certain")


@pytest.mark.parametrize("run", [
    turned(0.0), turned(low=-4.0, high=5.0), turned(name="mean_squared_error"), turned(0.2),
], ids=["lowest there", "logits", "a distance", "as high as another"])  # fmt: skip
def test_any_other_loss_goes_the_right_way(run):
    assert check(run).sign("fault") is None
