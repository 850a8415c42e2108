from dataclasses import replace

import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.architecture import DROPOUT, SATURATING_DEPTH, check
from tb_lossdiag.run import LayerCard, Row


def dense(name, activation="relu", **settings):
    return LayerCard(name, "Dense", activation, units=8, parameters=72, settings=settings)


def model(*layers):
    return s.healthy(card=s.card(layers=layers))


def deep(count, *more, activation="sigmoid"):
    return model(*(dense(f"hidden_{i}", activation) for i in range(count)), *more, dense("output", "softmax"))


def dropout(rate, kind="Dropout"):
    return model(dense("hidden"), LayerCard("drop", kind, settings={"rate": rate}), dense("output", "softmax"))


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "hard_sigmoid"])
def test_one_saturating_layer_too_many_is_a_deep_stack(activation):
    assert check(deep(SATURATING_DEPTH, activation=activation)).state == "not_found"
    found = check(deep(SATURATING_DEPTH + 1, activation=activation))
    assert (found.state, found.sign("fault")) == ("found", "deep_saturating")


def test_the_deep_stack_is_counted_and_named():
    found = check(deep(SATURATING_DEPTH + 2))
    (evidence,) = found.evidence
    assert (evidence.value, evidence.threshold) == (SATURATING_DEPTH + 2, SATURATING_DEPTH)
    assert found.layers == tuple(f"hidden_{i}" for i in range(SATURATING_DEPTH + 2))
    assert found.onset == 0


@pytest.mark.parametrize("kind", ["BatchNormalization", "LayerNormalization", "Add", "Concatenate"])
def test_normalisation_or_a_skip_connection_excuses_depth(kind):
    assert check(deep(8, LayerCard("excuse", kind))).state == "not_found"


def test_recurrent_layers_are_not_a_deep_stack():
    layers = (replace(dense(f"lstm_{i}", "tanh", return_sequences=True), kind="LSTM") for i in range(6))
    assert check(model(*layers, dense("output", "softmax"))).state == "not_found"


def test_a_dropout_rate_is_found_above_its_threshold_only():
    assert check(dropout(DROPOUT)).state == "not_found"
    found = check(dropout(0.9))
    assert (found.state, found.sign("fault"), found.layers) == ("found", "dropout", ("drop",))
    assert (found.evidence[0].value, found.evidence[0].threshold) == (0.9, DROPOUT)
    assert "'drop' drops 90%" in found.evidence[0].text


@pytest.mark.parametrize(
    ("told", "state"), [([0.2, 0.95], "found"), ([0.5], "not_found"), ([1.0], "not_found"), ("0.9", "not_found"),
                        ([None, "a"], "not_found")]
)  # fmt: skip
def test_a_dropout_that_is_a_function_is_found_too(told, state):
    run = model(dense("a", "relu"), dense("b", "softmax"))
    found = check(replace(run, card=replace(run.card, settings={**run.card.settings, "dropouts": told})))
    assert (found.state, found.sign("fault")) == (state, "dropout" if state == "found" else None)


def test_a_rate_that_is_no_dropout_is_none():
    assert check(dropout("fast", kind="MyLayer")).state == "not_found"


def test_dense_layers_without_activation_between_them_are_one():
    found = check(model(dense("a", "linear"), LayerCard("flat", "Flatten"), dense("b", None), dense("c", "softmax")))
    assert (found.state, found.sign("fault"), found.layers) == ("found", "linear_stack", ("a", "b", "c"))


@pytest.mark.parametrize("between", [LayerCard("act", "Activation", "relu"), LayerCard("mine", "MyLayer"), dense("r")])
def test_anything_that_may_bend_keeps_layers_apart(between):
    assert check(model(dense("a", "linear"), between, dense("b", "softmax"))).state == "not_found"


def test_one_linear_layer_is_a_regression_and_no_stack():
    assert check(model(dense("a", "linear"))).state == "not_found"


def test_without_layers_there_is_nothing_to_check():
    assert check(model()).state == "not_run"


@pytest.mark.parametrize("rate", [None, "0.9", [0.9], {}])
def test_a_rate_that_is_no_number_is_no_rate(rate):
    assert check(dropout(rate)).state == "not_found"


def test_linear_layers_beside_each_other_are_no_stack():
    """Two towers whose outputs are multiplied with each other; the list of layers tells of no order."""
    towers = (dense("user", "linear"), dense("item", "linear"))
    assert check(model(*towers)).sign("fault") == "linear_stack"
    assert check(model(*towers, LayerCard("product", "Dot", units=1))).state == "not_found"
    two = s.with_rows(s.data_table(), (Row("input:other", "input"),))
    assert check(replace(model(*towers), data=two)).state == "not_found"


def ending(rate=0.5, *more, source="output", kind="Dense", size=1):
    """A Dropout behind the layer of this kind, and what stands behind that. size: of what the loss is called on."""
    last = LayerCard("output", kind, "linear", units=1, parameters=9, inputs=("hidden",))
    drop = LayerCard("drop", "Dropout", inputs=(source,), settings={"rate": rate})
    run = model(dense("hidden"), last, drop, *more)
    shapes = {"prediction": [None, size], "target": [None, size]}
    dropped = {"mean": 0.1, "std": (0.05 / (1 - rate) - 0.01) ** 0.5}  # of outputs with mean 0.1 and deviation 0.2
    card = replace(run.card, settings={"loss_shapes": shapes})
    return replace(run, card=card, data=s.data_table(prediction=dropped))


def test_a_dropout_that_nothing_follows_drops_the_outputs():
    found = check(ending())
    assert (found.sign("fault"), found.layers) == ("dropout_of_output", ("drop",))


@pytest.mark.parametrize("run", [
    ending(0.05), ending(source=""), ending(0.5, LayerCard("sum", "Add", inputs=("drop",))), ending(kind="GRU"),
    ending(size=40),
], ids=["hardly any", "fed by nothing known", "something follows", "another layer", "tied weights"])  # fmt: skip
def test_any_other_dropout_of_a_usual_rate_is_none(run):
    assert check(run).sign("fault") is None


@pytest.mark.parametrize(("rates", "found"), [
    ((0.6, 0.6, 0.6), True), ((0.5,) * 4, True), ((0.5,) * 3, False), ((0.1,) * 30, False),
])  # fmt: skip
def test_strong_dropouts_behind_each_other_leave_little(rates, found):
    drops = tuple(LayerCard(f"drop_{i}", "Dropout", settings={"rate": rate}) for i, rate in enumerate(rates))
    layers = s.card().layers
    result = check(s.healthy(card=replace(s.card(), layers=(*layers[:-1], *drops, layers[-1]))))
    assert (result.sign("fault") == "dropouts") is found
